// rules - the moves in the life of a job. Pure: each takes the time as an argument.
//
// A move that the state does not allow leaves the row alone and returns FAILED_PRECONDITION. Each
// move that is made adds one to revision.
#ifndef ERRAND_JOB_RULES_H
#define ERRAND_JOB_RULES_H

#include "base/status.h"
#include "job/row.h"

#include <stdbool.h>
#include <stdint.h>

#define JOB_MAX_LOSSES 3  // lost leases that make a job poison

// job_state_allows is the table of allowed moves.
bool job_state_allows(job_state from, job_state to);

// job_start_life makes a new row SCHEDULED or READY by its due_us; due_us 0 means now.
void job_start_life(job_row *row, int64_t now_us);

// job_promote: SCHEDULED to READY, when its time has come.
status *job_promote(job_row *row, int64_t now_us);

// job_lease: READY to RUNNING under a new attempt number.
status *job_lease(job_row *row, const uuid *worker, int64_t lease_sequence, int64_t now_us);

// job_succeed: RUNNING to SUCCEEDED.
status *job_succeed(job_row *row, int64_t now_us);

typedef struct job_failure {
    bool retryable;
    int64_t retry_after_us;  // not sooner than this from now; 0: not said
} job_failure;

// job_fail: RUNNING to SCHEDULED (another attempt) or FAILED. random is uniform in [0, 1).
status *job_fail(job_row *row, const job_failure *failure, double random, int64_t now_us);

// job_release: RUNNING to READY, as if it had not been leased but for the attempt number.
status *job_release(job_row *row, int64_t now_us);

// job_lose: the worker vanished. RUNNING to READY, or FAILED at the JOB_MAX_LOSSES-th time.
status *job_lose(job_row *row, int64_t now_us);

// job_expire: a job that waits and was never leased, to EXPIRED.
status *job_expire(job_row *row, int64_t now_us);

// job_unblock: one of the jobs that it waits for has succeeded. BLOCKED to SCHEDULED or READY after
// the last.
status *job_unblock(job_row *row, int64_t now_us);

// job_cancel: from every unfinished state to CANCELLED.
status *job_cancel(job_row *row, int64_t now_us);

// job_retry: FAILED, CANCELLED or EXPIRED to READY by hand, with all attempts before it again. The
// attempt number goes on.
status *job_retry(job_row *row, int64_t now_us);

// job_backoff_us is the time before the retry that follows the n-th failure (n from 1):
// full jitter, random * min(max_backoff, min_backoff * multiplier^(n-1)).
int64_t job_backoff_us(const job_policy *policy, int32_t failures, double random);

#endif
