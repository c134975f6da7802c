// tally - what the server says about its jobs.
#ifndef ERRAND_BENCH_TALLY_H
#define ERRAND_BENCH_TALLY_H

#include "base/status.h"
#include "rpc/client.h"

#include <stdint.h>

// tally_expect fails unless exactly so many jobs are SUCCEEDED, and none FAILED.
status *tally_expect(rpc_client *client, int64_t succeeded);

// tally_wait looks every 10 ms until that many have succeeded; a FAILED job is a failure.
status *tally_wait(rpc_client *client, int64_t succeeded, int64_t timeout_s);

#endif
