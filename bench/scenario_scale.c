// scenario_scale - what a backlog costs: memory, disk, and the rates behind it.
#include "bench/fill.h"
#include "bench/jobs.h"
#include "bench/lessee.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/tally.h"
#include "bench/usage.h"

#include <stdio.h>

#define SCALE_SMALL     1000
#define SCALE_CALLS     20000  // jobs submitted and drained behind the backlog
#define SCALE_IN_FLIGHT 32

static status *submit(const bench_options *options, rpc_client *client, noop_job *noop,
                      load_result *ret)
{
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    request.job = &noop->job;
    load what = {.client = client,
                 .service = &errand__v1__job_service__descriptor,
                 .method = "Submit",
                 .request = &request.base,
                 .in_flight = SCALE_IN_FLIGHT,
                 .count = scenario_count(options, SCALE_CALLS),
                 .timeout_s = options->timeout_s};
    return load_run(&what, ret);
}

static status *drain(const bench_options *options, const server *errandd, int64_t jobs,
                     double *ret_seconds)
{
    lessees *all;
    lessee_load what = {.server = errandd,
                        .lessees = (int) options->lessees,
                        .jobs = jobs,
                        .lease = (int) options->lease,
                        .timeout_s = options->timeout_s};
    status *failure = lessees_start(&what, &all);
    return failure ? failure : lessees_join(all, ret_seconds);
}

static void add_fill(const server *errandd, const load_result *filled, const char *row, report *r)
{
    report_add(r, row, "batch submit rate", "jobs/s", (double) filled->count / filled->seconds);
    report_add(r, row, "server memory", "MiB", usage_rss_mib(server_pid(errandd)));
    report_add(r, row, "server peak memory", "MiB", usage_peak_rss_mib(server_pid(errandd)));
    report_add(r, row, "store size", "MiB", server_folder_mib(errandd));
}

static status *measure(const bench_options *options, const server *errandd, int64_t backlog,
                       const char *row, report *r)
{
    noop_job noop;
    load_result filled, submitted;
    double seconds;
    AUTO(rpc_client) client = NULL;
    noop_job_init(&noop);
    status *failure = server_client(errandd, &client);
    if (!failure)
        failure = fill_run(client, options, &noop.job, backlog, &filled);
    if (failure)
        return failure;
    add_fill(errandd, &filled, row, r);
    failure = submit(options, client, &noop, &submitted);
    if (!failure)
        failure = drain(options, errandd, submitted.count, &seconds);
    if (failure)
        return failure;
    report_add(r, row, "submit rate, 32 in flight", "jobs/s",
               (double) submitted.count / submitted.seconds);
    report_add(r, row, "lease and finish rate", "jobs/s", (double) submitted.count / seconds);
    report_add(r, row, "server memory after", "MiB", usage_rss_mib(server_pid(errandd)));
    return NULL;
}

static status *run_backlog(const bench_options *options, int64_t backlog, report *r)
{
    char row[REPORT_ROW_SIZE];
    AUTO(server) errandd = NULL;
    (void) snprintf(row, sizeof row, "%lld queued", (long long) backlog);
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = measure(options, errandd, backlog, row, r);
    return failure ? failure : server_stop(TAKE(errandd));
}

status *scenario_scale(const bench_options *options, report *r)
{
    status *failure = run_backlog(options, SCALE_SMALL, r);
    return failure ? failure : run_backlog(options, options->backlog, r);
}
