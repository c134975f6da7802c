// peer_errand - Errand itself, in the shapes of the others.
#include "bench/fill.h"
#include "bench/jobs.h"
#include "bench/lessee.h"
#include "bench/peer.h"
#include "bench/server.h"
#include "bench/usage.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct errand_peer {
    server *errandd;
    rpc_client *client;
} errand_peer;

static void stop(void *own)
{
    errand_peer *p = own;
    if (!p)
        return;
    rpc_client_close(p->client);
    AUTO(status) ignored = server_stop(p->errandd);
    free(p);
}

static status *start(const bench_options *options, void **ret_own)
{
    errand_peer *p = calloc(1, sizeof *p);
    if (!p)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    status *failure = server_start(options, 0, &p->errandd);
    if (!failure)
        failure = server_ipc_client(p->errandd, &p->client);
    if (failure)
        stop(p);
    else
        *ret_own = p;
    return failure;
}

static status *submit(const errand_peer *p, const peer_task *task, Errand__V1__Job *job,
                      load_result *ret)
{
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    AUTO(jobs_batch) batch = jobs_batch_new(job, (size_t) task->batch);
    if (!batch)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    request.job = job;
    const load what = {.client = p->client,
                       .service = &errand__v1__job_service__descriptor,
                       .method = task->batch > 1 ? "BatchSubmit" : "Submit",
                       .request = task->batch > 1 ? &batch->request.base : &request.base,
                       .in_flight = task->clients,
                       .count = task->jobs / task->batch,
                       .timeout_s = task->timeout_s};
    return load_run(&what, ret);
}

static status *enqueue(void *own, const peer_task *task, peer_result *ret)
{
    const errand_peer *p = own;
    load_result result;
    data_job job;
    data_job_init(&job, peer_payload, PEER_PAYLOAD_BYTES);
    double server_s = usage_cpu_s(server_pid(p->errandd)), own_s = usage_cpu_s(getpid());
    status *failure = submit(p, task, &job.job, &result);
    if (failure)
        return failure;
    *ret = (peer_result){.seconds = result.seconds,
                         .server_cpu_s = usage_cpu_s(server_pid(p->errandd)) - server_s,
                         .client_cpu_s = usage_cpu_s(getpid()) - own_s};
    return NULL;
}

static status *drain(void *own, const peer_task *task, peer_result *ret)
{
    const errand_peer *p = own;
    lessees *all;
    const lessee_load what = {.server = p->errandd,
                              .lessees = task->clients,
                              .jobs = task->jobs,
                              .lease = task->batch,
                              .timeout_s = task->timeout_s,
                              .ipc = true};
    double server_s = usage_cpu_s(server_pid(p->errandd)), own_s = usage_cpu_s(getpid());
    status *failure = lessees_start(&what, &all);
    if (!failure)
        failure = lessees_join(all, &ret->seconds);
    ret->server_cpu_s = usage_cpu_s(server_pid(p->errandd)) - server_s;
    ret->client_cpu_s = usage_cpu_s(getpid()) - own_s;
    return failure;
}

const peer peer_errand = {
    .name = "Errand",
    .durable = "job, lease, outcome, result",
    .share = 1,
    .start = start,
    .stop = stop,
    .enqueue = enqueue,
    .drain = drain,
};
