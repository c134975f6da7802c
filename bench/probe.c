// probe - /proc, strace, and the counters of the preloaded library.
#include "bench/probe.h"
#include "bench/allocations.h"
#include "bench/child.h"
#include "bench/folder.h"
#include "bench/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STRACE         "/usr/bin/strace"
#define ATTACH_SECONDS 10
#define PATH_SIZE      (FOLDER_PATH_SIZE + 32)

struct probe {
    probe_kind kind;
    server *errandd;
    char folder[FOLDER_PATH_SIZE];
    allocations *counts;
    child *strace;
    // At probe_begin:
    double server_s, own_s, written;
    unsigned long long sqlite, nng, others;
};

const char *probe_missing(probe_kind kind)
{
    if (kind == PROBE_CALLS && access(STRACE, X_OK) != 0)
        return "system calls are not counted: strace is not installed";
#ifndef ERRAND_BENCH_ALLOCATIONS_LIBRARY
    if (kind == PROBE_ALLOCATIONS)
        return "allocations are not counted: a sanitizer has its own allocator";
#endif
    return NULL;
}

// ---- allocations ----

#ifdef ERRAND_BENCH_ALLOCATIONS_LIBRARY
static status *map_counts(probe *p, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *p->counts) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return status_errno(error, "%s", path);
    }
    void *place = mmap(NULL, sizeof *p->counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (place == MAP_FAILED)
        return status_errno(errno, "%s", path);
    p->counts = place;
    return NULL;
}

static status *start_counted(const bench_options *options, probe *p)
{
    char path[PATH_SIZE];
    (void) snprintf(path, sizeof path, "%s/allocations", p->folder);
    status *failure = map_counts(p, path);
    if (failure)
        return failure;
    // No other thread reads the environment meanwhile.
    setenv(ALLOCATIONS_VARIABLE, path, 1);                      // NOLINT(concurrency-mt-unsafe)
    setenv("LD_PRELOAD", ERRAND_BENCH_ALLOCATIONS_LIBRARY, 1);  // NOLINT(concurrency-mt-unsafe)
    failure = server_start(options, 0, &p->errandd);
    unsetenv("LD_PRELOAD");          // NOLINT(concurrency-mt-unsafe)
    unsetenv(ALLOCATIONS_VARIABLE);  // NOLINT(concurrency-mt-unsafe)
    return failure;
}
#else
static status *start_counted(const bench_options *options, probe *p)
{
    return server_start(options, 0, &p->errandd);
}
#endif

// ---- system calls ----

static bool is_traced(pid_t pid, const char *thread)
{
    char path[64], text[2048];
    (void) snprintf(path, sizeof path, "/proc/%d/task/%.12s/status", (int) pid, thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return true;  // it is gone
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void) fclose(file);
    text[size] = '\0';
    const char *tracer = strstr(text, "TracerPid:");
    return tracer && strtol(tracer + strlen("TracerPid:"), NULL, 10) != 0;
}

static bool all_are_traced(pid_t pid)
{
    char path[64];
    struct dirent **threads;
    bool all = true;
    (void) snprintf(path, sizeof path, "/proc/%d/task", (int) pid);
    int count = scandir(path, &threads, NULL, NULL);
    for (int i = 0; i < count; i++) {
        all = all && (threads[i]->d_name[0] == '.' || is_traced(pid, threads[i]->d_name));
        free(threads[i]);
    }
    if (count >= 0)
        free(threads);
    return all && count > 0;
}

static status *attach(probe *p)
{
    char program[] = STRACE, quiet[] = "-qq", count[] = "-c", columns[] = "-Ucalls,name";
    char follow[] = "-f", to[] = "-o", from[] = "-p", file[PATH_SIZE], pid[24];
    (void) snprintf(file, sizeof file, "%s/calls", p->folder);
    (void) snprintf(pid, sizeof pid, "%d", (int) server_pid(p->errandd));
    char *argv[] = {program, quiet, count, columns, follow, to, file, from, pid, NULL};
    status *failure = child_start(argv, 0, &p->strace);
    double end_s = monotonic_s() + ATTACH_SECONDS;
    const struct timespec pause = {.tv_nsec = 1000000};
    while (!failure && !all_are_traced(server_pid(p->errandd))) {
        if (monotonic_s() > end_s)
            return status_new(STATUS_FAILED_PRECONDITION, "strace may not look at errandd");
        (void) nanosleep(&pause, NULL);
    }
    return failure;
}

