// http_guard - which addresses a job may make a worker connect to. Pure.
#ifndef ERRAND_WORKER_HTTP_GUARD_H
#define ERRAND_WORKER_HTTP_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

typedef enum http_reach {
    HTTP_REACH_PUBLIC,
    HTTP_REACH_PRIVATE,  // loopback, private, shared, unspecified, multicast, reserved ranges
    HTTP_REACH_NEVER,    // link-local (cloud metadata services live there), or no IP address
} http_reach;

// http_guard_reach also looks at IPv4 addresses inside IPv6 ones (mapped, NAT64, 6to4).
http_reach http_guard_reach(const struct sockaddr *address);

bool http_guard_allows(const struct sockaddr *address, bool allow_private);

#endif
