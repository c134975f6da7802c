// scenario_life - the whole life of jobs, all of it at once: submitted in batches, leased and
// finished by worker processes, their results kept for a second and then purged, while others still
// come. Once they come as fast as they can, so that most wait in line; once no faster than workers
// can start them.
#include "bench/fill.h"
#include "bench/fleet.h"
#include "bench/jobs.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/usage.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIFE_JOBS   300000
#define PROCESSES   2
#define CONCURRENCY 256
#define LOOK_MS     5

// Where the workers keep up: slots of a worker, calls in flight, jobs in each, and jobs that may be
// unfinished when a call begins, so that a slot waits for each.
#define SLOTS            1024
#define SUPPLIERS        2
#define SUPPLY_JOBS      500
#define SUPPLY_BELOW     (PROCESSES * SLOTS - SUPPLIERS * SUPPLY_JOBS)
#define SUPPLY_NS        200000  // between two looks at how many those are
#define SUPPLY_EACH_TIME ((int64_t) SUPPLIERS * SUPPLY_JOBS)

typedef struct bench {
    const bench_options *options;
    const server *errandd;
    const fleet *workers;
    rpc_client *client;
    int64_t unfinished, kept;  // jobs, when looked last
} bench;

static void count_jobs(bench *b, const Errand__V1__ServerStats *stats)
{
    b->unfinished = b->kept = 0;
    for (size_t i = 0; i < stats->n_jobs; i++)
        if (strcmp(stats->jobs[i]->key, "SUCCEEDED") == 0)
            b->kept += stats->jobs[i]->value;
        else
            b->unfinished += stats->jobs[i]->value;
}

static status *look(bench *b)
{
    ProtobufCMessage *reply;
    Errand__V1__GetStatsRequest request = ERRAND__V1__GET_STATS_REQUEST__INIT;
    status *failure = rpc_client_call(b->client, &errand__v1__server_service__descriptor,
                                      "GetStats", &request.base, NULL, &reply);
    if (failure)
        return failure;
    count_jobs(b, (const Errand__V1__ServerStats *) reply);
    protobuf_c_message_free_unpacked(reply, NULL);
    return NULL;
}

static status *wait_until_none(bench *b, const int64_t *which)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    double end_s = monotonic_s() + (double) b->options->timeout_s;
    status *failure = look(b);
    while (!failure && *which > 0) {
        if (monotonic_s() > end_s)
            return status_new(STATUS_DEADLINE_EXCEEDED, "%" PRId64 " jobs are left", *which);
        (void) nanosleep(&pause, NULL);
        failure = look(b);
    }
    return failure;
}

typedef struct totals {
    double server_s, workers_s, own_s, seconds;
} totals;

static totals used(const bench *b)
{
    return (totals){usage_cpu_s(server_pid(b->errandd)), fleet_cpu_s(b->workers),
                    usage_cpu_s(getpid()), monotonic_s()};
}

static totals used_since(const bench *b, const totals *start)
{
    const totals end = used(b);
    return (totals){end.server_s - start->server_s, end.workers_s - start->workers_s,
                    end.own_s - start->own_s, end.seconds - start->seconds};
}

static void add_figures(const totals *spent, double jobs, const char *row, report *r)
{
    report_add(r, row, "rate", "jobs/s", jobs / spent->seconds);
    report_add(r, row, "server cpu", "us/job", spent->server_s * 1e6 / jobs);
    report_add(r, row, "workers' cpu", "us/job", spent->workers_s * 1e6 / jobs);
    report_add(r, row, "client cpu", "us/job", spent->own_s * 1e6 / jobs);
}

// ---- no faster than the workers ----

// One of the threads that submit.
typedef struct supplier {
    bench b;
    const jobs_batch *batch;
    int64_t calls;
    pthread_t thread;
    status *failure;
} supplier;

static status *wait_for_slots(bench *b)
{
    const struct timespec pause = {.tv_nsec = SUPPLY_NS};
    status *failure = look(b);
    while (!failure && b->unfinished > SUPPLY_BELOW) {
        (void) nanosleep(&pause, NULL);
        failure = look(b);
    }
    return failure;
}

