// scenario_submit - durable Submit, in turns with raw echo over the same transport.
#include "bench/echo.h"
#include "bench/jobs.h"
#include "bench/load.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/usage.h"

#include <stdio.h>

static const int in_flights[] = {1, 32, 256};

typedef struct bench {
    const bench_options *options;
    const server *errandd;
    const child *echo;
    rpc_client *client;
    noop_job noop;
} bench;

static status *measure_echo(const bench *b, int in_flight, const char *row, report *r,
                            double *ret_rate)
{
    noop_job noop;
    noop_job_init(&noop);
    echo_load what = {.url = child_url(b->echo, "echo", 0),
                      .message_bytes = jobs_submit_bytes(&noop.job),
                      .in_flight = in_flight,
                      .count = scenario_count(b->options, INT64_MAX),
                      .time_ms = b->options->time_ms};
    echo_result result;
    status *failure = echo_run(&what, &result);
    if (failure)
        return failure;
    *ret_rate = (double) result.count / result.seconds;
    report_add(r, row, "echo rate", "1/s", *ret_rate);
    return NULL;
}

static status *measure_submit(bench *b, int in_flight, const char *row, report *r, double *ret_rate)
{
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    request.job = &b->noop.job;
    load what = {.client = b->client,
                 .service = &errand__v1__job_service__descriptor,
                 .method = "Submit",
                 .request = &request.base,
                 .in_flight = in_flight,
                 .count = scenario_count(b->options, INT64_MAX),
                 .time_ms = b->options->time_ms,
                 .timeout_s = b->options->timeout_s};
    load_result result;
    cpu_time before = usage_cpu(server_pid(b->errandd));
    status *failure = load_run(&what, &result);
    if (failure)
        return failure;
    double count = (double) result.count;
    *ret_rate = count / result.seconds;
    report_add(r, row, "rate", "jobs/s", *ret_rate);
    report_add(r, row, "server cpu", "us/job",
               usage_cpu_since(server_pid(b->errandd), before) * 1e6 / count);
    report_add(r, row, "client cpu", "us/job", result.client_cpu_s * 1e6 / count);
    return NULL;
}

static status *measure(bench *b, const char *transport, int in_flight, report *r)
{
    char row[REPORT_ROW_SIZE];
    double echo_rate = 0, rate = 0;
    snprintf(row, sizeof row, "%s, %d in flight", transport, in_flight);
    status *failure = measure_submit(b, in_flight, row, r, &rate);
    if (!failure)
        failure = measure_echo(b, in_flight, row, r, &echo_rate);
    if (!failure)
        report_add(r, row, "ratio to echo", "", rate / echo_rate);
    return failure;
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
    for (size_t i = 0; !failure && i < sizeof in_flights / sizeof in_flights[0]; i++)
        failure = measure(b, transport, in_flights[i], r);
    return failure;
}

status *scenario_submit(const bench_options *options, report *r)
{
    char ipc_url[512];
    bench b = {.options = options};
    AUTO(server) errandd = NULL;
    noop_job_init(&b.noop);
    status *failure = server_start(options, 0, &errandd);
    if (failure)
        return failure;
    b.errandd = errandd;
    server_ipc_url(errandd, "echo", ipc_url, sizeof ipc_url);
    failure = run_transport(&b, "tcp", server_rpc_url(errandd), "tcp://127.0.0.1:0", r);
    if (!failure)
        failure = run_transport(&b, "ipc", server_rpc_ipc_url(errandd), ipc_url, r);
    return failure ? failure : server_stop(TAKE(errandd));
}
