// gateway_internal - what the parts of the gateway share.
#ifndef ERRAND_GATEWAY_GATEWAY_INTERNAL_H
#define ERRAND_GATEWAY_GATEWAY_INTERNAL_H

#include "gateway/gateway.h"
#include "gateway/http_server.h"
#include "gateway/origin.h"
#include "gateway/upstream.h"

#include <stdatomic.h>

struct gateway {
    upstream *up;
    http_server *http;
    origin_rules rules;
    _Atomic int64_t logged_us;  // monotonic: when trouble with the server was logged last
    atomic_size_t waiting;      // calls that may wait at the server
    atomic_size_t max_waiting;  // beyond, they are answered at once with the state so far
    atomic_size_t streams;      // of events; they count as waiting too
    size_t max_streams;
    int64_t heartbeat_us;
    bool access_log;
    bool require_connect_version;
};

#endif
