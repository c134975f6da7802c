"""What the integration tests are built from: the server, its clients, and an origin to fetch from."""
