// http_jobs - by RPC, so that it disturbs nothing of what is measured.
#include "bench/http_jobs.h"

#include "base/clock.h"
#include "bench/hand.h"
#include "bench/jobs.h"
#include "bench/server.h"
#include "rpc/client.h"

#include <errno.h>
#include <stdlib.h>

#define AT_ONCE 500  // of one Lease

static status *open_client(const http_host *errandd, rpc_client **ret)
{
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = http_host_rpc_url(errandd);
    return rpc_client_open(&options, ret);
}

static status *submit(rpc_client *client, jobs_batch *batch)
{
    ProtobufCMessage *reply;
    status *failure = rpc_client_call(client, &errand__v1__job_service__descriptor, "BatchSubmit",
                                      &batch->request.base, NULL, &reply);
    if (!failure)
        protobuf_c_message_free_unpacked(reply, NULL);
    return failure;
}

status *http_jobs_submit(const http_host *errandd, char (*ret_ids)[UUID_TEXT_SIZE], size_t count)
{
    noop_job noop;
    AUTO(rpc_client) client = NULL;
    noop_job_init(&noop);
    AUTO_FREE Errand__V1__Job *jobs = calloc(count, sizeof *jobs);
    AUTO(jobs_batch) batch = jobs_batch_new(&noop.job, count);
    if (!jobs || !batch)
        return status_errno(ENOMEM, "jobs");
    for (size_t i = 0; i < count; i++) {
        uuid id = uuid_new_v7(clock_wall_us(clock_system()));
        jobs[i] = noop.job;
        jobs[i].id = uuid_format(&id, ret_ids[i]);
        batch->jobs[i] = &jobs[i];
    }
    status *failure = open_client(errandd, &client);
    return failure ? failure : submit(client, batch);
}

status *http_jobs_finish(const http_host *errandd, size_t count)
{
    AUTO(rpc_client) client = NULL;
    status *failure = open_client(errandd, &client);
    if (failure)
        return failure;
    AUTO(hand) worker = hand_new(client, 0);
    if (!worker)
        return status_errno(ENOMEM, "worker");
    failure = hand_lease(worker, count, AT_ONCE);
    return failure ? failure : hand_finish(worker);
}
