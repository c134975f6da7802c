// rules - the moves in the life of a job.
//
//                    promote                lease                succeed
//   SCHEDULED ----------------------> READY -------> RUNNING -----------------> SUCCEEDED
//    |   ^ ^                          ^ ^ ^            | | |
//    |   | |                          | | |  release,  | | | fail for good, lose for good
//    |   | |                          | | |    lose    | | +-----------------> FAILED
//    |   | |                          | | +------------+ |                       |
//    |   | +--------------------------|-|----------------+                       |
//    |   |         fail, try again    | |                                        |
//    |   +--------- BLOCKED ----------+ +------- retry by hand ------------------+
//    |        the jobs it waits for have succeeded                               |
//    |                                                                           |
//    +-- cancel, from every unfinished state ---------------> CANCELLED ---------+
//    +-- expire, from every state that waits ---------------> EXPIRED -----------+
#include "job/rules.h"

#include <math.h>

#define BIT(state) (1u << (state))

// Moves that are allowed, by the state they start from.
static const unsigned allowed[JOB_STATE_COUNT] = {
    // clang-format off
    [JOB_BLOCKED]   = BIT(JOB_SCHEDULED) | BIT(JOB_READY) | BIT(JOB_CANCELLED) | BIT(JOB_EXPIRED),
    [JOB_SCHEDULED] = BIT(JOB_READY) | BIT(JOB_CANCELLED) | BIT(JOB_EXPIRED),
    [JOB_READY]     = BIT(JOB_RUNNING) | BIT(JOB_CANCELLED) | BIT(JOB_EXPIRED),
    [JOB_RUNNING]   = BIT(JOB_READY) | BIT(JOB_SCHEDULED) | BIT(JOB_SUCCEEDED) | BIT(JOB_FAILED)
                      | BIT(JOB_CANCELLED),
    [JOB_SUCCEEDED] = 0,
    [JOB_FAILED]    = BIT(JOB_READY),
    [JOB_CANCELLED] = BIT(JOB_READY),
    [JOB_EXPIRED]   = BIT(JOB_READY),
    // clang-format on
};

bool job_state_allows(job_state from, job_state to)
{
    return (unsigned) from < JOB_STATE_COUNT && (unsigned) to < JOB_STATE_COUNT &&
           (allowed[from] & BIT(to)) != 0;
}

// The one place where the state of a job changes.
static status *move(job_row *row, job_state from, job_state to, int64_t now_us)
{
    if (row->state != from || !job_state_allows(from, to))
        return status_new(STATUS_FAILED_PRECONDITION, "a job that is %s can not become %s",
                          job_state_name(row->state), job_state_name(to));
    row->state = to;
    row->held = false;
    row->revision++;
    if (job_state_is_final(to))
        row->finish_us = now_us;
    return NULL;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t after(int64_t now_us, int64_t wait_us)
{
    int64_t sum;
    return __builtin_add_overflow(now_us, later(wait_us, 0), &sum) ? INT64_MAX : sum;
}

void job_start_life(job_row *row, int64_t now_us)
{
    // A time in the past counts as now: an old schedule_time is no way past the others in line.
    row->due_us = later(row->due_us, now_us);
    row->state = row->blockers > 0 ? JOB_BLOCKED : row->due_us > now_us ? JOB_SCHEDULED : JOB_READY;
    row->create_us = now_us;
    row->revision = 1;
}

status *job_promote(job_row *row, int64_t now_us)
{
    if (row->state == JOB_SCHEDULED && row->due_us > now_us)
        return status_new(STATUS_FAILED_PRECONDITION, "the job's time has not come");
    return move(row, JOB_SCHEDULED, JOB_READY, now_us);
}

status *job_lease(job_row *row, const uuid *worker, int64_t lease_sequence, int64_t now_us)
{
    status *refused = move(row, JOB_READY, JOB_RUNNING, now_us);
    if (refused)
        return refused;
    row->attempt++;
    row->worker = *worker;
    row->lease_sequence = lease_sequence;
    row->start_us = now_us;
    return NULL;
}

status *job_succeed(job_row *row, int64_t now_us)
{
    return move(row, JOB_RUNNING, JOB_SUCCEEDED, now_us);
}

status *job_fail(job_row *row, const job_failure *failure, double random, int64_t now_us)
{
    bool again = failure->retryable && row->failures + 1 < row->policy.max_attempts;
    status *refused = move(row, JOB_RUNNING, again ? JOB_SCHEDULED : JOB_FAILED, now_us);
    if (refused)
        return refused;
    row->failures++;
    if (again) {
        int64_t backoff_us = job_backoff_us(&row->policy, row->failures, random);
        row->due_us = after(now_us, later(backoff_us, failure->retry_after_us));
    }
    return NULL;
}

// A job that goes back keeps its due time, and with it its place in the line.
status *job_release(job_row *row, int64_t now_us)
{
    return move(row, JOB_RUNNING, JOB_READY, now_us);
}

status *job_lose(job_row *row, int64_t now_us)
{
    bool poison = row->losses + 1 >= JOB_MAX_LOSSES;
    status *refused = move(row, JOB_RUNNING, poison ? JOB_FAILED : JOB_READY, now_us);
    if (refused)
        return refused;
    row->losses++;
    return NULL;
}

status *job_expire(job_row *row, int64_t now_us)
{
    if (row->attempt > 0 || row->expire_us == 0 || row->expire_us > now_us)
        return status_new(STATUS_FAILED_PRECONDITION, "the job has not expired");
    return move(row, row->state, JOB_EXPIRED, now_us);
}

status *job_unblock(job_row *row, int64_t now_us)
{
    if (row->state != JOB_BLOCKED)
        return status_new(STATUS_FAILED_PRECONDITION, "a job that is %s waits for no other",
                          job_state_name(row->state));
    row->blockers--;
    if (row->blockers > 0)
        return NULL;
    row->due_us = later(row->due_us, now_us);
    return move(row, JOB_BLOCKED, row->due_us > now_us ? JOB_SCHEDULED : JOB_READY, now_us);
}

status *job_cancel(job_row *row, int64_t now_us)
{
    return move(row, row->state, JOB_CANCELLED, now_us);
}

status *job_retry(job_row *row, int64_t now_us)
{
    if (!job_state_is_final(row->state))
        return status_new(STATUS_FAILED_PRECONDITION, "a job that is %s can not be retried",
                          job_state_name(row->state));
    status *refused = move(row, row->state, JOB_READY, now_us);
    if (refused)
        return refused;
    row->failures = 0;
    row->losses = 0;
    row->due_us = now_us;
    row->finish_us = 0;
    row->expire_us = 0;
    row->blockers = 0;
    return NULL;
}

int64_t job_backoff_us(const job_policy *policy, int32_t failures, double random)
{
    double bound = (double) policy->min_backoff_us * pow(policy->multiplier, failures - 1);
    double longest = (double) policy->max_backoff_us;
    if (!(bound < longest))  // infinite too
        bound = longest;
    double backoff = random * bound;
    return backoff < longest ? (int64_t) backoff : policy->max_backoff_us;
}
