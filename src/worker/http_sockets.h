// http_sockets - watches the sockets of curl's multi handles on a libuv loop.
//
// libuv itself makes three or four system calls to watch a socket for one answer and to let go of
// it, curl wants that with each transfer over a kept connection. Here it is one: all sockets are in
// an epoll instance of their own, which the loop watches, and each is armed for one event.
#ifndef ERRAND_WORKER_HTTP_SOCKETS_H
#define ERRAND_WORKER_HTTP_SOCKETS_H

#include "base/status.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

typedef struct http_sockets http_sockets;

// http_ready_fn is told what a socket is ready for: CURL_CSELECT_…. The owner is the one that has
// last asked for it.
typedef void http_ready_fn(void *owner, curl_socket_t fd, int flags);

status *http_sockets_open(uv_loop_t *loop, http_ready_fn *ready, http_sockets **ret);

// http_sockets_watch takes what curl wants of a socket, a CURL_POLL_…, until it wants another
// thing. False: it can not be had.
bool http_sockets_watch(http_sockets *s, curl_socket_t fd, int what, void *owner);

// http_sockets_close comes when the handles on the loop are closed. Accepts NULL.
void http_sockets_close(http_sockets *s);

#endif
