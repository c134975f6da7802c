// handover - passes work from any thread to the thread of a libuv loop.
#ifndef ERRAND_CLIENTS_C_WORKER_HANDOVER_H
#define ERRAND_CLIENTS_C_WORKER_HANDOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

// An item is part of the object that it is about. It is handed over at most once at a time: posting
// one that still waits does nothing.
typedef struct handover_item {
    void (*run)(struct handover_item *item);  // on the loop's thread
    struct handover_item *next;
    atomic_bool waiting;
} handover_item;

typedef struct handover {
    _Atomic(handover_item *) latest;  // what waits, the newest first
    uv_async_t wake;
} handover;

int handover_init(handover *h, uv_loop_t *loop);  // 0, or an error of libuv

void handover_post(handover *h, handover_item *item);  // any thread, until `wake` is closed
void handover_run(handover *h);  // runs what waits, in the order of posting, on the loop's thread

#endif
