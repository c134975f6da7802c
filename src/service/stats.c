// stats - GetStats, Backup, and the list of workers.
#include "service/internal.h"

#include "base/clock.h"
#include "job/time.h"

#include <stdlib.h>
#include <string.h>

// ---- GetStats ----

typedef struct stats_state {
    engine_stats stats;
    engine_queues queues;
    service *service;
    rpc_call *call;
    int64_t results_queue_length;
} stats_state;

static bool add_jobs(Errand__V1__ServerStats *reply, int state, int64_t count, arena *memory)
{
    Errand__V1__ServerStats__JobsEntry *entry = arena_alloc(memory, sizeof *entry);
    char *name = arena_strdup(memory, job_state_name((job_state) state));
    if (entry == NULL || name == NULL) {
        return false;
    }
    errand__v1__server_stats__jobs_entry__init(entry);
    entry->key = name;
    entry->value = count;
    reply->jobs[reply->n_jobs++] = entry;
    return true;
}

static void stats_answer(stats_state *state, const int64_t *counts)
{
    arena *memory = rpc_call_arena(state->call);
    Errand__V1__ServerStats reply = ERRAND__V1__SERVER_STATS__INIT;
    Errand__V1__ServerStats__JobsEntry *jobs[JOB_STATE_COUNT];
    Google__Protobuf__Duration uptime = GOOGLE__PROTOBUF__DURATION__INIT;
    reply.jobs = jobs;
    for (int i = JOB_BLOCKED; i <= JOB_EXPIRED; i++) {
        if (counts[i] > 0 && !add_jobs(&reply, i, counts[i], memory)) {
            answer_no_memory(state->call);
            return;
        }
    }
    time_to_duration(clock_mono_us(clock_system()) - state->service->start_mono_us, &uptime);
    reply.workers = (int64_t) state->stats.workers;
    reply.waiting_calls = (int64_t) state->stats.waiting;
    reply.results_queue_length = state->results_queue_length;
    reply.store_bytes = state->stats.store_bytes;
    reply.uptime = &uptime;
    rpc_call_answer(state->call, &reply.base);
}

static void stats_done(engine_command *command)
{
    stats_state *state = command->owner;
    if (command->failure != NULL) {
        rpc_call_fail(state->call, command->failure);
        return;
    }
    state->results_queue_length = (int64_t) atomic_load(&state->service->batches_pending);
    stats_answer(state, state->stats.jobs);
}

// For a token that is limited to some queues: their jobs, and nothing of the whole server.
static void queues_done(engine_command *command)
{
    stats_state *state = command->owner;
    int64_t counts[JOB_STATE_COUNT] = {0};
    if (command->failure != NULL) {
        rpc_call_fail(state->call, command->failure);
        return;
    }
    for (size_t i = 0; i < state->queues.count; i++) {
        for (int j = JOB_BLOCKED; j <= JOB_EXPIRED; j++) {
            counts[j] += state->queues.infos[i].depth[j];
        }
    }
    stats_answer(state, counts);
}

static void count_queues(stats_state *state, const queue_set *queues)
{
    state->queues = (engine_queues){
        .command = {.verb = ENGINE_QUEUES, .done = queues_done, .owner = state},
        .only = queues,
        .after = "",
        .limit = queues->count,
        .memory = rpc_call_arena(state->call),
    };
    engine_post(state->service->options.engine, &state->queues.command);
}

void stats_call(service *s, const Errand__V1__GetStatsRequest *request, rpc_call *call)
{
    stats_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    state->service = s;
    state->call = call;
    if (call_queues(call) != NULL && request->whole) {
        rpc_call_fail(call,
                      status_new(STATUS_PERMISSION_DENIED, "the token is for some queues only"));
        return;
    }
    if (call_queues(call) != NULL) {
        count_queues(state, call_queues(call));
        return;
    }
    state->stats.command =
        (engine_command){.verb = ENGINE_STATS, .done = stats_done, .owner = state};
    engine_post(s->options.engine, &state->stats.command);
}

// ---- Backup ----

