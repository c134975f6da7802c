// scenario_waiters - many GetResult calls that wait, each for a job of its own.
#include "base/clock.h"
#include "base/uuid.h"
#include "bench/answers.h"
#include "bench/jobs.h"
#include "bench/lessee.h"
#include "bench/mixed_jobs.h"
#include "bench/scenario.h"
#include "bench/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SINGLE      1000  // of them answered one at a time, a tenth at most
#define CONNECTIONS 16    // a client has 4,096 calls at a time
#define WAIT_S      55    // the server allows 60
#define WATCHED_S   3

static const int64_t sizes[] = {10000, 50000};

typedef struct waiters waiters;

typedef struct waiter {
    waiters *all;
    char id[UUID_TEXT_SIZE];
    double finishing_s, answered_s;
} waiter;

struct waiters {
    const bench_options *options;
    const server *errandd;
    rpc_client *clients[CONNECTIONS];
    answers answers;
    size_t count;
    waiter each[];
};

// ---- jobs: the last four bytes of the id are the waiter's index ----

static void choose_id(waiters *all, size_t index)
{
    uuid id = uuid_new_v7(clock_wall_us(clock_system()));
    for (int i = 0; i < 4; i++)
        id.bytes[12 + i] = (uint8_t) (index >> (24 - 8 * i));
    all->each[index].all = all;
    uuid_format(&id, all->each[index].id);
}

static waiter *waiter_of(waiters *all, const char *id)
{
    uuid read;
    size_t index = 0;
    if (!uuid_parse(id, &read))
        return NULL;
    for (int i = 0; i < 4; i++)
        index = index << 8 | read.bytes[12 + i];
    return index < all->count ? &all->each[index] : NULL;
}

static status *submit_all(waiters *all)
{
    const mixed_kind kind = {0};
    AUTO(mixed_jobs) jobs = mixed_jobs_new(&kind, all->count);
    if (!jobs)
        return status_errno(ENOMEM, "jobs");
    for (size_t i = 0; i < all->count; i++) {
        choose_id(all, i);
        mixed_jobs_each(jobs, i)->id = all->each[i].id;
    }
    return mixed_jobs_fill(jobs, all->clients[0], all->options);
}

// ---- waiting ----

static void on_answer(void *data, const ProtobufCMessage *reply, const status *failure)
{
    waiter *w = data;
    w->answered_s = monotonic_s();
    const Errand__V1__GetResultResponse *result = (const Errand__V1__GetResultResponse *) reply;
    answers_add(&w->all->answers,
                failure ? status_copy(failure) : jobs_check_success(result->state));
}

static void start_waiting(waiters *all)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    rpc_call_options options = {.timeout_ms = (WAIT_S + 5) * INT64_C(1000)};
    wait.seconds = WAIT_S;
    request.wait = &wait;
    for (size_t i = 0; i < all->count; i++) {
        request.id = all->each[i].id;
        rpc_client_start(all->clients[i % CONNECTIONS], &errand__v1__job_service__descriptor,
                         "GetResult", &request.base, &options, on_answer, &all->each[i]);
    }
}

// A call behind the waiting ones on each connection: once it is answered they are parked, all but
// the last few.
static status *wait_until_parked(waiters *all)
{
    status *failure = NULL;
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = all->each[0].id;
    for (int i = 0; !failure && i < CONNECTIONS; i++) {
        ProtobufCMessage *reply;
        failure = rpc_client_call(all->clients[i], &errand__v1__job_service__descriptor, "Get",
                                  &request.base, NULL, &reply);
        if (!failure)
            protobuf_c_message_free_unpacked(reply, NULL);
    }
    return failure;
}

// ---- ending the jobs ----

static void note_end(void *data, const char *job_id)
{
    waiter *w = waiter_of(data, job_id);
    if (w)
        w->finishing_s = monotonic_s();
}

static status *finish_jobs(waiters *all, size_t jobs, int at_once)
{
    lessees *worker;
    double ignored;
    lessee_load what = {.server = all->errandd,
                        .lessees = 1,
                        .jobs = (int64_t) jobs,
                        .lease = at_once,
                        .timeout_s = WAIT_S,
                        .finishing = note_end,
                        .data = all};
    status *failure = lessees_start(&what, &worker);
    return failure ? failure : lessees_join(worker, &ignored);
}

