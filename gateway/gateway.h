// gateway - the JSON HTTP API in front of the RPCs: one more client of the server.
#ifndef ERRAND_GATEWAY_GATEWAY_H
#define ERRAND_GATEWAY_GATEWAY_H

#include "base/status.h"
#include "gateway/https.h"
#include "rpc/tls_files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gateway gateway;

typedef struct gateway_options {
    const char *listen;  // HOST:PORT, port 0: any
    https_files https;   // certificate and key of the listener; none: plain HTTP
    // Servers that share one store: calls go to the first one that is connected and well. By
    // default the one of this host.
    const char *const *rpc_urls;
    size_t rpc_url_count;
    struct rpc_server *server;   // or the one of this process, which has to outlive the gateway
    const char *token;           // the gateway's own, for its health check; NULL: none
    tls_files tls;               // of tls+tcp:// servers
    int64_t connect_timeout_us;  // a call waits that long for a connection to the server: 3 s
    size_t threads;              // connections open at once: 2560; half of them may wait
    size_t max_streams;          // of events at once: 512, and half of the connections at most
    int64_t heartbeat_us;        // of a stream without events: 15 s
    bool access_log;             // every request is logged: false
    size_t max_body_bytes;       // HTTP request body: 16 MiB
    size_t max_message_bytes;    // RPC message: 32 MiB
    int64_t request_timeout_us;  // for the whole request to arrive: 30 s
    const char *const *origins;  // allowed Origin values
    size_t origin_count;
    bool allow_credentials;        // whether their pages may send cookies and the like
    bool require_connect_version;  // Connect calls have to say which protocol they speak
    const char *const *hosts;      // further names allowed in Host
    size_t host_count;
} gateway_options;

void gateway_options_init(gateway_options *options);

// gateway_start listens and serves; ret_url is the real base URL such as http://127.0.0.1:6780,
// owned.
status *gateway_start(const gateway_options *options, gateway **ret, char **ret_url);

// gateway_renew_https reads certificate and key of the listener again, for connections to come.
// When it fails the old ones stay; without any there is nothing to do.
status *gateway_renew_https(gateway *g);

// gateway_stop answers what is under way and frees. Accepts NULL.
void gateway_stop(gateway *g);

#endif
