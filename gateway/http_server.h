// http_server - civetweb behind one callback that answers everything.
#ifndef ERRAND_GATEWAY_HTTP_SERVER_H
#define ERRAND_GATEWAY_HTTP_SERVER_H

#include "base/status.h"
#include "gateway/exchange.h"
#include "gateway/https.h"

#include <stddef.h>
#include <stdint.h>

typedef struct http_server http_server;

typedef struct http_server_options {
    const char *listen;                            // HOST:PORT, port 0: any
    https_files tls;                               // certificate and key; none: plain HTTP
    size_t threads;                                // connections open at once
    size_t max_body_bytes;                         // of a request
    int64_t request_timeout_us;                    // for a whole request to arrive
    void (*handle)(void *data, exchange *x);       // makes the reply of a well-framed request
    void (*ended)(void *data, const exchange *x);  // any request was answered
    void *data;
} http_server_options;

// http_server_start listens and serves; ret_url is the real base URL, owned.
status *http_server_start(const http_server_options *options, http_server **ret, char **ret_url);

// http_server_threads is how many connections may be open at once: as many as options say, unless
// the system has fewer open files or threads for the process.
size_t http_server_threads(const http_server *server);

// http_server_renew_tls reads certificate and key again; without any there is nothing to do.
status *http_server_renew_tls(http_server *server);

// http_server_quiesce takes no more connections, closes idle ones and lets the others end after
// their next reply.
void http_server_quiesce(http_server *server);

// http_server_wait waits until at most so many requests are at work, or the time is over.
void http_server_wait(http_server *server, size_t most, int64_t timeout_ms);

// http_server_free waits for all threads; replies not written by then are lost.
void http_server_free(http_server *server);  // accepts NULL

#endif
