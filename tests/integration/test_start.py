"""Starts: what follows from where a server listens, and starts that fail."""

import socket

from harness.http_api import HttpApi

ONCE = {"maxAttempts": 1}


# Whoever can push results from elsewhere is no caller of this machine.
def test_results_from_elsewhere_keep_jobs_from_private_addresses(start_server, origin):
    server = start_server("--results", "tcp://0.0.0.0:0", "--insecure")
    api = HttpApi(server.http)
    job = api.submit({"http": {"url": origin.url + "/ok"}, "retry": ONCE})
    result = api.result(job["id"])
    assert result["state"] == "FAILED", result
    assert not origin.requests("/ok")


def test_a_start_that_fails_does_not_wait_for_jobs(start_server, origin):
    server = start_server("--workers", "0")
    HttpApi(server.http).submit({"http": {"url": origin.url + "/hang"}})
    server.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server.listen["http"] = f"127.0.0.1:{taken.getsockname()[1]}"
        server.flags = ["--drain-timeout", "1h"]
        server.launch()
        assert server.wait() not in (0, None)
