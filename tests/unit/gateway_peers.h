// gateway_peers - real connections of clients, for what looks at sockets.
#ifndef ERRAND_TESTS_UNIT_GATEWAY_PEERS_H
#define ERRAND_TESTS_UNIT_GATEWAY_PEERS_H

#include "gateway/sockets.h"
#include "unit/unit_test.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

// One connection: both ends, and the client as the server sees it.
typedef struct peer_pair {
    int client, server;
    socket_peer peer;
} peer_pair;

// peers_listen opens a listener on a port of its own; peers_port says which.
static inline int peers_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *) &address, sizeof address), 0);
    assert_int_equal(listen(listener, 512), 0);
    return listener;
}

static inline struct sockaddr_in peers_address(int listener)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &size), 0);
    return address;
}

static inline int peers_port(int listener)
{
    return ntohs(peers_address(listener).sin_port);
}

static inline peer_pair peers_connect(int listener)
{
    struct sockaddr_in address = peers_address(listener);
    socklen_t size = sizeof address;
    peer_pair pair = {.client = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(connect(pair.client, (struct sockaddr *) &address, size), 0);
    pair.server = accept(listener, (struct sockaddr *) &address, &size);
    assert_true(pair.server >= 0);
    pair.peer = socket_peer_of(address.sin_addr.s_addr, address.sin_port);
    return pair;
}

static inline void peers_close(const peer_pair *pair)
{
    (void) close(pair->client);
    (void) close(pair->server);
}

#endif
