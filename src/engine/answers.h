// answers - the engine's second thread: it runs the done functions of rounds that are over, so that
// the next round need not wait until answers are encoded and sent.
#ifndef ERRAND_ENGINE_ANSWERS_H
#define ERRAND_ENGINE_ANSWERS_H

#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct answers {
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;  // guards what follows
    pthread_cond_t changed;
    engine_command *first, *last;
    bool stopping;
    atomic_bool idle;  // nothing waits, nothing runs
} answers;

status *answers_start(answers *a);
void answers_stop(answers *a);  // runs what is left, and waits; accepts a zeroed one

// answers_run runs the done functions of a list on this thread, answers_put on the other, in order.
void answers_run(engine_command *first);
void answers_put(answers *a, engine_command *first, engine_command *last);

// answers_idle is true when what is run here can not overtake anything.
bool answers_idle(const answers *a);

#endif
