// scenario_echo - raw nng over tcp and ipc.
#include "bench/echo.h"
#include "bench/jobs.h"
#include "bench/scenario.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int in_flights[] = {1, 32, 256};

static status *measure(const bench_options *options, const child *server, const char *transport,
                       int in_flight, report *r)
{
    noop_job noop;
    char row[REPORT_ROW_SIZE];
    echo_result result;
    (void) snprintf(row, sizeof row, "%s, %d in flight", transport, in_flight);
    if (!scenario_wants(options, row))
        return NULL;
    noop_job_init(&noop);
    echo_load load = {.url = child_url(server, "echo", 0),
                      .message_bytes = jobs_submit_bytes(&noop.job),
                      .in_flight = in_flight,
                      .count = scenario_count(options, INT64_MAX),
                      .time_ms = options->time_ms};
    cpu_time before = usage_cpu(child_pid(server));
    status *failure = echo_run(&load, &result);
    if (failure)
        return failure;
    double count = (double) result.count;
    double server_cpu_s = usage_cpu_since(child_pid(server), before);
    report_add(r, row, "rate", "1/s", count / result.seconds);
    report_add(r, row, "server cpu", "us/call", server_cpu_s * 1e6 / count);
    report_add(r, row, "client cpu", "us/call", result.client_cpu_s * 1e6 / count);
    return NULL;
}

static status *run_transport(const bench_options *options, const char *transport, const char *url,
                             report *r)
{
    AUTO(child) server = NULL;
    status *failure = echo_start(url, &server);
    for (size_t i = 0; !failure && i < sizeof in_flights / sizeof in_flights[0]; i++)
        failure = measure(options, server, transport, in_flights[i], r);
    return failure;
}

status *scenario_echo(const bench_options *options, report *r)
{
    char url[512];
    (void) snprintf(url, sizeof url, "ipc://%s/errand-bench-%d.sock", options->dir, (int) getpid());
    status *failure = run_transport(options, "tcp", "tcp://127.0.0.1:0", r);
    if (!failure)
        failure = run_transport(options, "ipc", url, r);
    unlink(url + 6);
    return failure;
}
