// scenario_batch - BatchSubmit of no-op jobs.
#include "bench/fill.h"
#include "bench/jobs.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/usage.h"

#include <stdio.h>

#define BATCH_JOBS 200000

status *scenario_batch(const bench_options *options, report *r)
{
    noop_job noop;
    load_result result;
    char row[REPORT_ROW_SIZE];
    AUTO(server) errandd = NULL;
    AUTO(rpc_client) client = NULL;
    noop_job_init(&noop);
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = server_client(errandd, &client);
    if (failure)
        return failure;
    cpu_time before = usage_cpu(server_pid(errandd));
    failure = fill_run(client, options, &noop.job, scenario_count(options, BATCH_JOBS), &result);
    if (failure)
        return failure;
    double count = (double) result.count;
    double server_cpu_s = usage_cpu_since(server_pid(errandd), before);
    (void) snprintf(row, sizeof row, "%lld a call, %d in flight", (long long) options->batch,
                    FILL_IN_FLIGHT);
    report_add(r, row, "rate", "jobs/s", count / result.seconds);
    report_add(r, row, "server cpu", "us/job", server_cpu_s * 1e6 / count);
    report_add(r, row, "client cpu", "us/job", result.client_cpu_s * 1e6 / count);
    report_add(r, row, "store size", "bytes/job", server_folder_mib(errandd) * 1024 * 1024 / count);
    rpc_client_close(TAKE(client));
    return server_stop(TAKE(errandd));
}
