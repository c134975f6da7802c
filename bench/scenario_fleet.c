// scenario_fleet - workers as processes of their own.
#include "bench/fill.h"
#include "bench/fleet.h"
#include "bench/jobs.h"
#include "bench/scenario.h"
#include "bench/tally.h"
#include "bench/usage.h"

#include "errand/v1/queue_service.pb-c.h"

#include <inttypes.h>
#include <stdio.h>

#define FLEET_JOBS  50000
#define CONCURRENCY 64  // of each process that works

static const int64_t process_counts[] = {1, 4, 16};
#define CASE_COUNT (sizeof process_counts / sizeof process_counts[0])

// The queue is held until all workers are connected and all jobs are there.
static status *change_queue(rpc_client *client, const char *method, const ProtobufCMessage *request)
{
    ProtobufCMessage *reply = NULL;
    status *failure = rpc_client_call(client, &errand__v1__queue_service__descriptor, method,
                                      request, NULL, &reply);
    if (!failure)
        protobuf_c_message_free_unpacked(reply, NULL);
    return failure;
}

static status *hold_queue(rpc_client *client)
{
    char queue[] = "default";
    Errand__V1__PauseQueueRequest request = ERRAND__V1__PAUSE_QUEUE_REQUEST__INIT;
    request.queue = queue;
    return change_queue(client, "Pause", &request.base);
}

static status *release_queue(rpc_client *client)
{
    char queue[] = "default";
    Errand__V1__ResumeQueueRequest request = ERRAND__V1__RESUME_QUEUE_REQUEST__INIT;
    request.queue = queue;
    return change_queue(client, "Resume", &request.base);
}

static status *measure_work(const bench_options *options, const server *errandd, const fleet *f,
                            rpc_client *client, const char *row, report *r)
{
    noop_job noop;
    load_result filled;
    noop_job_init(&noop);
    status *failure = hold_queue(client);
    if (!failure)
        failure =
            fill_run(client, options, &noop.job, scenario_count(options, FLEET_JOBS), &filled);
    if (failure)
        return failure;
    double server_before = usage_cpu_s(server_pid(errandd)), fleet_before = fleet_cpu_s(f);
    double start = monotonic_s();
    failure = release_queue(client);
    if (!failure)
        failure = tally_submit_last(client, &noop.job, options->timeout_s);
    double seconds = monotonic_s() - start, count = (double) filled.count + 1;
    if (!failure)
        failure = tally_wait(client, filled.count + 1, options->timeout_s);
    if (failure)
        return failure;
    report_add(r, row, "rate", "jobs/s", count / seconds);
    report_add(r, row, "server cpu", "us/job",
               (usage_cpu_s(server_pid(errandd)) - server_before) * 1e6 / count);
    report_add(r, row, "worker cpu", "us/job", (fleet_cpu_s(f) - fleet_before) * 1e6 / count);
    return NULL;
}

static status *work(const bench_options *options, int64_t processes, const char *row, report *r)
{
    AUTO(server) errandd = NULL;
    AUTO(rpc_client) client = NULL;
    AUTO(fleet) f = NULL;
    const fleet_size size = {processes, 1, CONCURRENCY};
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = server_client(errandd, &client);
    if (!failure)
        failure = fleet_start(errandd, &size, &f);
    if (!failure)
        failure = measure_work(options, errandd, f, client, row, r);
    if (!failure)
        failure = fleet_stop(TAKE(f));
    if (failure)
        return failure;
    rpc_client_close(TAKE(client));
    return server_stop(TAKE(errandd));
}

status *scenario_fleet(const bench_options *options, report *r)
{
    status *failure = NULL;
    for (size_t i = 0; !failure && i < CASE_COUNT; i++) {
        char row[REPORT_ROW_SIZE];
        (void) snprintf(row, sizeof row, "%lld worker process%s", (long long) process_counts[i],
                        process_counts[i] == 1 ? "" : "es");
        if (scenario_wants(options, row))
            failure = work(options, process_counts[i], row, r);
    }
    return failure;
}