static status *finish_singly(waiters *all, size_t jobs, const char *row, report *r)
{
    AUTO_FREE double *samples = calloc(jobs, sizeof *samples);
    if (!samples)
        return status_errno(ENOMEM, "samples");
    status *failure = finish_jobs(all, jobs, 1);
    if (!failure)
        failure = answers_wait_good(&all->answers, jobs);
    if (failure)
        return failure;
    size_t count = 0;
    for (size_t i = 0; i < all->count && count < jobs; i++)
        if (all->each[i].answered_s > 0)
            samples[count++] = all->each[i].answered_s - all->each[i].finishing_s;
    report_add_percentiles(r, row, samples, count);
    return NULL;
}

static status *finish_rest(waiters *all, size_t jobs, const char *row, report *r)
{
    double start = monotonic_s();
    cpu_time before = usage_cpu(server_pid(all->errandd));
    status *failure = finish_jobs(all, jobs, (int) all->options->lease);
    if (!failure)
        failure = answers_wait_good(&all->answers, all->count);
    if (failure)
        return failure;
    double count = (double) jobs;
    report_add(r, row, "rate, all at once", "jobs/s", count / (monotonic_s() - start));
    report_add(r, row, "server cpu, all at once", "us/job",
               usage_cpu_since(server_pid(all->errandd), before) * 1e6 / count);
    return NULL;
}

// ---- all of it ----

// What those that wait cost while nothing happens.
static void watch_parked(const waiters *all, const char *row, report *r)
{
    const struct timespec time = {.tv_sec = all->options->count ? 0 : WATCHED_S,
                                  .tv_nsec = 1000000};
    double start_s = monotonic_s(), cpu_s = usage_cpu_s(server_pid(all->errandd));
    (void) nanosleep(&time, NULL);
    report_add(r, row, "server cpu, parked", "% of one",
               (usage_cpu_s(server_pid(all->errandd)) - cpu_s) / (monotonic_s() - start_s) * 100);
}

static status *measure(waiters *all, report *r)
{
    char row[REPORT_ROW_SIZE];
    size_t single = all->count / 10 < SINGLE ? all->count / 10 + 1 : SINGLE;
    (void) snprintf(row, sizeof row, "%zu parked", all->count);
    status *failure = submit_all(all);
    if (failure)
        return failure;
    double before = usage_rss_mib(server_pid(all->errandd));
    start_waiting(all);
    failure = wait_until_parked(all);
    if (failure)
        return failure;
    double parked = usage_rss_mib(server_pid(all->errandd)) - before;
    report_add(r, row, "server memory", "KiB/waiter", parked * 1024 / (double) all->count);
    watch_parked(all, row, r);
    failure = finish_singly(all, single, row, r);
    return failure ? failure : finish_rest(all, all->count - single, row, r);
}

static status *open_clients(waiters *all)
{
    status *failure = NULL;
    for (int i = 0; !failure && i < CONNECTIONS; i++)
        failure = server_client(all->errandd, &all->clients[i]);
    return failure;
}

static void close_clients(waiters *all)
{
    for (int i = 0; i < CONNECTIONS; i++)
        rpc_client_close(all->clients[i]);
}

static status *run(const bench_options *options, size_t count, report *r)
{
    AUTO(server) errandd = NULL;
    AUTO_FREE waiters *all = calloc(1, sizeof *all + count * sizeof all->each[0]);
    if (!all)
        return status_errno(ENOMEM, "waiters");
    status *failure = server_start(options, 0, &errandd);
    if (failure)
        return failure;
    *all = (waiters){.options = options, .errandd = errandd, .count = count};
    answers_init(&all->answers);
    failure = open_clients(all);
    if (!failure)
        failure = measure(all, r);
    close_clients(all);
    answers_fini(&all->answers);
    return failure ? failure : server_stop(TAKE(errandd));
}

status *scenario_waiters(const bench_options *options, report *r)
{
    status *failure = NULL;
    // With --count there is one size.
    size_t cases = options->count ? 1 : sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; !failure && i < cases; i++)
        failure = run(options, (size_t) scenario_count(options, sizes[i]), r);
    return failure;
}
