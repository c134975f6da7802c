// scenario_drain - no-op jobs through Lease and the result pipeline.
#include "bench/fill.h"
#include "bench/jobs.h"
#include "bench/lessee.h"
#include "bench/scenario.h"
#include "bench/tally.h"
#include "bench/usage.h"

#include <stdio.h>
#include <unistd.h>

#define DRAIN_JOBS 100000

static status *drain(const bench_options *options, const server *errandd, int64_t jobs, report *r)
{
    lessees *all;
    double seconds;
    char row[REPORT_ROW_SIZE];
    lessee_load what = {.server = errandd,
                        .lessees = (int) options->lessees,
                        .jobs = jobs,
                        .lease = (int) options->lease,
                        .timeout_s = options->timeout_s};
    cpu_time server_before = usage_cpu(server_pid(errandd));
    cpu_time own_before = usage_cpu(getpid());
    status *failure = lessees_start(&what, &all);
    if (!failure)
        failure = lessees_join(all, &seconds);
    if (failure)
        return failure;
    (void) snprintf(row, sizeof row, "%d workers, %d a lease", what.lessees, what.lease);
    double count = (double) jobs;
    report_add(r, row, "rate", "jobs/s", count / seconds);
    report_add(r, row, "server cpu", "us/job",
               usage_cpu_since(server_pid(errandd), server_before) * 1e6 / count);
    report_add(r, row, "worker cpu", "us/job", usage_cpu_since(getpid(), own_before) * 1e6 / count);
    return NULL;
}

status *scenario_drain(const bench_options *options, report *r)
{
    noop_job noop;
    load_result filled;
    AUTO(server) errandd = NULL;
    AUTO(rpc_client) client = NULL;
    noop_job_init(&noop);
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = server_client(errandd, &client);
    if (!failure)
        failure =
            fill_run(client, options, &noop.job, scenario_count(options, DRAIN_JOBS), &filled);
    if (!failure)
        failure = drain(options, errandd, filled.count, r);
    if (!failure)
        failure = tally_wait(client, filled.count, 0);
    if (failure)
        return failure;
    rpc_client_close(TAKE(client));
    return server_stop(TAKE(errandd));
}
