// http_loop - curl multi handles driven by a libuv loop: thousands of transfers in one thread.
//
// For each new transfer libcurl looks at the connections that a multi handle has to its host, one
// after the other, and once more when it is over. So there are several multi handles, groups, each
// with connections of its own.
#ifndef ERRAND_WORKER_HTTP_LOOP_H
#define ERRAND_WORKER_HTTP_LOOP_H

#include "base/status.h"

#include <curl/curl.h>
#include <stddef.h>
#include <uv.h>

#define HTTP_GROUPS          32
#define HTTP_GROUP_TRANSFERS 64   // to one host, while there are groups with fewer
#define HTTP_GROUP_ALL       256  // to all hosts, likewise

typedef struct http_loop http_loop;

// http_done_fn is told of each transfer that ended; it is out of the multi handle already.
typedef void http_done_fn(void *data, CURL *easy, CURLcode result);

// http_loop_open: max_per_host connections to one host (0: no limit), max_idle kept for reuse in
// the first group, fewer in the others.
status *http_loop_open(uv_loop_t *loop, size_t max_per_host, size_t max_idle, http_done_fn *done,
                       void *data, http_loop **ret);

// http_loop_add begins a transfer, in a group below HTTP_GROUPS.
status *http_loop_add(http_loop *h, CURL *easy, unsigned group);
// http_loop_remove ends it early; done is not called for it.
void http_loop_remove(http_loop *h, CURL *easy, unsigned group);

// http_loop_close closes all connections; nothing may be under way. The handles on the loop are
// closed by then (by uv_walk and uv_close, for one). Accepts NULL.
void http_loop_close(http_loop *h);

#endif
