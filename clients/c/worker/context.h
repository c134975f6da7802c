// context - one run of a function: what it is told, and what it says. Private to function.c and
// context.c.
//
// `attempt` and `memory` belong to the loop's thread, what the function says of its end to the
// function's; `lock` guards what both touch.
#ifndef ERRAND_CLIENTS_C_WORKER_CONTEXT_H
#define ERRAND_CLIENTS_C_WORKER_CONTEXT_H

#include "worker/crew.h"
#include "worker/function.h"
#include "worker/handover.h"

#include <pthread.h>

struct errand_context {
    handover_item progressed;  // first: it has something to tell
    handover_item over;        // the function has returned
    const function_settings *settings;
    attempt *attempt;  // NULL: given up, and what the function says does not matter
    attempts *owner;
    arena *memory;  // of the job, once the attempt is gone; else NULL
    const Errand__V1__Job *job;
    int64_t deadline_us;  // monotonic
    crew_task task;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool cancelled;
    int fd;  // readable when cancelled; -1: nobody has asked for it
    int64_t done, total;
    char message[ATTEMPT_TEXT_BYTES];

    arena *said;  // holds what follows
    Errand__V1__Result result;
    Errand__V1__Data data;
    bool failed;
    attempt_failure failure;
};

errand_context *context_new(const function_settings *settings, attempt *a);
void context_free(errand_context *c);

// context_cancel tells the function to come to its end.
void context_cancel(errand_context *c);

// context_settle reports what the function has said; the attempt is gone afterwards.
void context_settle(errand_context *c);

// context_tell passes the progress on to the attempt.
void context_tell(errand_context *c);

// Posts an item of the context to the loop's thread.
void context_post(errand_context *c, handover_item *item);

#endif
