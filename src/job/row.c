// row - states by name, and where a row stands.
#include "job/row.h"

#include "base/crypto.h"

#include <string.h>

#define RANK_DUE_MAX ((INT64_C(1) << JOB_RANK_DUE_BITS) - 1)

#define HIGHEST_PRIORITY 100

static const char *const state_names[JOB_STATE_COUNT] = {
    [0] = "STATE_UNSPECIFIED", [JOB_BLOCKED] = "BLOCKED",     [JOB_SCHEDULED] = "SCHEDULED",
    [JOB_READY] = "READY",     [JOB_RUNNING] = "RUNNING",     [JOB_SUCCEEDED] = "SUCCEEDED",
    [JOB_FAILED] = "FAILED",   [JOB_CANCELLED] = "CANCELLED", [JOB_EXPIRED] = "EXPIRED",
};

bool job_state_is_final(job_state state)
{
    return state >= JOB_SUCCEEDED && state <= JOB_EXPIRED;
}

bool job_row_is_gone(const job_row *row)
{
    return job_state_is_final(row->state) && row->finish_us == 0;
}

const char *job_state_name(job_state state)
{
    return (unsigned) state < JOB_STATE_COUNT ? state_names[state] : state_names[0];
}

int32_t job_row_lane(const job_row *row)
{
    switch (row->state) {
    case JOB_BLOCKED:
        return JOB_LANE_BLOCKED;
    case JOB_SCHEDULED:
        return JOB_LANE_SCHEDULED;
    case JOB_READY:
        return row->held ? JOB_LANE_HELD : row->route;
    case JOB_RUNNING:
        return JOB_LANE_RUNNING;
    case JOB_SUCCEEDED:
    case JOB_FAILED:
    case JOB_CANCELLED:
    case JOB_EXPIRED:
        return row->has_dependants       ? JOB_LANE_SETTLING
               : row->callbacks_open > 0 ? JOB_LANE_KEPT
                                         : JOB_LANE_FINISHED;
    }
    return JOB_LANE_BLOCKED;
}

static int64_t add_saturated(int64_t time_us, int64_t duration_us)
{
    int64_t sum;
    return __builtin_add_overflow(time_us, duration_us, &sum) ? INT64_MAX : sum;
}

int64_t job_row_rank(const job_row *row)
{
    switch (job_row_lane(row)) {
    case JOB_LANE_SCHEDULED:
        return row->due_us;
    case JOB_LANE_FINISHED:
        return add_saturated(row->finish_us, row->policy.retention_us);
    case JOB_LANE_RUNNING:
    case JOB_LANE_KEPT:
    case JOB_LANE_BLOCKED:
    case JOB_LANE_SETTLING:
        return 0;
    default:
        return job_ready_rank(row->priority, row->due_us, row->aging_us);
    }
}

static int64_t clamp(int64_t value, int64_t lowest, int64_t highest)
{
    return value < lowest ? lowest : value > highest ? highest : value;
}

int64_t job_ready_rank(int32_t priority, int64_t due_us, int64_t aging_us)
{
    int64_t due = clamp(due_us, 0, RANK_DUE_MAX);
    int64_t lead;
    if (aging_us == 0)
        return ((int64_t) (HIGHEST_PRIORITY - priority) << JOB_RANK_DUE_BITS) | due;
    if (__builtin_mul_overflow(aging_us, (int64_t) priority, &lead))
        lead = priority > 0 ? INT64_MAX : INT64_MIN;
    return due - clamp(lead, -INT64_MAX / 2, INT64_MAX / 2);
}

uuid job_key(const char *queue, const char *key)
{
    uint8_t hash[SHA256_BYTES];
    uuid ret;
    const crypto_part part = {key, strlen(key)};
    crypto_hmac_sha256(queue, strlen(queue), &part, 1, hash);
    memcpy(ret.bytes, hash, sizeof ret.bytes);
    return ret;
}
