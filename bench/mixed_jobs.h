// mixed_jobs - no-op jobs that differ in queue and unique key, and the requests that submit them.
#ifndef ERRAND_BENCH_MIXED_JOBS_H
#define ERRAND_BENCH_MIXED_JOBS_H

#include "base/cleanup.h"
#include "bench/jobs.h"
#include "bench/load.h"
#include "bench/options.h"

#include <stddef.h>
#include <stdint.h>

#define MIXED_NAME_SIZE 40

typedef struct mixed_jobs mixed_jobs;

// How they differ: job i is of queue number i % queues, and has a unique key if i % keyed_each is
// 0.
typedef struct mixed_kind {
    size_t queues;      // 0: all are of `default`
    size_t keyed_each;  // 0: none has a key
} mixed_kind;

// mixed_queue_name writes the name of the index-th queue.
void mixed_queue_name(size_t index, char ret[static MIXED_NAME_SIZE]);

// mixed_jobs_new makes jobs with keys never used before. NULL when memory is short.
mixed_jobs *mixed_jobs_new(const mixed_kind *kind, size_t count);
void mixed_jobs_free(mixed_jobs *m);  // accepts NULL
DEFINE_AUTO(mixed_jobs, mixed_jobs_free)

// mixed_jobs_each is to be changed before the jobs are submitted, if at all.
Errand__V1__Job *mixed_jobs_each(mixed_jobs *m, size_t index);

// mixed_jobs_fill submits them in batches; mixed_jobs_submit one by one.
status *mixed_jobs_fill(mixed_jobs *m, rpc_client *client, const bench_options *options);
status *mixed_jobs_submit(mixed_jobs *m, rpc_client *client, const bench_options *options,
                          int in_flight);

#endif
