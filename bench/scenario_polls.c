// scenario_polls - results asked for over HTTP before they are there.
#include "bench/http_host.h"
#include "bench/http_jobs.h"
#include "bench/long_polls.h"
#include "bench/scenario.h"
#include "bench/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WAITERS 5000

// Until it has nothing to do any more: all requests have come to where they wait.
static void wait_until_idle(pid_t pid)
{
    const struct timespec moment = {.tv_nsec = 200000000};
    double before;
    do {
        before = usage_cpu_s(pid);
        (void) nanosleep(&moment, NULL);
    } while (usage_cpu_s(pid) - before > 0.01);
}

static status *poll_long(const http_host *errandd, char (*ids)[UUID_TEXT_SIZE], size_t count,
                         report *r)
{
    char row[REPORT_ROW_SIZE];
    AUTO(long_polls) polls = NULL;
    (void) snprintf(row, sizeof row, "%zu waiters", count);
    double before = usage_rss_mib(http_host_pid(errandd));
    status *failure = long_polls_start(http_host_url(errandd), ids, count, &polls);
    if (failure)
        return failure;
    wait_until_idle(http_host_pid(errandd));
    double memory = usage_rss_mib(http_host_pid(errandd)) - before;
    double start = monotonic_s(), cpu = usage_cpu_s(http_host_pid(errandd));
    failure = http_jobs_finish(errandd, count);
    if (!failure)
        failure = long_polls_finish(polls);
    if (failure)
        return failure;
    double seconds = monotonic_s() - start;
    report_add(r, row, "rate", "1/s", (double) count / seconds);
    report_add(r, row, "server cpu", "us/request",
               (usage_cpu_s(http_host_pid(errandd)) - cpu) * 1e6 / (double) count);
    report_add(r, row, "memory", "KiB/waiter", memory * 1024 / (double) count);
    report_add(r, row, "until all are answered", "ms", seconds * 1e3);
    return NULL;
}

status *scenario_polls(const bench_options *options, report *r)
{
    AUTO(http_host) errandd = NULL;
    size_t count = long_polls_most((size_t) scenario_count(options, WAITERS));
    AUTO_FREE char(*ids)[UUID_TEXT_SIZE] = calloc(count + 1, sizeof *ids);
    if (!ids)
        return status_errno(ENOMEM, "ids");
    // Half of the connections may wait.
    status *failure = http_host_start_errandd(options, 2 * count + 100, &errandd);
    if (!failure)
        failure = http_jobs_submit(errandd, ids, count);
    if (!failure)
        failure = poll_long(errandd, ids, count, r);
    return failure ? failure : http_host_stop(TAKE(errandd));
}
