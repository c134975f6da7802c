// fill - puts many equal jobs into a server.
#ifndef ERRAND_BENCH_FILL_H
#define ERRAND_BENCH_FILL_H

#include "bench/load.h"
#include "bench/options.h"

#include "errand/v1/job.pb-c.h"

#define FILL_IN_FLIGHT 4  // BatchSubmit calls at one time

// fill_run submits `count` jobs, rounded up to whole batches, with BatchSubmit; the count of the
// result is that of jobs.
status *fill_run(rpc_client *client, const bench_options *options, Errand__V1__Job *job,
                 int64_t count, load_result *ret);

#endif
