// options - what a run of errand-bench was asked for.
#ifndef ERRAND_BENCH_OPTIONS_H
#define ERRAND_BENCH_OPTIONS_H

#include "base/status.h"

#include <stdint.h>

typedef struct bench_options {
    const char *errandd;  // path of the server program
    const char *dir;      // temporary data folders are made here
    const char *json;     // file for the figures, "-" is standard output, then without tables
    const char *row;    // echo, submit and scale measure only rows whose name holds this; NULL: all
    int64_t runs;       // repetitions; figures are their medians
    int64_t count;      // operations of one measurement; 0: what the scenario takes
    int64_t time_ms;    // a measurement of a rate takes no longer than this
    int64_t timeout_s;  // a measurement that has to come to an end fails after this
    int64_t batch;      // jobs in one BatchSubmit
    int64_t lease;      // jobs in one Lease
    int64_t lessees;    // workers of drain, and of the other scenarios that drain
    int64_t workers;    // jobs that the built-in workers of errandd run at once
    int64_t max_per_host;  // transfers of theirs to one host at once
    int64_t body;          // bytes of the local origin's answers
    int64_t delay_ms;      // of the slow origin
    int64_t backlog;       // jobs queued in the largest case of scale
} bench_options;

// options_init sets the defaults. argv[0] is where errandd is looked for.
status *options_init(bench_options *options);
void options_fini(bench_options *options);

// options_parse reads flags, and moves the other arguments to the front of argv + 1;
// *ret_count is how many these are.
status *options_parse(bench_options *options, int argc, char **argv, int *ret_count);

void options_print_help(void);

#endif