typedef struct backup_state {
    service *service;
    rpc_call *call;
    const char *path;
} backup_state;

static void backup_run(void *data)
{
    backup_state *state = data;
    store *kept = state->service->options.store;
    Errand__V1__BackupResponse reply = ERRAND__V1__BACKUP_RESPONSE__INIT;
    status *failure = kept->ops->backup(
        kept, state->path, background_stopping(state->service->copies), &reply.size_bytes);
    if (failure != NULL) {
        rpc_call_fail(state->call, failure);
    } else {
        rpc_call_answer(state->call, &reply.base);
    }
}

void backup_call(service *s, const Errand__V1__BackupRequest *request, rpc_call *call)
{
    backup_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    if (request->path[0] != '/') {
        rpc_call_fail(call, status_bad_field("path", "found \"%.100s\", expected an absolute path",
                                             request->path));
        return;
    }
    *state = (backup_state){.service = s, .call = call, .path = request->path};
    status *failure = background_add(s->copies, backup_run, state);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    }
}

// ---- workers ----

#define DEFAULT_PAGE 100
#define MAX_PAGE     1000

typedef struct workers_state {
    engine_workers workers;
    rpc_call *call;
    const char *after;
    size_t limit;
} workers_state;

static int compare(const void *a, const void *b)
{
    const engine_worker_info *left = a, *right = b;
    return strcmp(left->worker.id, right->worker.id);
}

static bool add_worker(engine_worker_info *info, arena *memory,
                       Errand__V1__ListWorkersResponse *reply)
{
    Google__Protobuf__Timestamp *heard = arena_alloc(memory, sizeof *heard);
    if (heard == NULL) {
        return false;
    }
    google__protobuf__timestamp__init(heard);
    time_to_timestamp(info->heard_us, heard);
    info->worker.heartbeat_time = heard;
    reply->workers[reply->n_workers++] = &info->worker;
    return true;
}

// The page of those behind the token, by id.
static bool workers_page(workers_state *state, Errand__V1__ListWorkersResponse *reply)
{
    arena *memory = rpc_call_arena(state->call);
    engine_worker_info *infos = state->workers.infos;
    reply->workers = arena_alloc(memory, (state->workers.count + 1) * sizeof *reply->workers);
    if (reply->workers == NULL) {
        return false;
    }
    qsort(infos, state->workers.count, sizeof *infos, compare);
    for (size_t i = 0; i < state->workers.count; i++) {
        if (strcmp(infos[i].worker.id, state->after) <= 0) {
            continue;
        }
        if (reply->n_workers == state->limit) {
            reply->next_page_token = reply->workers[state->limit - 1]->id;
            break;
        }
        if (!add_worker(&infos[i], memory, reply)) {
            return false;
        }
    }
    return true;
}

static void workers_done(engine_command *command)
{
    workers_state *state = command->owner;
    Errand__V1__ListWorkersResponse reply = ERRAND__V1__LIST_WORKERS_RESPONSE__INIT;
    if (command->failure != NULL) {
        rpc_call_fail(state->call, command->failure);
    } else if (!workers_page(state, &reply)) {
        answer_no_memory(state->call);
    } else {
        rpc_call_answer(state->call, &reply.base);
    }
}

void list_workers_call(service *s, const Errand__V1__ListWorkersRequest *request, rpc_call *call)
{
    uuid after;
    workers_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    status *failure = request->page_size < 0
                          ? status_bad_field("page_size", "found %d, expected 0 to %d",
                                             request->page_size, MAX_PAGE)
                          : NULL;
    if (failure == NULL && *request->page_token != '\0') {
        failure = job_id_check("page_token", request->page_token, &after);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    size_t limit = request->page_size == 0 ? DEFAULT_PAGE : (size_t) request->page_size;
    state->call = call;
    state->after = request->page_token;
    state->limit = limit < MAX_PAGE ? limit : MAX_PAGE;
    state->workers.memory = rpc_call_arena(call);
    state->workers.command =
        (engine_command){.verb = ENGINE_WORKERS, .done = workers_done, .owner = state};
    engine_post(s->options.engine, &state->workers.command);
}
