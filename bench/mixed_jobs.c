// mixed_jobs - the jobs of a case, in one array.
#include "bench/mixed_jobs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct mixed_job {
    Errand__V1__Job job;
    Errand__V1__SubmitRequest request;
    char queue[MIXED_NAME_SIZE], key[MIXED_NAME_SIZE];
} mixed_job;

struct mixed_jobs {
    noop_job noop;
    size_t count;
    const ProtobufCMessage **requests;
    mixed_job each[];
};

void mixed_queue_name(size_t index, char ret[static MIXED_NAME_SIZE])
{
    (void) snprintf(ret, MIXED_NAME_SIZE, "queue-%05zu", index);
}

static void init_job(mixed_jobs *m, size_t index, const mixed_kind *kind)
{
    static atomic_size_t last_key;
    mixed_job *each = &m->each[index];
    each->job = m->noop.job;
    if (kind->queues > 0) {
        mixed_queue_name(index % kind->queues, each->queue);
        each->job.queue = each->queue;
    }
    if (kind->keyed_each && index % kind->keyed_each == 0) {
        (void) snprintf(each->key, sizeof each->key, "key-%zu", atomic_fetch_add(&last_key, 1));
        each->job.unique_key = each->key;
    }
    errand__v1__submit_request__init(&each->request);
    each->request.job = &each->job;
    m->requests[index] = &each->request.base;
}

mixed_jobs *mixed_jobs_new(const mixed_kind *kind, size_t count)
{
    AUTO(mixed_jobs) m = calloc(1, sizeof *m + count * sizeof m->each[0]);
    if (!m)
        return NULL;
    m->requests = calloc(count, sizeof(ProtobufCMessage *));
    if (!m->requests)
        return NULL;
    noop_job_init(&m->noop);
    m->count = count;
    for (size_t i = 0; i < count; i++)
        init_job(m, i, kind);
    return TAKE(m);
}

void mixed_jobs_free(mixed_jobs *m)
{
    if (!m)
        return;
    free(m->requests);
    free(m);
}

Errand__V1__Job *mixed_jobs_each(mixed_jobs *m, size_t index)
{
    return &m->each[index].job;
}

static status *submit_batch(mixed_jobs *m, rpc_client *client, const bench_options *options,
                            size_t first, size_t count)
{
    load_result ignored;
    AUTO(jobs_batch) batch = jobs_batch_new(&m->noop.job, count);
    if (!batch)
        return status_errno(ENOMEM, "jobs");
    for (size_t i = 0; i < count; i++)
        batch->jobs[i] = &m->each[first + i].job;
    load what = {.client = client,
                 .service = &errand__v1__job_service__descriptor,
                 .method = "BatchSubmit",
                 .request = &batch->request.base,
                 .in_flight = 1,
                 .count = 1,
                 .timeout_s = options->timeout_s};
    return load_run(&what, &ignored);
}

status *mixed_jobs_fill(mixed_jobs *m, rpc_client *client, const bench_options *options)
{
    status *failure = NULL;
    size_t batch = (size_t) options->batch;
    for (size_t i = 0; !failure && i < m->count; i += batch)
        failure = submit_batch(m, client, options, i, m->count - i < batch ? m->count - i : batch);
    return failure;
}

status *mixed_jobs_submit(mixed_jobs *m, rpc_client *client, const bench_options *options,
                          int in_flight)
{
    load_result ignored;
    load what = {.client = client,
                 .service = &errand__v1__job_service__descriptor,
                 .method = "Submit",
                 .requests = m->requests,
                 .request_count = m->count,
                 .in_flight = in_flight,
                 .count = (int64_t) m->count,
                 .timeout_s = options->timeout_s};
    return load_run(&what, &ignored);
}
