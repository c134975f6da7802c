// errand-bench - how fast Errand is on this machine.
#include "bench/echo.h"
#include "bench/fleet.h"
#include "bench/hello.h"
#include "bench/origin.h"
#include "bench/scenario.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct scenario {
    const char *name;
    scenario_fn *run;
    const char *durable;
    const char *help;
} scenario;

// clang-format off
static const scenario scenarios[] = {
    {"disk",    scenario_disk,    "every write",
     "pwrite and fdatasync, one at a time"},
    {"echo",    scenario_echo,    "nothing",
     "raw nng request/reply, tcp and ipc, 1, 32 and 256 in flight"},
    {"submit",  scenario_submit,  "every job, before its Submit is answered",
     "Submit with 1, 32 and 256 in flight, in turns with echo, and the ratio"},
    {"curve",   scenario_curve,   "every job, before its Submit is answered",
     "Submit with 1, 2, 4 and so on to 512 in flight, in turns with echo"},
    {"batch",   scenario_batch,   "every job, before its BatchSubmit is answered",
     "BatchSubmit"},
    {"drain",   scenario_drain,   "every lease before it is handed out, every outcome before it is acknowledged",
     "no-op jobs through Lease and the result pipeline"},
    {"life",    scenario_life,    "job, lease, outcome and result",
     "jobs submitted, run by two worker processes, kept for a second and purged, all at once"},
    {"latency", scenario_latency, "job, lease and outcome, before the caller sees the result",
     "submit to result of a no-op, one at a time"},
    {"load",    scenario_load,    "job, lease and outcome, before the caller sees the result",
     "the same while jobs come at a tenth to nine tenths of the highest rate"},
    {"waiters", scenario_waiters, "job, lease and outcome, before a waiter is answered",
     "thousands of GetResult calls that wait, each for a job of its own"},
    {"http",    scenario_http,    "every job, before its POST is answered; aiohttp and civetweb: nothing",
     "jobs and results over HTTP, beside aiohttp and beside civetweb alone"},
    {"polls",   scenario_polls,   "job, lease and outcome, before a waiter is answered",
     "5,000 results asked for over HTTP before they are there"},
    {"fetch",   scenario_fetch,   "job, lease and result",
     "URL jobs run by the built-in worker, against a fast and a slow local origin"},
    {"exec",    scenario_exec,    "job, lease and result",
     "jobs that run a program which does nothing, and the same program without Errand"},
    {"fleet",   scenario_fleet,   "every lease before it is handed out, every outcome before it is acknowledged",
     "no-op jobs by 1, 4 and 16 processes with workers of liberrand"},
    {"idle",    scenario_idle,    "nothing",
     "1,000 connected workers that have nothing to do, and 50,000 Lease calls that wait"},
    {"forward", scenario_forward, "as the rows say",
     "URLs over HTTP, fetched and posted on, beside an aiohttp program with a pool of threads"},
    {"backlog", scenario_backlog, "job, lease and outcome",
     "what a job costs behind 10M jobs, what these cost, and what is left when they are gone"},
    {"cost",    scenario_cost,    "every job, lease and outcome before its answer",
     "processor time, system calls, allocations and bytes written for a job"},
    {"peers",   scenario_peers,   "as the rows say",
     "beside beanstalkd, Redis streams and a PostgreSQL queue, where they are installed"},
    {"scale",   scenario_scale,   "job, lease and outcome",
     "what a job costs behind 5M jobs, 10k queues, 100k keys, 100k waiting calls"},
};

// Programs that scenarios start as processes of their own.
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} services[] = {
    {"serve-echo",   echo_serve},
    {"serve-origin", origin_serve},
    {"serve-fleet",  fleet_serve},
    {"serve-hello",  hello_serve},
};
// clang-format on

#define SCENARIO_COUNT (sizeof scenarios / sizeof scenarios[0])
#define SERVICE_COUNT  (sizeof services / sizeof services[0])

static void print_help(void)
{
    printf("usage: errand-bench [FLAG VALUE]... SCENARIO...\n"
           "       errand-bench --scenarios    lists their names\n\nscenarios, or all:\n");
    for (size_t i = 0; i < SCENARIO_COUNT; i++)
        printf("  %-11s %s\n", scenarios[i].name, scenarios[i].help);
    printf("\nflags:\n");
    options_print_help();
}

static bool is_wanted(const scenario *s, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], s->name) == 0 || strcmp(names[i], "all") == 0)
            return true;
    return false;
}

static status *check_names(char **names, int count)
{
    for (int i = 0; i < count; i++) {
        bool known = strcmp(names[i], "all") == 0;
        for (size_t s = 0; s < SCENARIO_COUNT; s++)
            known = known || strcmp(names[i], scenarios[s].name) == 0;
        if (!known)
            return status_new(STATUS_INVALID_ARGUMENT, "unknown scenario %s", names[i]);
    }
    return count ? NULL : status_new(STATUS_INVALID_ARGUMENT, "no scenario named; see --help");
}

static status *run_scenario(const scenario *s, const bench_options *options, report *r)
{
    report_begin(r, s->name, s->durable);
    for (int64_t run = 1; run <= options->runs; run++) {
        (void) fprintf(stderr, "%s, run %lld of %lld\n", s->name, (long long) run,
                       (long long) options->runs);
        AUTO(status) failure = s->run(options, r);
        if (failure)
            return status_new(failure->code, "%s: %s", s->name, failure->message);
    }
    return NULL;
}

static status *write_all(const char *path, const buf *text)
{
    FILE *file = path && strcmp(path, "-") != 0 ? fopen(path, "we") : stdout;
    if (!file)
        return status_errno(errno, "%s", path);
    size_t written = fwrite(text->bytes, 1, text->size, file);
    int error = file == stdout ? fflush(file) : fclose(file);
    return error || written != text->size ? status_errno(errno, "%s", path ? path : "stdout")
                                          : NULL;
}

// Tables go to standard output unless the JSON does.
static status *print_report(const bench_options *options, const report *r)
{
    AUTO_BUF table = {0}, json = {0};
    status *failure = report_table(r, &table);
    if (!failure && options->json)
        failure = report_json(r, &json);
    if (!failure && !(options->json && strcmp(options->json, "-") == 0))
        failure = write_all(NULL, &table);
    if (!failure && options->json)
        failure = write_all(options->json, &json);
    return failure;
}

static status *run(bench_options *options, int argc, char **argv)
{
    int count = 0;
    AUTO(report) r = report_new();
    if (!r)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    status *failure = options_init(options);
    if (!failure)
        failure = options_parse(options, argc, argv, &count);
    if (!failure)
        failure = check_names(argv + 1, count);
    for (size_t i = 0; !failure && i < SCENARIO_COUNT; i++)
        if (is_wanted(&scenarios[i], argv + 1, count))
            failure = run_scenario(&scenarios[i], options, r);
    return failure ? failure : print_report(options, r);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < SERVICE_COUNT; i++)
        if (strcmp(argv[1], services[i].name) == 0)
            return services[i].run(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--scenarios") == 0) {
        for (size_t i = 0; i < SCENARIO_COUNT; i++)
            printf("%s\n", scenarios[i].name);
        return 0;
    }
    bench_options options = {0};
    AUTO(status) failure = run(&options, argc, argv);
    options_fini(&options);
    if (failure)
        (void) fprintf(stderr, "errand-bench: %s\n", failure->message);
    return !failure ? 0 : failure->code == STATUS_INVALID_ARGUMENT ? 2 : 1;
}
