// arrivals - jobs that come when they come, however long the ones before take: each is submitted at
// a time chosen beforehand, and its latency counts from then.
#ifndef ERRAND_BENCH_ARRIVALS_H
#define ERRAND_BENCH_ARRIVALS_H

#include "base/status.h"
#include "rpc/client.h"

#include "errand/v1/job_service.pb-c.h"

#include <stddef.h>

typedef struct arrivals {
    rpc_client *client;
    const Errand__V1__SubmitRequest *request;  // with a wait: its reply is the finished job
    double rate;  // jobs a second, at times that are exponentially apart
    size_t count;
    double *latencies_s;  // out: of each job
    double done_rate;     // out
} arrivals;

// arrivals_run fails when a call does, or a job is not SUCCEEDED in its reply.
status *arrivals_run(arrivals *a, int64_t timeout_s);

#endif
