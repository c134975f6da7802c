// answers - to calls that are made all at once: how many have come, and the first that is bad.
#ifndef ERRAND_BENCH_ANSWERS_H
#define ERRAND_BENCH_ANSWERS_H

#include "base/status.h"

#include <pthread.h>
#include <stddef.h>

typedef struct answers {
    pthread_mutex_t lock;  // guards what follows
    pthread_cond_t changed;
    size_t count;
    size_t wanted;    // by who waits, who is woken up just once
    status *failure;  // the first
} answers;

void answers_init(answers *a);
void answers_fini(answers *a);

// answers_add counts one, from any thread, and takes its failure.
void answers_add(answers *a, status *failure);

// answers_wait waits for so many, however bad. It gives the first failure, which is forgotten.
status *answers_wait(answers *a, size_t count);

// answers_wait_good does not wait on once there is a failure.
status *answers_wait_good(answers *a, size_t count);

#endif
