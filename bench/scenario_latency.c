// scenario_latency - from the start of a Submit to the result in the caller's hands.
#include "bench/jobs.h"
#include "bench/lessee.h"
#include "bench/scenario.h"
#include "bench/usage.h"

#include <errno.h>
#include <stdlib.h>

#define LATENCY_JOBS    2000
#define LATENCY_WAIT_MS 1000  // a parked Lease or GetResult

// A way to submit a job and get its result.
typedef status *round_fn(rpc_client *client, Errand__V1__Job *job);

static status *call(rpc_client *client, const char *method, const ProtobufCMessage *request,
                    ProtobufCMessage **ret)
{
    return rpc_client_call(client, &errand__v1__job_service__descriptor, method, request, NULL,
                           ret);
}

static status *submit_waiting(rpc_client *client, Errand__V1__Job *job)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    ProtobufCMessage *reply;
    wait.seconds = LATENCY_WAIT_MS / 1000;
    request.job = job;
    request.wait = &wait;
    status *failure = call(client, "Submit", &request.base, &reply);
    if (failure)
        return failure;
    failure = jobs_check_success(((Errand__V1__Job *) reply)->state);
    protobuf_c_message_free_unpacked(reply, NULL);
    return failure;
}

static status *get_result(rpc_client *client, char *id)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    ProtobufCMessage *reply;
    wait.seconds = LATENCY_WAIT_MS / 1000;
    request.id = id;
    request.wait = &wait;
    status *failure = call(client, "GetResult", &request.base, &reply);
    if (failure)
        return failure;
    failure = jobs_check_success(((Errand__V1__GetResultResponse *) reply)->state);
    protobuf_c_message_free_unpacked(reply, NULL);
    return failure;
}

static status *submit_then_get(rpc_client *client, Errand__V1__Job *job)
{
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    ProtobufCMessage *reply;
    request.job = job;
    status *failure = call(client, "Submit", &request.base, &reply);
    if (failure)
        return failure;
    failure = get_result(client, ((Errand__V1__Job *) reply)->id);
    protobuf_c_message_free_unpacked(reply, NULL);
    return failure;
}

static status *rounds(rpc_client *client, round_fn *round, double *samples, size_t count)
{
    noop_job noop;
    noop_job_init(&noop);
    for (size_t i = 0; i < count; i++) {
        double start = monotonic_s();
        status *failure = round(client, &noop.job);
        if (failure)
            return failure;
        samples[i] = monotonic_s() - start;
    }
    return NULL;
}

// A worker of one job at a time runs beside the caller.
static status *rounds_with_worker(const server *errandd, const bench_options *options,
                                  round_fn *round, double *samples, size_t count)
{
    lessees *worker;
    double ignored;
    AUTO(rpc_client) client = NULL;
    lessee_load what = {.server = errandd,
                        .lessees = 1,
                        .jobs = (int64_t) count,
                        .lease = 1,
                        .wait_ms = LATENCY_WAIT_MS,
                        .timeout_s = options->timeout_s};
    status *failure = server_client(errandd, &client);
    if (!failure)
        failure = lessees_start(&what, &worker);
    if (failure)
        return failure;
    failure = rounds(client, round, samples, count);
    if (failure)
        lessees_cancel(worker);
    AUTO(status) work_failure = lessees_join(worker, &ignored);
    return failure ? failure : TAKE(work_failure);
}

static status *measure(const bench_options *options, const server *errandd, const char *row,
                       round_fn *round, report *r)
{
    size_t count = (size_t) scenario_count(options, LATENCY_JOBS);
    AUTO_FREE double *samples = calloc(count, sizeof *samples);
    if (!samples)
        return status_errno(ENOMEM, "samples");
    status *failure = rounds_with_worker(errandd, options, round, samples, count);
    if (!failure)
        report_add_percentiles(r, row, samples, count);
    return failure;
}

status *scenario_latency(const bench_options *options, report *r)
{
    AUTO(server) errandd = NULL;
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = measure(options, errandd, "Submit with wait", submit_waiting, r);
    if (!failure)
        failure = measure(options, errandd, "Submit, then GetResult", submit_then_get, r);
    return failure ? failure : server_stop(TAKE(errandd));
}
