// fleet - processes with workers of liberrand, whose functions do nothing.
#ifndef ERRAND_BENCH_FLEET_H
#define ERRAND_BENCH_FLEET_H

#include "base/status.h"
#include "bench/child.h"
#include "bench/server.h"

#include <stdint.h>

typedef struct fleet_size {
    int64_t processes;
    int64_t workers;      // in each process
    int64_t concurrency;  // of each worker
} fleet_size;

typedef struct fleet fleet;

// fleet_start returns when all workers are connected.
status *fleet_start(const server *errandd, const fleet_size *size, fleet **ret);

double fleet_cpu_s(const fleet *f);
double fleet_rss_mib(const fleet *f);

// fleet_stop drains them. fleet_abandon is for paths that fail already; both accept NULL.
status *fleet_stop(fleet *f);
void fleet_abandon(fleet *f);
DEFINE_AUTO(fleet, fleet_abandon)

// fleet_serve is one of the processes: RPC_URL RESULTS_URL WORKERS CONCURRENCY. It returns after
// SIGTERM.
int fleet_serve(int argc, char **argv);

#endif
