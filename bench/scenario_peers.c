// scenario_peers - Errand beside other job servers, each with its data on disk before it answers;
// one after the other, over unix sockets.
#include "bench/peer.h"
#include "bench/peer_host.h"
#include "bench/scenario.h"

#include <stdio.h>
#include <stdlib.h>

const char peer_payload[PEER_PAYLOAD_BYTES + 1] =
    "image=https://images.example.com/2024/05/17/"
    "original-0001.png&sizes=320,640,1280,1920&format=webp&q=";

static const peer *const peers[] = {
    &peer_errand,
    &peer_beanstalkd,
    &peer_redis,
#ifdef ERRAND_BENCH_POSTGRES
    &peer_postgres,
#endif
};

typedef struct shape {
    const char *row;
    int clients;
    int64_t jobs;
    bool batched;
    bool drains;
} shape;

// What the first three put in the others take out.
// clang-format off
static const shape shapes[] = {
    {"enqueue, 1 in flight",   1,  5000,   false, false},
    {"enqueue, 32 in flight",  32, 32000,  false, false},
    {"enqueue, batches",       4,  200000, true,  false},
    {"drain, 1 worker",   1,  5000,   false, true},
    {"drain, 32 workers", 32, 32000,  false, true},
    {"drain, batches",              2,  200000, true,  true},
};
// clang-format on

// With --count all have as few jobs, rounded up to whole batches.
static peer_task task_of(const bench_options *options, const peer *p, const shape *s)
{
    int64_t wanted = scenario_count(options, s->batched ? s->jobs / p->share : s->jobs);
    int64_t batch = s->drains ? options->lease : options->batch;
    peer_task task = {.clients = s->clients,
                      .batch = s->batched ? (int) batch : 1,
                      .timeout_s = options->timeout_s};
    int64_t step = (int64_t) task.clients * task.batch;
    task.jobs = (wanted + step - 1) / step * step;
    return task;
}

static status *measure(const bench_options *options, const peer *p, void *own, const shape *s,
                       report *r)
{
    char row[REPORT_ROW_SIZE];
    peer_result result;
    const peer_task task = task_of(options, p, s);
    status *failure = s->drains ? p->drain(own, &task, &result) : p->enqueue(own, &task, &result);
    if (failure)
        return failure;
    double jobs = (double) task.jobs;
    (void) snprintf(row, sizeof row, "%s: %s", p->name, s->row);
    report_add(r, row, "rate", "jobs/s", jobs / result.seconds);
    report_add(r, row, "server cpu", "us/job", result.server_cpu_s * 1e6 / jobs);
    report_add(r, row, "client cpu", "us/job", result.client_cpu_s * 1e6 / jobs);
    report_durable(r, row, p->durable);
    return NULL;
}

// There is something left to drain although batches and rounding differ.
static status *fill_up(const bench_options *options, const peer *p, void *own)
{
    peer_result ignored;
    peer_task task = {.clients = 1, .batch = (int) options->lease, .timeout_s = options->timeout_s};
    task.jobs = task.batch * (2 + 8 * options->batch / task.batch);
    return p->enqueue(own, &task, &ignored);
}

static status *run_peer(const bench_options *options, const peer *p, report *r)
{
    void *own = NULL;
    status *failure = p->start(options, &own);
    for (size_t i = 0; !failure && i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shapes[i].drains && !shapes[i - 1].drains)
            failure = fill_up(options, p, own);
        if (!failure)
            failure = measure(options, p, own, &shapes[i], r);
    }
    p->stop(own);
    return failure;
}

static bool is_installed(const peer *p)
{
    AUTO_FREE char *found = p->program ? peer_find_program(p->program) : NULL;
    return !p->program || found;
}

status *scenario_peers(const bench_options *options, report *r)
{
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        const peer *p = peers[i];
        if (!scenario_wants(options, p->name))
            continue;
        if (!is_installed(p)) {
            report_skip(r, p->name, p->programs);
            continue;
        }
        AUTO(status) failure = run_peer(options, p, r);
        if (failure && failure->code == STATUS_FAILED_PRECONDITION)
            report_skip(r, p->name, "skipped: it can not have its data in --dir");
        else if (failure)
            return status_new(failure->code, "%s: %s", p->name, failure->message);
    }
#ifndef ERRAND_BENCH_POSTGRES
    report_skip(r, "PostgreSQL", "skipped: built without libpq-dev");
#endif
    return NULL;
}
