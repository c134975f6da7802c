// http_transfer - one HTTP call under way: the easy handle, and what has come of it so far.
#ifndef ERRAND_WORKER_HTTP_TRANSFER_H
#define ERRAND_WORKER_HTTP_TRANSFER_H

#include "base/buf.h"
#include "base/status.h"
#include "worker/attempt.h"
#include "worker/room.h"

#include "errand/v1/job.pb-c.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_REDIRECTS     10
#define HTTP_DEFAULT_MAX_BODY  (16 << 20)
#define HTTP_MAX_HEADER_BYTES  (256 << 10)  // of all responses of one transfer
#define HTTP_FAILED_BODY_BYTES 512          // kept of the body of an answer that is no success
#define HTTP_FAILED_BODY_SKIP  (64 << 10)  // read beyond that, so that the connection can be reused

// Why we ended the transfer ourselves.
typedef enum http_stop {
    HTTP_STOP_NONE,
    HTTP_STOP_BODY,     // longer than its cap
    HTTP_STOP_HEADERS,  // more than HTTP_MAX_HEADER_BYTES
    HTTP_STOP_ENOUGH,   // of the body of a failure
    HTTP_STOP_MEMORY,
} http_stop;

typedef struct http_host http_host;

typedef struct http_transfer {
    CURL *easy;
    attempt *attempt;
    const Errand__V1__HttpRequest *request;  // the attempt's
    const char *traceparent;                 // of its job; "": none
    bool allow_private;
    const atomic_bool *private_withdrawn;  // NULL: never
    struct curl_slist *headers;
    buf body;
    size_t header_bytes;
    size_t skipped_bytes;
    http_stop stop;
    long opened_hop;                 // redirects before the last socket that was allowed; -1: none
    char blocked[INET6_ADDRSTRLEN];  // an address that is not; "": none
    char error[CURL_ERROR_SIZE];
    struct http_transfer *next;  // in the pool
    http_host *host;             // http_hosts.c; NULL: not counted
    unsigned group;              // of the http_loop
    bool in_line;                // of the host
    struct http_transfer *line_prev, *line_next;
    room *room;
    room_place place;
} http_transfer;

// http_request_apply puts the request on the easy handle, which is reset first.
status *http_request_apply(http_transfer *t);

// http_response_apply sets the callbacks that collect the answer.
bool http_response_apply(http_transfer *t);

// http_response_finish reports to the attempt how the transfer ended.
void http_response_finish(http_transfer *t, CURLcode result);

// http_redirects is the number of redirects followed so far.
long http_redirects(const http_transfer *t);

size_t http_max_body(const http_transfer *t);

#endif
