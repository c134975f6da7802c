// http_crew - threads that make transfers: all but those of the first group of an http_loop.
//
// Each thread has an http_loop with some of the groups. What belongs to the worker stays with the
// thread of its loop, home: attempts, lines of hosts, memory. A transfer is lent to its thread from
// http_crew_begin until `over`, with its easy handle, the request and the memory of the attempt.
// All that is said meanwhile is handed over, one thing of a kind at a time.
#ifndef ERRAND_WORKER_HTTP_CREW_H
#define ERRAND_WORKER_HTTP_CREW_H

#include "base/status.h"
#include "worker/http_transfer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define HTTP_CREW_THREADS 4  // at most, and no more than there are processors

typedef struct http_crew http_crew;

// What is called at home.
typedef struct http_crew_ops {
    // over comes once for each transfer that was begun; no other thread knows of it any more.
    void (*over)(void *data, http_transfer *t);
    // asked: its body may not grow over `size` bytes before http_crew_grant. Until then it rests.
    void (*asked)(void *data, http_transfer *t, size_t size);
    void (*progressed)(void *data, http_transfer *t, int64_t done, int64_t total);
} http_crew_ops;

typedef struct http_crew_options {
    size_t max_per_host, max_idle;  // see http_loop_open
    const http_crew_ops *ops;
    void *data;
} http_crew_options;

// http_crew_open makes no thread yet.
status *http_crew_open(uv_loop_t *home, const http_crew_options *options, http_crew **ret);

// http_crew_begin is false when its thread can not be had. The transfer has attempt, memory,
// request and group.
bool http_crew_begin(http_crew *c, http_transfer *t);

// http_crew_cancel ends a transfer early. It is over only when `over` says so, a moment later.
void http_crew_cancel(http_transfer *t);

// http_crew_grant answers what was asked, unless the transfer was cancelled.
void http_crew_grant(http_transfer *t);

// http_crew_stop waits for the threads, and for `over` of all transfers, which have ended or were
// cancelled. The loop is still there. http_crew_close frees. Both accept NULL.
void http_crew_stop(http_crew *c);
void http_crew_close(http_crew *c);

#endif
