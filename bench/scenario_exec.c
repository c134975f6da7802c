// scenario_exec - jobs that run a program which does nothing, beside starting it without Errand.
#include "bench/fill.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/tally.h"
#include "bench/usage.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXEC_JOBS 5000
#define PROGRAM   "/bin/true"
#define COMMAND   "noop"
#define MOST      64  // processes at once

static size_t at_once(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > MOST ? MOST : (size_t) cores;
}

static status *spawn(pid_t *ret)
{
    char program[] = PROGRAM, *argv[] = {program, NULL}, *envp[] = {NULL};
    int failed = posix_spawn(ret, PROGRAM, NULL, NULL, argv, envp);
    return failed ? status_errno(failed, PROGRAM) : NULL;
}

// As many at once as the workers run; each is waited for before the next takes its place.
static status *bare(int64_t count, report *r)
{
    pid_t pids[MOST] = {0};
    size_t room = at_once();
    double start = monotonic_s();
    for (int64_t i = 0; i < count + (int64_t) room; i++) {
        pid_t *pid = &pids[(size_t) i % room];
        if (*pid > 0 && waitpid(*pid, NULL, 0) < 0)
            return status_errno(errno, "waitpid");
        *pid = 0;
        status *failure = i < count ? spawn(pid) : NULL;
        if (failure)
            return failure;
    }
    report_add(r, "without Errand", "rate", "runs/s", (double) count / (monotonic_s() - start));
    return NULL;
}

static status *start_with_command(const bench_options *options, server **ret)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread yet
    if (setenv("ERRAND_COMMANDS", COMMAND "=argv=" PROGRAM, 1) != 0)
        return status_errno(errno, "setenv");
    status *failure = server_start(options, options->workers, ret);
    (void) unsetenv("ERRAND_COMMANDS");  // NOLINT(concurrency-mt-unsafe): as above
    return failure;
}

static void add_figures(const server *errandd, int64_t jobs, double seconds, report *r)
{
    double count = (double) jobs;
    cpu_time cpu = usage_cpu(server_pid(errandd));
    report_add(r, "jobs", "rate", "runs/s", count / seconds);
    report_add(r, "jobs", "server cpu", "us/job", (cpu.user_s + cpu.system_s) * 1e6 / count);
    report_add(r, "jobs", "server peak memory", "MiB", usage_peak_rss_mib(server_pid(errandd)));
}

static status *run_jobs(const server *errandd, const bench_options *options, int64_t count,
                        report *r)
{
    Errand__V1__Command command = ERRAND__V1__COMMAND__INIT;
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    char name[] = COMMAND;
    load_result filled;
    AUTO(rpc_client) client = NULL;
    status *failure = server_client(errandd, &client);
    command.name = name;
    job.input_case = ERRAND__V1__JOB__INPUT_EXEC;
    job.exec = &command;
    double start = monotonic_s();
    if (!failure)
        failure = fill_run(client, options, &job, count, &filled);
    if (!failure)
        failure = tally_submit_last(client, &job, options->timeout_s);
    if (!failure)
        failure = tally_wait(client, filled.count + 1, options->timeout_s);
    if (!failure)
        add_figures(errandd, filled.count + 1, monotonic_s() - start, r);
    return failure;
}

status *scenario_exec(const bench_options *options, report *r)
{
    AUTO(server) errandd = NULL;
    int64_t count = scenario_count(options, EXEC_JOBS);
    status *failure = bare(count, r);
    if (!failure)
        failure = start_with_command(options, &errandd);
    if (!failure)
        failure = run_jobs(errandd, options, count, r);
    return failure ? failure : server_stop(TAKE(errandd));
}
