// tally - have all jobs of a server succeeded?
#ifndef ERRAND_BENCH_TALLY_H
#define ERRAND_BENCH_TALLY_H

#include "base/status.h"
#include "rpc/client.h"

#include "errand/v1/job_service.pb-c.h"

#include <stdint.h>

// tally_wait lists all jobs until every one is SUCCEEDED, again and again for timeout_s (0: once).
// It fails when a job ended otherwise, when time is over, or when there are not exactly `jobs` of
// them.
status *tally_wait(rpc_client *client, int64_t jobs, int64_t timeout_s);

// tally_wait_ended waits until no job is left that has not ended, by the server's counters: a look
// costs next to nothing, where tally_wait goes through all jobs. How they ended it does not say.
status *tally_wait_ended(rpc_client *client, int64_t timeout_s);

// tally_submit_last submits one job and waits until it has ended. Behind many equal jobs it is the
// last to start, so that listing them before is not worth while.
status *tally_submit_last(rpc_client *client, Errand__V1__Job *job, int64_t timeout_s);

#endif
