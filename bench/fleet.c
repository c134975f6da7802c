// fleet - processes with workers of liberrand, whose functions do nothing.
#include "bench/fleet.h"
#include "bench/jobs.h"
#include "bench/usage.h"

#include "errand.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct fleet {
    size_t count;
    child *processes[];
};

// ---- one process ----

static sem_t connected;

static void on_connected(void *data, const char *url)
{
    (void) data;
    (void) url;
    (void) sem_post(&connected);
}

static void do_nothing(errand_context *context, void *data)
{
    (void) context;
    (void) data;
}

static errand_error *start_worker(const errand_worker_options *options, errand_worker **ret)
{
    errand_error *error = errand_worker_new(options, ret);
    if (!error)
        error = errand_worker_handle(*ret, JOBS_KIND, do_nothing, NULL);
    return error ? error : errand_worker_start(*ret);
}

static errand_error *start_workers(const errand_worker_options *options, errand_worker **workers,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        errand_error *error = start_worker(options, &workers[i]);
        if (error)
            return error;
    }
    for (size_t i = 0; i < count; i++)
        while (sem_wait(&connected) != 0 && errno == EINTR)
            continue;
    return NULL;
}

static int complain(errand_error *error)
{
    (void) fprintf(stderr, "fleet: %s\n", error->message);
    errand_error_free(error);
    return 1;
}

int fleet_serve(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    sigset_t end;
    int number = 0;
    (void) sigemptyset(&end);
    (void) sigaddset(&end, SIGTERM);
    (void) pthread_sigmask(SIG_BLOCK, &end, NULL);
    (void) sem_init(&connected, 0, 0);
    const errand_server at = {.url = argv[0], .results_url = argv[1]};
    const errand_worker_options options = {.servers = &at,
                                           .server_count = 1,
                                           .concurrency = (int) strtol(argv[3], NULL, 10),
                                           .connected = on_connected};
    size_t count = strtoul(argv[2], NULL, 10);
    errand_worker **workers = calloc(count + 1, sizeof *workers);
    if (!workers)
        return 1;
    errand_error *error = start_workers(&options, workers, count);
    if (error)
        return complain(error);
    (void) printf("listening fleet %s\n", argv[0]);
    (void) fflush(stdout);
    (void) sigwait(&end, &number);
    for (size_t i = 0; i < count; i++)
        errand_worker_free(workers[i]);
    free(workers);
    return 0;
}

// ---- all of them ----

status *fleet_start(const server *errandd, const fleet_size *size, fleet **ret)
{
    char workers[24], concurrency[24];
    size_t count = (size_t) size->processes;
    AUTO(fleet) f = calloc(1, sizeof *f + count * sizeof f->processes[0]);
    if (!f)
        return status_errno(ENOMEM, "fleet");
    (void) snprintf(workers, sizeof workers, "%lld", (long long) size->workers);
    (void) snprintf(concurrency, sizeof concurrency, "%lld", (long long) size->concurrency);
    const char *arguments[] = {
        "serve-fleet", server_rpc_url(errandd), server_results_url(errandd), workers, concurrency,
        NULL};
    for (; f->count < count; f->count++) {
        status *failure = child_start_self(arguments, 1, &f->processes[f->count]);
        if (failure)
            return failure;
    }
    *ret = TAKE(f);
    return NULL;
}

double fleet_cpu_s(const fleet *f)
{
    double sum = 0;
    for (size_t i = 0; i < f->count; i++)
        sum += usage_cpu_s(child_pid(f->processes[i]));
    return sum;
}

double fleet_rss_mib(const fleet *f)
{
    double sum = 0;
    for (size_t i = 0; i < f->count; i++)
        sum += usage_rss_mib(child_pid(f->processes[i]));
    return sum;
}

status *fleet_stop(fleet *f)
{
    AUTO(fleet) all = f;
    status *failure = NULL;
    for (size_t i = 0; all && i < all->count && !failure; i++)
        failure = child_stop(TAKE(all->processes[i]));
    return failure;
}

void fleet_abandon(fleet *f)
{
    for (size_t i = 0; f && i < f->count; i++)
        child_kill(f->processes[i]);
    free(f);
}
