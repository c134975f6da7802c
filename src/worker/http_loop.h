// http_loop - a curl multi handle driven by a libuv loop: thousands of transfers in one thread.
#ifndef ERRAND_WORKER_HTTP_LOOP_H
#define ERRAND_WORKER_HTTP_LOOP_H

#include "base/status.h"

#include <curl/curl.h>
#include <stddef.h>
#include <uv.h>

typedef struct http_loop http_loop;

// http_done_fn is told of each transfer that ended; it is out of the multi handle already.
typedef void http_done_fn(void *data, CURL *easy, CURLcode result);

// http_loop_open: max_per_host connections to one host (0: no limit), max_idle kept for reuse.
status *http_loop_open(uv_loop_t *loop, size_t max_per_host, size_t max_idle, http_done_fn *done,
                       void *data, http_loop **ret);

status *http_loop_add(http_loop *h, CURL *easy);
void http_loop_remove(http_loop *h, CURL *easy);  // done is not called for it

// http_loop_close closes all connections; nothing may be under way. The handles on the loop are
// closed by then (by uv_walk and uv_close, for one). Accepts NULL.
void http_loop_close(http_loop *h);

#endif
