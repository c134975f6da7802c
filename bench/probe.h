// probe - what a server did for some jobs: processor time, bytes written, system calls,
// allocations.
#ifndef ERRAND_BENCH_PROBE_H
#define ERRAND_BENCH_PROBE_H

#include "base/cleanup.h"
#include "base/status.h"
#include "bench/report.h"
#include "bench/server.h"

// What is looked at. Each disturbs the others, so each has a pass of its own.
typedef enum probe_kind {
    PROBE_TIME,         // processor time, and bytes written to disk
    PROBE_CALLS,        // system calls, by strace
    PROBE_ALLOCATIONS,  // by a preloaded library
    PROBE_KINDS,
} probe_kind;

typedef struct probe probe;

// probe_open starts an errandd to look at.
status *probe_open(const bench_options *options, probe_kind kind, probe **ret);
status *probe_stop(probe *p);  // stops the server, and frees
void probe_abandon(probe *p);  // accepts NULL
DEFINE_AUTO(probe, probe_abandon)

const server *probe_server(const probe *p);

// probe_begin and probe_end stand around the jobs. probe_end adds the figures of the kind.
status *probe_begin(probe *p);
status *probe_end(probe *p, const char *row, double jobs, report *r);

// Why this kind can not be looked at here; NULL: it can.
const char *probe_missing(probe_kind kind);

#endif
