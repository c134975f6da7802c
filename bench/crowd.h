// crowd - calls that wait at the server, so many that it should not matter.
#ifndef ERRAND_BENCH_CROWD_H
#define ERRAND_BENCH_CROWD_H

#include "base/cleanup.h"
#include "base/status.h"
#include "bench/options.h"
#include "bench/server.h"

#include <stddef.h>

typedef struct crowd crowd;

// crowd_new makes callers wait for the results of jobs that are due much later, each for another
// one, and workers wait for jobs of a kind that never comes. It returns when all of them wait,
// which they do for almost a minute.
status *crowd_new(const server *s, const bench_options *options, size_t waiters, size_t workers,
                  crowd **ret);
void crowd_free(crowd *c);  // accepts NULL
DEFINE_AUTO(crowd, crowd_free)

// crowd_check fails when one of them waits no longer. Accepts NULL.
status *crowd_check(crowd *c);

#endif
