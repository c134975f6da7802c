// scenario_idle - workers that have nothing to do: as processes, and as mere calls that wait.
#include "bench/crowd.h"
#include "bench/fleet.h"
#include "bench/scenario.h"
#include "bench/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define WORKERS     1000
#define PER_PROCESS 100
#define CALLERS     50  // times as many wait without processes of their own
#define SETTLE_S    2
#define WORKERS_S   70  // each worker asks for jobs anew, and sends its heartbeats
#define CALLS_S     20  // none of the calls is answered

static void let_pass(double seconds)
{
    int64_t ms = (int64_t) (seconds * 1000);
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void) nanosleep(&time, NULL);
}

// Those who wait are processes of a fleet; NULL: calls of this one.
static void measure(const bench_options *options, const server *errandd, const fleet *f,
                    const char *row, report *r)
{
    double seconds = f ? WORKERS_S : CALLS_S;
    if (options->count)
        seconds = (double) options->time_ms / 1000;
    let_pass(options->count ? 0 : SETTLE_S);
    double server_before = usage_cpu_s(server_pid(errandd));
    double before = f ? fleet_cpu_s(f) : usage_cpu_s(getpid());
    let_pass(seconds);
    double after = f ? fleet_cpu_s(f) : usage_cpu_s(getpid());
    report_add(r, row, "server memory", "MiB", usage_rss_mib(server_pid(errandd)));
    report_add(r, row, "server cpu", "% of one",
               (usage_cpu_s(server_pid(errandd)) - server_before) / seconds * 100);
    report_add(r, row, "workers' cpu", "% of one", (after - before) / seconds * 100);
    report_add(r, row, "workers' memory", "MiB", f ? fleet_rss_mib(f) : usage_rss_mib(getpid()));
}

static status *watch_processes(const bench_options *options, int64_t wanted, report *r)
{
    int64_t processes = (wanted + PER_PROCESS - 1) / PER_PROCESS;
    const fleet_size size = {processes, wanted / processes, 1};
    char row[REPORT_ROW_SIZE];
    AUTO(server) errandd = NULL;
    AUTO(fleet) f = NULL;
    (void) snprintf(row, sizeof row, "%" PRId64 " idle workers", size.processes * size.workers);
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = fleet_start(errandd, &size, &f);
    if (failure)
        return failure;
    measure(options, errandd, f, row, r);
    failure = fleet_stop(TAKE(f));
    return failure ? failure : server_stop(TAKE(errandd));
}

static status *watch_calls(const bench_options *options, int64_t count, report *r)
{
    char row[REPORT_ROW_SIZE];
    AUTO(server) errandd = NULL;
    AUTO(crowd) waiting = NULL;
    (void) snprintf(row, sizeof row, "%" PRId64 " waiting Lease calls", count);
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = crowd_new(errandd, options, 0, (size_t) count, &waiting);
    if (failure)
        return failure;
    measure(options, errandd, NULL, row, r);
    failure = crowd_check(waiting);
    crowd_free(TAKE(waiting));
    return failure ? failure : server_stop(TAKE(errandd));
}

status *scenario_idle(const bench_options *options, report *r)
{
    int64_t workers = scenario_count(options, WORKERS);
    status *failure = watch_processes(options, workers, r);
    return failure ? failure : watch_calls(options, workers * CALLERS, r);
}
