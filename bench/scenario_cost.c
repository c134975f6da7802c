// scenario_cost - what the server does for a job, by the way it comes and goes.
#include "bench/fill.h"
#include "bench/hand.h"
#include "bench/jobs.h"
#include "bench/probe.h"
#include "bench/scenario.h"

#include <stdio.h>

#define LEASE_AT_ONCE 100
#define WARM_JOBS     2000

typedef struct bench {
    const bench_options *options;
    probe *probe;
    rpc_client *client;
    hand *worker;
    noop_job noop;
    report *report;
} bench;

typedef struct way {
    const char *row;
    int64_t jobs;
    int64_t in_flight;  // of Submit; 0: jobs come in batches
    status *(*run)(bench *b, const struct way *w, int64_t jobs);
} way;

static status *run_submit(bench *b, const way *w, int64_t jobs)
{
    load_result ignored;
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    request.job = &b->noop.job;
    const load what = {.client = b->client,
                       .service = &errand__v1__job_service__descriptor,
                       .method = "Submit",
                       .request = &request.base,
                       .in_flight = (int) w->in_flight,
                       .count = jobs,
                       .timeout_s = b->options->timeout_s};
    return load_run(&what, &ignored);
}

static status *run_batch(bench *b, const way *w, int64_t jobs)
{
    load_result ignored;
    (void) w;
    return fill_run(b->client, b->options, &b->noop.job, jobs, &ignored);
}

static status *run_lease(bench *b, const way *w, int64_t jobs)
{
    (void) w;
    return hand_lease(b->worker, (size_t) jobs, LEASE_AT_ONCE);
}

static status *run_finish(bench *b, const way *w, int64_t jobs)
{
    (void) w;
    (void) jobs;
    return hand_finish(b->worker);
}

// What is finished was leased before, and that was submitted.
// clang-format off
static const way ways[] = {
    {"Submit, 1 in flight",       2000,   1,   run_submit},
    {"Submit, 32 in flight",      10000,  32,  run_submit},
    {"Submit, 256 in flight",     20000,  256, run_submit},
    {"BatchSubmit",               100000, 0,   run_batch},
    {"Lease, 100 a call",         20000,  0,   run_lease},
    {"Report, 100 a call",        20000,  0,   run_finish},
};
// clang-format on

#define WAY_COUNT (sizeof ways / sizeof ways[0])

static int64_t jobs_of(const bench_options *options, const way *w)
{
    int64_t jobs = scenario_count(options, w->jobs);
    return w->run == run_batch ? (jobs + options->batch - 1) / options->batch * options->batch
                               : jobs;
}

// The second time round nothing is done for the first time.
static status *warm_up(bench *b)
{
    int64_t jobs = scenario_count(b->options, WARM_JOBS);
    status *failure = NULL;
    for (size_t i = 0; !failure && i < WAY_COUNT; i++)
        failure = ways[i].run(b, &ways[i], jobs);
    return failure;
}

static status *measure(bench *b, const way *w)
{
    int64_t jobs = jobs_of(b->options, w);
    status *failure = probe_begin(b->probe);
    if (!failure)
        failure = w->run(b, w, jobs);
    return failure ? failure : probe_end(b->probe, w->row, (double) jobs, b->report);
}

static status *measure_all(bench *b)
{
    status *failure = server_client(probe_server(b->probe), &b->client);
    if (failure)
        return failure;
    b->worker = hand_new(b->client, 0);
    if (!b->worker)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    failure = warm_up(b);
    for (size_t i = 0; !failure && i < WAY_COUNT; i++)
        failure = measure(b, &ways[i]);
    return failure;
}

static status *pass(const bench_options *options, probe_kind kind, report *r)
{
    bench b = {.options = options, .report = r};
    status *failure = probe_open(options, kind, &b.probe);
    if (failure)
        return failure;
    noop_job_init(&b.noop);
    failure = measure_all(&b);
    hand_free(b.worker);
    rpc_client_close(b.client);
    if (!failure)
        return probe_stop(b.probe);
    probe_abandon(b.probe);
    return failure;
}

// Where nobody may trace processes there are no figures of system calls.
static status *pass_if_allowed(const bench_options *options, probe_kind kind, report *r)
{
    AUTO(status) failure = pass(options, kind, r);
    if (!failure || kind != PROBE_CALLS || failure->code != STATUS_FAILED_PRECONDITION)
        return TAKE(failure);
    (void) fprintf(stderr, "system calls are not counted: %s\n", failure->message);
    return NULL;
}

status *scenario_cost(const bench_options *options, report *r)
{
    status *failure = NULL;
    for (probe_kind kind = 0; !failure && kind < PROBE_KINDS; kind++) {
        const char *missing = probe_missing(kind);
        if (missing)
            (void) fprintf(stderr, "%s\n", missing);
        else
            failure = pass_if_allowed(options, kind, r);
    }
    return failure;
}