static void *supply(void *argument)
{
    supplier *s = argument;
    const load call = {.client = s->b.client,
                       .service = &errand__v1__job_service__descriptor,
                       .method = "BatchSubmit",
                       .request = &s->batch->request.base,
                       .in_flight = 1,
                       .count = 1,
                       .timeout_s = s->b.options->timeout_s};
    load_result sent;
    for (int64_t i = 0; i < s->calls && !s->failure; i++) {
        s->failure = wait_for_slots(&s->b);
        if (!s->failure)
            s->failure = load_run(&call, &sent);
    }
    return NULL;
}

static status *start_supplier(supplier *s)
{
    return pthread_create(&s->thread, NULL, supply, s) == 0
               ? NULL
               : status_new(STATUS_RESOURCE_EXHAUSTED, "no thread can be made");
}

// The result's count is all that is set.
static status *supply_all(const bench *b, Errand__V1__Job *job, int64_t count, load_result *ret)
{
    supplier all[SUPPLIERS];
    int started = 0;
    status *failure = NULL;
    int64_t calls = (count + SUPPLY_EACH_TIME - 1) / SUPPLY_EACH_TIME;
    AUTO(jobs_batch) batch = jobs_batch_new(job, SUPPLY_JOBS);
    if (!batch)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    for (; started < SUPPLIERS && !failure; started += failure == NULL) {
        all[started] = (supplier){.b = *b, .batch = batch, .calls = calls};
        failure = start_supplier(&all[started]);
    }
    for (int i = 0; i < started; i++) {
        (void) pthread_join(all[i].thread, NULL);
        if (!failure)
            failure = all[i].failure;
        else
            status_free(all[i].failure);
    }
    ret->count = SUPPLY_EACH_TIME * calls;
    return failure;
}

// ---- both ----

static status *measure(bench *b, bool kept_up, const char *row, report *r)
{
    noop_job noop;
    load_result filled;
    Google__Protobuf__Duration second = GOOGLE__PROTOBUF__DURATION__INIT;
    int64_t count = scenario_count(b->options, LIFE_JOBS);
    second.seconds = 1;
    noop_job_init(&noop);
    noop.job.retention = &second;
    const totals start = used(b);
    status *failure = kept_up ? supply_all(b, &noop.job, count, &filled)
                              : fill_run(b->client, b->options, &noop.job, count, &filled);
    if (!failure)
        failure = wait_until_none(b, &b->unfinished);
    if (failure)
        return failure;
    const totals spent = used_since(b, &start);
    double jobs = (double) filled.count, purged = jobs - (double) b->kept;
    failure = wait_until_none(b, &b->kept);
    if (failure)
        return failure;
    add_figures(&spent, jobs, row, r);
    report_add(r, row, "purged meanwhile", "%", purged * 100 / jobs);
    report_add(r, row, "until all are purged", "s", monotonic_s() - start.seconds);
    return NULL;
}

static status *run(const bench_options *options, bool kept_up, report *r)
{
    char row[REPORT_ROW_SIZE];
    bench b = {.options = options};
    AUTO(server) errandd = NULL;
    AUTO(rpc_client) client = NULL;
    AUTO(fleet) workers = NULL;
    const fleet_size size = {PROCESSES, 1, kept_up ? SLOTS : CONCURRENCY};
    (void) snprintf(row, sizeof row, "%d worker processes, %s", PROCESSES,
                    kept_up ? "that keep up" : "jobs wait in line");
    status *failure = server_start(options, 0, &errandd);
    if (!failure)
        failure = server_client(errandd, &client);
    if (!failure)
        failure = fleet_start(errandd, &size, &workers);
    b.errandd = errandd;
    b.client = client;
    b.workers = workers;
    if (!failure)
        failure = measure(&b, kept_up, row, r);
    if (!failure)
        failure = fleet_stop(TAKE(workers));
    if (failure)
        return failure;
    rpc_client_close(TAKE(client));
    return server_stop(TAKE(errandd));
}

status *scenario_life(const bench_options *options, report *r)
{
    status *failure = run(options, true, r);
    return failure ? failure : run(options, false, r);
}
