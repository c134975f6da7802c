// scenario_fetch - URL jobs run by the workers inside errandd, against a local origin. The clock
// runs from the first Submit until no job is left without a result; only then they are looked
// through.
#include "bench/fill.h"
#include "bench/jobs.h"
#include "bench/origin.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/tally.h"
#include "bench/usage.h"

#include <stdio.h>

#define FETCH_JOBS 20000

// What is fetched from, and by how many at once.
typedef struct fetching {
    const char *row;
    int64_t delay_ms;
    int64_t workers;
    int64_t max_per_host;
} fetching;

static void add_figures(const server *errandd, const child *origin, int64_t jobs, double seconds,
                        const char *row, report *r)
{
    double count = (double) jobs;
    cpu_time server_cpu = usage_cpu(server_pid(errandd));
    cpu_time origin_cpu = usage_cpu(child_pid(origin));
    report_add(r, row, "rate", "jobs/s", count / seconds);
    report_add(r, row, "server cpu, user", "us/job", server_cpu.user_s * 1e6 / count);
    report_add(r, row, "server cpu, system", "us/job", server_cpu.system_s * 1e6 / count);
    report_add(r, row, "origin cpu", "us/job",
               (origin_cpu.user_s + origin_cpu.system_s) * 1e6 / count);
    report_add(r, row, "server peak memory", "MiB", usage_peak_rss_mib(server_pid(errandd)));
    report_add(r, row, "store size", "bytes/job", server_folder_mib(errandd) * 1024 * 1024 / count);
}

static status *fetch(const bench_options *options, const fetching *how, report *r)
{
    fetch_job job;
    load_result filled;
    bench_options own = *options;
    own.max_per_host = how->max_per_host;
    AUTO(child) origin = NULL;
    AUTO(server) errandd = NULL;
    AUTO(rpc_client) client = NULL;
    status *failure = origin_start(options->body, how->delay_ms, &origin);
    if (!failure)
        failure = server_start(&own, how->workers, &errandd);
    if (!failure)
        failure = server_client(errandd, &client);
    if (failure)
        return failure;
    fetch_job_init(&job, child_url(origin, "origin", 0));
    double start = monotonic_s();
    failure = fill_run(client, options, &job.job, scenario_count(options, FETCH_JOBS), &filled);
    if (!failure)
        failure = tally_submit_last(client, &job.job, options->timeout_s);
    if (!failure)
        failure = tally_wait_ended(client, options->timeout_s);
    if (failure)
        return failure;
    add_figures(errandd, origin, filled.count + 1, monotonic_s() - start, how->row, r);
    failure = tally_wait(client, filled.count + 1, 0);
    if (failure)
        return failure;
    rpc_client_close(TAKE(client));
    return server_stop(TAKE(errandd));
}

status *scenario_fetch(const bench_options *options, report *r)
{
    char slow[REPORT_ROW_SIZE], crowded[REPORT_ROW_SIZE];
    int64_t delay_ms = options->delay_ms, many = options->workers * 2;
    (void) snprintf(slow, sizeof slow, "origin with %lld ms of delay", (long long) delay_ms);
    (void) snprintf(crowded, sizeof crowded, "the same, %lld at once", (long long) many);
    const fetching ways[] = {
        {"fast origin", 0, options->workers, options->max_per_host},
        {slow, delay_ms, options->workers, options->max_per_host},
        {crowded, delay_ms, many, many},
    };
    status *failure = NULL;
    for (size_t i = 0; !failure && i < sizeof ways / sizeof ways[0]; i++)
        if (scenario_wants(options, ways[i].row))
            failure = fetch(options, &ways[i], r);
    return failure;
}
