// scenario_load - how long a job takes, from when it is due to be submitted to its result in the
// caller's hands, while others come at a share of the highest rate.
#include "bench/arrivals.h"
#include "bench/fleet.h"
#include "bench/jobs.h"
#include "bench/load.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CALLERS     512  // that wait at one time when the highest rate is looked for
#define CONCURRENCY 512  // of the worker
#define WAIT_S      30
#define LEAST_JOBS  200

static const int percents[] = {10, 25, 50, 75, 90};

typedef struct bench {
    const bench_options *options;
    const server *errandd;
    rpc_client *client;
    Errand__V1__SubmitRequest request;
} bench;

static status *find_highest(const bench *b, double *ret_rate)
{
    load_result result;
    const load what = {.client = b->client,
                       .service = &errand__v1__job_service__descriptor,
                       .method = "Submit",
                       .request = &b->request.base,
                       .in_flight = CALLERS,
                       .waits = true,
                       .count = scenario_count(b->options, INT64_MAX),
                       .time_ms = b->options->time_ms,
                       .timeout_s = b->options->timeout_s};
    status *failure = load_run(&what, &result);
    if (!failure)
        *ret_rate = (double) result.count / result.seconds;
    return failure;
}

static size_t jobs_at(const bench_options *options, double rate)
{
    double own = rate * (double) options->time_ms / 1000;
    return (size_t) scenario_count(options, own > LEAST_JOBS ? (int64_t) own : LEAST_JOBS);
}

static status *measure(const bench *b, int percent, double highest, report *r)
{
    char row[REPORT_ROW_SIZE];
    arrivals a = {.client = b->client, .request = &b->request, .rate = highest * percent / 100};
    a.count = jobs_at(b->options, a.rate);
    AUTO_FREE double *latencies_s = a.latencies_s = calloc(a.count, sizeof *latencies_s);
    if (!latencies_s)
        return status_errno(ENOMEM, "latencies");
    (void) snprintf(row, sizeof row, "%d %% of the highest rate", percent);
    double cpu_s = usage_cpu_s(server_pid(b->errandd)), count = (double) a.count;
    status *failure = arrivals_run(&a, b->options->timeout_s);
    if (failure)
        return failure;
    report_add(r, row, "rate", "jobs/s", a.done_rate);
    report_add_percentiles(r, row, latencies_s, a.count);
    report_add(r, row, "server cpu", "us/job",
               (usage_cpu_s(server_pid(b->errandd)) - cpu_s) * 1e6 / count);
    return NULL;
}

static status *measure_all(bench *b, report *r)
{
    noop_job noop;
    double highest = 0;
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    wait.seconds = WAIT_S;
    noop_job_init(&noop);
    errand__v1__submit_request__init(&b->request);
    b->request.job = &noop.job;
    b->request.wait = &wait;
    status *failure = find_highest(b, &highest);
    for (size_t i = 0; !failure && i < sizeof percents / sizeof percents[0]; i++)
        failure = measure(b, percents[i], highest, r);
    return failure;
}

status *scenario_load(const bench_options *options, report *r)
{
    bench b = {.options = options};
    AUTO(server) errandd = NULL;
    AUTO(rpc_client) client = NULL;
    AUTO(fleet) worker = NULL;
    const fleet_size size = {1, 1, CONCURRENCY};
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = server_client(errandd, &client);
    if (!failure)
        failure = fleet_start(errandd, &size, &worker);
    b.errandd = errandd;
    b.client = client;
    if (!failure)
        failure = measure_all(&b, r);
    if (!failure)
        failure = fleet_stop(TAKE(worker));
    if (failure)
        return failure;
    rpc_client_close(TAKE(client));
    return server_stop(TAKE(errandd));
}
