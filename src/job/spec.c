// spec - what a submitted job means: its defaults, and the row it starts with.
#include "job/spec.h"

#include "job/rules.h"
#include "job/time.h"

#include <math.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

#define DEFAULT_HTTP_TIMEOUT_US (60 * SECOND_US)
#define DEFAULT_TIMEOUT_US      (900 * SECOND_US)
#define DEFAULT_RETENTION_US    (86400 * SECOND_US)
#define MIN_RETENTION_US        (2 * SECOND_US)  // whoever waits for a result has to read it still
#define DEFAULT_MIN_BACKOFF_US  SECOND_US
#define DEFAULT_MAX_BACKOFF_US  (600 * SECOND_US)
#define DEFAULT_MULTIPLIER      2.0
#define DEFAULT_MAX_ATTEMPTS    10

const char *job_spec_queue(const Errand__V1__Job *job)
{
    return *job->queue ? job->queue : JOB_DEFAULT_QUEUE;
}

const char *job_spec_kind(const Errand__V1__Job *job)
{
    if (job->input_case == ERRAND__V1__JOB__INPUT_HTTP)
        return "http";
    if (job->input_case == ERRAND__V1__JOB__INPUT_EXEC)
        return "exec";
    return job->kind;
}

static int64_t duration_or(const Google__Protobuf__Duration *duration, int64_t otherwise_us)
{
    int64_t us;
    return duration && time_from_duration(duration, &us) ? us : otherwise_us;
}

// One bound alone moves the default of the other, so that min <= max always holds.
static void fill_backoffs(const Errand__V1__RetryPolicy *retry, job_policy *ret)
{
    ret->min_backoff_us = duration_or(retry->min_backoff, DEFAULT_MIN_BACKOFF_US);
    ret->max_backoff_us = duration_or(retry->max_backoff, DEFAULT_MAX_BACKOFF_US);
    if (ret->min_backoff_us <= ret->max_backoff_us)
        return;
    if (retry->min_backoff)
        ret->max_backoff_us = ret->min_backoff_us;
    else
        ret->min_backoff_us = ret->max_backoff_us;
}

static void fill_policy(const Errand__V1__Job *job, job_policy *ret)
{
    static const Errand__V1__RetryPolicy no_retry = ERRAND__V1__RETRY_POLICY__INIT;
    const Errand__V1__RetryPolicy *retry = job->retry ? job->retry : &no_retry;
    bool is_http = job->input_case == ERRAND__V1__JOB__INPUT_HTTP;
    ret->attempt_timeout_us =
        duration_or(job->attempt_timeout, is_http ? DEFAULT_HTTP_TIMEOUT_US : DEFAULT_TIMEOUT_US);
    ret->retention_us = duration_or(job->retention, DEFAULT_RETENTION_US);
    if (ret->retention_us < MIN_RETENTION_US)
        ret->retention_us = MIN_RETENTION_US;
    ret->max_attempts = retry->max_attempts > 0 ? retry->max_attempts : DEFAULT_MAX_ATTEMPTS;
    ret->multiplier = retry->multiplier >= 1.0 ? retry->multiplier : DEFAULT_MULTIPLIER;
    fill_backoffs(retry, ret);
}

static int64_t due_time(const Errand__V1__Job *job, int64_t now_us)
{
    int64_t us;
    if (job->schedule_time && time_from_timestamp(job->schedule_time, &us))
        return us;
    return now_us + duration_or(job->delay, 0);
}

static void fill_keys(const Errand__V1__Job *job, job_row *ret)
{
    if (job->expire_time)
        (void) time_from_timestamp(job->expire_time, &ret->expire_us);
    if (*job->unique_key)
        ret->unique_key = job_key(job_spec_queue(job), job->unique_key);
    if (*job->concurrency_key)
        ret->concurrency_key = job_key(job_spec_queue(job), job->concurrency_key);
}

void job_spec_row(const Errand__V1__Job *job, int64_t now_us, job_row *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->priority = job->priority;
    ret->has_callback = job->callback != NULL;
    ret->due_us = due_time(job, now_us);
    ret->blockers = (int32_t) job->n_after;
    fill_keys(job, ret);
    fill_policy(job, &ret->policy);
    job_start_life(ret, now_us);
}

status *job_spec_decode(slice spec, arena *memory, Errand__V1__Job **ret)
{
    ProtobufCAllocator allocator = {arena_alloc_hook, arena_free_hook, memory};
    Errand__V1__Job *job = errand__v1__job__unpack(&allocator, spec.size, spec.bytes);
    if (!job)
        return status_new(STATUS_DATA_LOSS, "the stored input of a job can not be decoded");
    *ret = job;
    return NULL;
}
