// place - a server in a certain condition, and what a job costs it there.
#ifndef ERRAND_BENCH_PLACE_H
#define ERRAND_BENCH_PLACE_H

#include "base/cleanup.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/server.h"

#include <stddef.h>
#include <stdint.h>

// The condition. Jobs that are measured are like those of the backlog.
typedef struct place_case {
    const char *row;
    int64_t backlog;  // queued jobs
    int64_t queues;   // that they are spread over; 0: they are of the default one
    int64_t served;   // queues that the worker names; 0: it serves all
    int64_t open;     // queues that are not paused; 0: all
    int64_t limited;  // queues that have a limit, which is far away
    int64_t keys;     // of the backlog, jobs that have a unique key
    int64_t waiters;  // callers that wait for results
    int64_t idle;     // workers of another kind that wait for jobs
} place_case;

typedef struct place place;

status *place_open(const bench_options *options, const place_case *wanted, place **ret);
// place_stop stops the server, and frees; place_close kills it.
status *place_stop(place *p);
void place_close(place *p);  // accepts NULL
DEFINE_AUTO(place, place_close)

server *place_server(place *p);

// place_crowd lets the callers come: they stay for less than a minute.
status *place_crowd(place *p);

// place_measure submits, leases and finishes that many jobs, and keeps what it took.
status *place_measure(place *p, size_t jobs);

// place_report adds the figures: medians of what was measured, and their ratios to another place.
void place_report(place *p, place *base, report *r);

#endif
