// scenario - the measurements; each is a file and a row of the table in main.c.
#ifndef ERRAND_BENCH_SCENARIO_H
#define ERRAND_BENCH_SCENARIO_H

#include "base/status.h"
#include "bench/options.h"
#include "bench/report.h"

#include <stdbool.h>
#include <string.h>

// Each measures once and adds a sample to every figure of the report.
typedef status *scenario_fn(const bench_options *options, report *r);

scenario_fn scenario_disk;
scenario_fn scenario_echo;
scenario_fn scenario_submit;
scenario_fn scenario_curve;
scenario_fn scenario_load;
scenario_fn scenario_batch;
scenario_fn scenario_drain;
scenario_fn scenario_latency;
scenario_fn scenario_fetch;
scenario_fn scenario_exec;
scenario_fn scenario_fleet;
scenario_fn scenario_idle;
scenario_fn scenario_scale;
scenario_fn scenario_peers;
scenario_fn scenario_life;
scenario_fn scenario_forward;
scenario_fn scenario_backlog;
scenario_fn scenario_cost;
scenario_fn scenario_waiters;
scenario_fn scenario_http;
scenario_fn scenario_polls;

// The number of operations asked for, or else the scenario's own.
static inline int64_t scenario_count(const bench_options *options, int64_t own)
{
    return options->count ? options->count : own;
}

static inline bool scenario_wants(const bench_options *options, const char *row)
{
    return !options->row || strstr(row, options->row);
}

#endif