// The last line of what strace wrote: how many calls in all.
static status *detach(probe *p, double *ret_calls)
{
    char path[PATH_SIZE], line[256];
    AUTO(status) ignored = child_stop(TAKE(p->strace));  // it ends by the signal
    (void) snprintf(path, sizeof path, "%s/calls", p->folder);
    FILE *file = fopen(path, "re");
    if (!file)
        return status_errno(errno, "%s", path);
    *ret_calls = 0;
    while (fgets(line, sizeof line, file))
        if (strstr(line, " total\n"))
            *ret_calls = strtod(line, NULL);
    (void) fclose(file);
    return *ret_calls > 0 ? NULL : status_new(STATUS_INTERNAL, "strace told nothing");
}

// ---- all kinds ----

status *probe_open(const bench_options *options, probe_kind kind, probe **ret)
{
    AUTO(probe) p = calloc(1, sizeof *p);
    if (!p)
        return status_errno(ENOMEM, "probe");
    p->kind = kind;
    status *failure = folder_make(options, p->folder);
    if (!failure)
        failure = kind == PROBE_ALLOCATIONS ? start_counted(options, p)
                                            : server_start(options, 0, &p->errandd);
    if (!failure)
        *ret = TAKE(p);
    return failure;
}

void probe_abandon(probe *p)
{
    if (!p)
        return;
    child_kill(p->strace);
    server_abandon(p->errandd);
    if (p->counts)
        munmap(p->counts, sizeof *p->counts);
    folder_remove(p->folder);
    free(p);
}

status *probe_stop(probe *p)
{
    status *failure = server_stop(TAKE(p->errandd));
    probe_abandon(p);
    return failure;
}

const server *probe_server(const probe *p)
{
    return p->errandd;
}

status *probe_begin(probe *p)
{
    pid_t pid = server_pid(p->errandd);
    p->server_s = usage_cpu_s(pid);
    p->own_s = usage_cpu_s(getpid());
    p->written = usage_written_bytes(pid);
    if (p->counts) {
        p->sqlite = p->counts->sqlite;
        p->nng = p->counts->nng;
        p->others = p->counts->others;
    }
    return p->kind == PROBE_CALLS ? attach(p) : NULL;
}

static void add_time(const probe *p, const char *row, double jobs, report *r)
{
    pid_t pid = server_pid(p->errandd);
    report_add(r, row, "server cpu", "us/job", (usage_cpu_s(pid) - p->server_s) * 1e6 / jobs);
    report_add(r, row, "client cpu", "us/job", (usage_cpu_s(getpid()) - p->own_s) * 1e6 / jobs);
    report_add(r, row, "written", "bytes/job", (usage_written_bytes(pid) - p->written) / jobs);
}

static void add_allocations(const probe *p, const char *row, double jobs, report *r)
{
    report_add(r, row, "allocations, SQLite", "1/job",
               (double) (p->counts->sqlite - p->sqlite) / jobs);
    report_add(r, row, "allocations, nng", "1/job", (double) (p->counts->nng - p->nng) / jobs);
    report_add(r, row, "allocations, others", "1/job",
               (double) (p->counts->others - p->others) / jobs);
}

status *probe_end(probe *p, const char *row, double jobs, report *r)
{
    double calls = 0;
    status *failure = p->kind == PROBE_CALLS ? detach(p, &calls) : NULL;
    if (failure)
        return failure;
    switch (p->kind) {
    case PROBE_TIME:
        add_time(p, row, jobs, r);
        break;
    case PROBE_CALLS:
        report_add(r, row, "system calls", "1/job", calls / jobs);
        break;
    case PROBE_ALLOCATIONS:
        add_allocations(p, row, jobs, r);
        break;
    case PROBE_KINDS:
        break;
    }
    return NULL;
}
