// lessee - the least of a worker: leases no-op jobs and pushes their outcomes at once.
#ifndef ERRAND_BENCH_LESSEE_H
#define ERRAND_BENCH_LESSEE_H

#include "base/status.h"
#include "bench/server.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct lessee_load {
    const server *server;
    int lessees;        // worker processes that the server believes in, each a thread here
    int64_t jobs;       // until that many are acknowledged
    int lease;          // jobs in one Lease
    int64_t wait_ms;    // how long a Lease is parked; 0: the jobs are there already
    int64_t timeout_s;  // of it all
    bool ipc;           // instead of tcp
    // Told of each job right before its outcome is pushed, on the lessee's thread; may be NULL.
    void (*finishing)(void *data, const char *job_id);
    void *data;
} lessee_load;

typedef struct lessees lessees;

// lessees_start starts the threads, lessees_join waits for them and frees; ret_seconds is the time
// from the start until the last acknowledgement.
status *lessees_start(const lessee_load *load, lessees **ret);
void lessees_cancel(lessees *all);  // makes them give up soon; join all the same
status *lessees_join(lessees *all, double *ret_seconds);

#endif
