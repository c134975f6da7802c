// place - filling a server, and taking the times of three steps.
#include "bench/place.h"
#include "bench/crowd.h"
#include "bench/fill.h"
#include "bench/hand.h"
#include "bench/mixed_jobs.h"
#include "bench/server.h"
#include "bench/usage.h"

#include "errand/v1/queue_service.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBMITS_IN_FLIGHT 32
#define LEASE_AT_ONCE     10
#define UPDATES_IN_FLIGHT 32
#define MOST_ROUNDS       32

typedef enum step {
    STEP_SUBMIT,
    STEP_LEASE,
    STEP_FINISH,
    STEPS,
} step;

typedef struct cost {
    double seconds, cpu_s;  // of one job
} cost;

struct place {
    const bench_options *options;
    const place_case *wanted;
    server *errandd;
    rpc_client *client;
    hand *worker;
    crowd *others;
    mixed_jobs *fresh;  // to be submitted
    double filled_rate, store_mib;
    cost rounds[STEPS][MOST_ROUNDS];
    size_t round_count;
};

// ---- filling ----

static mixed_kind kind_of(const place_case *wanted)
{
    return (mixed_kind){
        .queues = (size_t) wanted->queues,
        .keyed_each = wanted->keys ? (size_t) (wanted->backlog / wanted->keys) : 0,
    };
}

static status *fill_mixed(place *p)
{
    const mixed_kind kind = kind_of(p->wanted);
    AUTO(mixed_jobs) jobs = mixed_jobs_new(&kind, (size_t) p->wanted->backlog);
    return jobs ? mixed_jobs_fill(jobs, p->client, p->options) : status_errno(ENOMEM, "jobs");
}

static status *fill_plain(place *p)
{
    noop_job noop;
    load_result ignored;
    noop_job_init(&noop);
    return fill_run(p->client, p->options, &noop.job, p->wanted->backlog, &ignored);
}

static status *fill(place *p)
{
    const place_case *wanted = p->wanted;
    double start_s = monotonic_s();
    status *failure = wanted->queues > 0 || wanted->keys > 0 ? fill_mixed(p) : fill_plain(p);
    p->filled_rate = (double) wanted->backlog / (monotonic_s() - start_s);
    p->store_mib = server_folder_mib(p->errandd);
    return failure;
}

// ---- settings of queues ----

typedef struct update {
    char name[MIXED_NAME_SIZE];
    Errand__V1__Queue queue;
    Google__Protobuf__Int32Value max_running;
    Google__Protobuf__FieldMask mask;
    Errand__V1__UpdateQueueRequest request;
} update;

static void init_update(update *u, size_t index, const place_case *wanted)
{
    static char paused[] = "paused", max_running[] = "max_running";
    static char *paths[] = {paused, max_running};
    mixed_queue_name(index, u->name);
    errand__v1__queue__init(&u->queue);
    google__protobuf__int32_value__init(&u->max_running);
    google__protobuf__field_mask__init(&u->mask);
    errand__v1__update_queue_request__init(&u->request);
    u->max_running.value = INT32_MAX;
    u->mask.n_paths = 2;
    u->mask.paths = paths;
    u->queue.name = u->name;
    u->queue.paused = wanted->open > 0 && (int64_t) index >= wanted->open;
    if ((int64_t) index < wanted->limited)
        u->queue.max_running = &u->max_running;
    u->request.queue = &u->queue;
    u->request.update_mask = &u->mask;
}

static status *update_queues(place *p)
{
    load_result ignored;
    size_t count = (size_t) p->wanted->queues;
    if (!p->wanted->open && !p->wanted->limited)
        return NULL;
    AUTO_FREE update *all = calloc(count, sizeof *all);
    AUTO_FREE const ProtobufCMessage **requests = calloc(count, sizeof(ProtobufCMessage *));
    if (!all || !requests)
        return status_errno(ENOMEM, "queues");
    for (size_t i = 0; i < count; i++) {
        init_update(&all[i], i, p->wanted);
        requests[i] = &all[i].request.base;
    }
    load what = {.client = p->client,
                 .service = &errand__v1__queue_service__descriptor,
                 .method = "Update",
                 .requests = requests,
                 .request_count = count,
                 .in_flight = UPDATES_IN_FLIGHT,
                 .count = (int64_t) count,
                 .timeout_s = p->options->timeout_s};
    return load_run(&what, &ignored);
}

// ---- opening ----

static status *prepare(place *p)
{
    status *failure = server_start(p->options, 0, &p->errandd);
    if (!failure)
        failure = server_client(p->errandd, &p->client);
    if (!failure)
        failure = fill(p);
    if (!failure)
        failure = update_queues(p);
    if (failure)
        return failure;
    p->worker = hand_new(p->client, (size_t) p->wanted->served);
    return p->worker ? NULL : status_errno(ENOMEM, "worker");
}

