// inbox - commands on their way to the engine: many posters, one taker.
#ifndef ERRAND_ENGINE_INBOX_H
#define ERRAND_ENGINE_INBOX_H

#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct inbox {
    _Atomic(engine_command *) newest;  // a stack
    atomic_size_t length;
    pthread_mutex_t lock;    // only to sleep and to wake
    pthread_cond_t arrived;  // on CLOCK_MONOTONIC
    bool poked;
} inbox;

status *inbox_init(inbox *in);
void inbox_fini(inbox *in);

void inbox_put(inbox *in, engine_command *command);
// inbox_put_all puts a list, oldest first, which the taker finds as a whole.
void inbox_put_all(inbox *in, engine_command *commands);
void inbox_poke(inbox *in);  // wakes the taker without a command

// inbox_wait returns once there is a command, at the deadline (monotonic microseconds), or after a
// poke.
void inbox_wait(inbox *in, int64_t deadline_us);

// inbox_take empties the box, in order of arrival; waits as inbox_wait does when it is empty, with
// a deadline of 0 not at all. NULL when it found nothing.
engine_command *inbox_take(inbox *in, int64_t deadline_us);

#endif
