// scenario_submit - durable Submit, in turns with raw echo over the same transport; and the curve
// of both against the calls in flight.
#include "bench/echo.h"
#include "bench/jobs.h"
#include "bench/load.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/usage.h"

#include <stdio.h>

#define SLICES 4  // turns that Submit and echo take within one measurement

#define MOST_STEPS 10
static const int few_steps[MOST_STEPS + 1] = {1, 32, 256};
static const int all_steps[MOST_STEPS + 1] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

typedef struct bench {
    const bench_options *options;
    const server *errandd;
    const child *echo;
    const int *steps;  // calls in flight; ends with a zero
    rpc_client *client;
    noop_job noop;
} bench;

// What SLICES measurements of one kind came to.
typedef struct total {
    double count;
    double seconds;
    double server_cpu_s;
    double client_cpu_s;
} total;

static int64_t slice_count(const bench_options *options)
{
    return options->count ? (options->count + SLICES - 1) / SLICES : INT64_MAX;
}

static status *echo_slice(bench *b, int in_flight, total *sum)
{
    echo_load what = {.url = child_url(b->echo, "echo", 0),
                      .message_bytes = jobs_submit_bytes(&b->noop.job),
                      .in_flight = in_flight,
                      .count = slice_count(b->options),
                      .time_ms = b->options->time_ms / SLICES};
    echo_result result;
    status *failure = echo_run(&what, &result);
    if (failure)
        return failure;
    sum->count += (double) result.count;
    sum->seconds += result.seconds;
    return NULL;
}

static status *submit_slice(bench *b, int in_flight, total *sum)
{
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    request.job = &b->noop.job;
    load what = {.client = b->client,
                 .service = &errand__v1__job_service__descriptor,
                 .method = "Submit",
                 .request = &request.base,
                 .in_flight = in_flight,
                 .count = slice_count(b->options),
                 .time_ms = b->options->time_ms / SLICES,
                 .timeout_s = b->options->timeout_s};
    load_result result;
    double before_s = usage_cpu_s(server_pid(b->errandd));
    status *failure = load_run(&what, &result);
    if (failure)
        return failure;
    sum->count += (double) result.count;
    sum->seconds += result.seconds;
    sum->server_cpu_s += usage_cpu_s(server_pid(b->errandd)) - before_s;
    sum->client_cpu_s += result.client_cpu_s;
    return NULL;
}

static status *measure(bench *b, const char *transport, int in_flight, report *r)
{
    char row[REPORT_ROW_SIZE];
    total submit = {0}, echo = {0};
    status *failure = NULL;
    (void) snprintf(row, sizeof row, "%s, %d in flight", transport, in_flight);
    if (!scenario_wants(b->options, row))
        return NULL;
    for (int i = 0; !failure && i < SLICES; i++) {
        failure = submit_slice(b, in_flight, &submit);
        if (!failure)
            failure = echo_slice(b, in_flight, &echo);
    }
    if (failure)
        return failure;
    double rate = submit.count / submit.seconds, echo_rate = echo.count / echo.seconds;
    report_add(r, row, "rate", "jobs/s", rate);
    report_add(r, row, "echo rate", "1/s", echo_rate);
    report_add(r, row, "ratio to echo", "", rate / echo_rate);
    report_add(r, row, "server cpu", "us/job", submit.server_cpu_s * 1e6 / submit.count);
    report_add(r, row, "client cpu", "us/job", submit.client_cpu_s * 1e6 / submit.count);
    return NULL;
}

static status *run_transport(bench *b, const char *transport, const char *rpc_url,
                             const char *echo_url, report *r)
{
    AUTO(child) echo = NULL;
    AUTO(rpc_client) client = NULL;
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = rpc_url;
    status *failure = echo_start(echo_url, &echo);
    if (!failure)
        failure = rpc_client_open(&options, &client);
    b->echo = echo;
    b->client = client;
    for (size_t i = 0; !failure && b->steps[i]; i++)
        failure = measure(b, transport, b->steps[i], r);
    return failure;
}

static status *run(const bench_options *options, const int *steps, bool with_ipc, report *r)
{
    char ipc_url[512];
    bench b = {.options = options, .steps = steps};
    AUTO(server) errandd = NULL;
    noop_job_init(&b.noop);
    status *failure = server_start(options, 0, &errandd);
    if (failure)
        return failure;
    b.errandd = errandd;
    server_ipc_url(errandd, "echo", ipc_url, sizeof ipc_url);
    failure = run_transport(&b, "tcp", server_rpc_url(errandd), "tcp://127.0.0.1:0", r);
    if (!failure && with_ipc)
        failure = run_transport(&b, "ipc", server_rpc_ipc_url(errandd), ipc_url, r);
    return failure ? failure : server_stop(TAKE(errandd));
}

status *scenario_submit(const bench_options *options, report *r)
{
    return run(options, few_steps, true, r);
}

status *scenario_curve(const bench_options *options, report *r)
{
    return run(options, all_steps, false, r);
}