status *place_open(const bench_options *options, const place_case *wanted, place **ret)
{
    AUTO(place) p = calloc(1, sizeof *p);
    if (!p)
        return status_errno(ENOMEM, "place");
    p->options = options;
    p->wanted = wanted;
    status *failure = prepare(p);
    if (!failure)
        *ret = TAKE(p);
    return failure;
}

void place_close(place *p)
{
    if (!p)
        return;
    crowd_free(p->others);
    hand_free(p->worker);
    mixed_jobs_free(p->fresh);
    rpc_client_close(p->client);
    server_abandon(p->errandd);
    free(p);
}

status *place_stop(place *p)
{
    crowd_free(TAKE(p->others));
    status *failure = server_stop(TAKE(p->errandd));
    place_close(p);
    return failure;
}

server *place_server(place *p)
{
    return p->errandd;
}

status *place_crowd(place *p)
{
    const place_case *wanted = p->wanted;
    if (!wanted->waiters && !wanted->idle)
        return NULL;
    return crowd_new(p->errandd, p->options, (size_t) wanted->waiters, (size_t) wanted->idle,
                     &p->others);
}

// ---- measuring ----

static status *run_step(place *p, step which, size_t jobs)
{
    switch (which) {
    case STEP_SUBMIT:
        return mixed_jobs_submit(p->fresh, p->client, p->options, SUBMITS_IN_FLIGHT);
    case STEP_LEASE:
        return hand_lease(p->worker, jobs, LEASE_AT_ONCE);
    case STEP_FINISH:
        return hand_finish(p->worker);
    case STEPS:
        break;
    }
    return NULL;
}

static status *time_step(place *p, step which, size_t jobs)
{
    pid_t pid = server_pid(p->errandd);
    double cpu_s = usage_cpu_s(pid), start_s = monotonic_s();
    status *failure = run_step(p, which, jobs);
    p->rounds[which][p->round_count] = (cost){
        .seconds = (monotonic_s() - start_s) / (double) jobs,
        .cpu_s = (usage_cpu_s(pid) - cpu_s) / (double) jobs,
    };
    return failure;
}

// They go where they can be leased.
static mixed_kind fresh_kind(const place_case *wanted)
{
    int64_t queues = wanted->served ? wanted->served : wanted->open ? wanted->open : wanted->queues;
    return (mixed_kind){.queues = (size_t) queues, .keyed_each = wanted->keys > 0};
}

status *place_measure(place *p, size_t jobs)
{
    const mixed_kind kind = fresh_kind(p->wanted);
    if (p->round_count == MOST_ROUNDS)
        return status_new(STATUS_INTERNAL, "too many rounds");
    p->fresh = mixed_jobs_new(&kind, jobs);
    status *failure = p->fresh ? NULL : status_errno(ENOMEM, "jobs");
    for (step which = STEP_SUBMIT; !failure && which < STEPS; which++)
        failure = time_step(p, which, jobs);
    mixed_jobs_free(TAKE(p->fresh));
    p->round_count++;
    return failure ? failure : crowd_check(p->others);
}

// ---- reporting ----

static int compare(const void *a, const void *b)
{
    double left = *(const double *) a, right = *(const double *) b;
    return (left > right) - (left < right);
}

static cost median(const place *p, step which)
{
    double seconds[MOST_ROUNDS], cpu_s[MOST_ROUNDS];
    for (size_t i = 0; i < p->round_count; i++) {
        seconds[i] = p->rounds[which][i].seconds;
        cpu_s[i] = p->rounds[which][i].cpu_s;
    }
    qsort(seconds, p->round_count, sizeof(double), compare);
    qsort(cpu_s, p->round_count, sizeof(double), compare);
    return (cost){seconds[p->round_count / 2], cpu_s[p->round_count / 2]};
}

static void report_step(const place *p, const place *base, step which, report *r)
{
    static const char *const names[STEPS] = {"submit", "lease", "finish"};
    const char *row = p->wanted->row;
    char name[REPORT_ROW_SIZE];
    cost own = median(p, which), other = median(base, which);
    (void) snprintf(name, sizeof name, "%s rate", names[which]);
    report_add(r, row, name, "jobs/s", 1 / own.seconds);
    (void) snprintf(name, sizeof name, "%s cpu", names[which]);
    report_add(r, row, name, "us/job", own.cpu_s * 1e6);
    (void) snprintf(name, sizeof name, "%s cpu, ratio", names[which]);
    report_add(r, row, name, "", own.cpu_s / other.cpu_s);
}

void place_report(place *p, place *base, report *r)
{
    const char *row = p->wanted->row;
    for (step which = STEP_SUBMIT; which < STEPS; which++)
        report_step(p, base, which, r);
    report_add(r, row, "batch submit rate", "jobs/s", p->filled_rate);
    report_add(r, row, "server memory", "MiB", usage_rss_mib(server_pid(p->errandd)));
    report_add(r, row, "store size", "MiB", p->store_mib);
}
