// queue_calls - what the methods of QueueService do.
#include "service/internal.h"

#include "job/spec.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_PAGE 100
#define MAX_PAGE     1000

static bool add_depth(Errand__V1__Queue *queue, int state, int64_t count, arena *memory)
{
    Errand__V1__Queue__DepthEntry *entry = arena_alloc(memory, sizeof *entry);
    char *name = arena_strdup(memory, job_state_name((job_state) state));
    if (entry == NULL || name == NULL) {
        return false;
    }
    errand__v1__queue__depth_entry__init(entry);
    entry->key = name;
    entry->value = count;
    queue->depth[queue->n_depth++] = entry;
    return true;
}

Errand__V1__Queue *queue_write(const engine_queue_info *info, arena *memory)
{
    Errand__V1__Queue *queue = arena_alloc(memory, sizeof *queue);
    if (queue == NULL) {
        return NULL;
    }
    errand__v1__queue__init(queue);
    queue->name = arena_strdup(memory, info->name);
    queue->depth = arena_alloc(memory, JOB_STATE_COUNT * sizeof(Errand__V1__Queue__DepthEntry *));
    if (queue->name == NULL || queue->depth == NULL ||
        !queue_settings_fill(&info->settings, memory, queue)) {
        return NULL;
    }
    for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++) {
        if (info->depth[state] > 0 && !add_depth(queue, state, info->depth[state], memory)) {
            return NULL;
        }
    }
    return queue;
}

// ---- one queue ----

typedef struct queue_state {
    engine_queue queue;
    rpc_call *call;
    Errand__V1__Queue wanted;
} queue_state;

static void queue_done(engine_command *command)
{
    queue_state *state = command->owner;
    if (command->failure != NULL) {
        status_prefix_fields(command->failure, "queue.");
        rpc_call_fail(state->call, command->failure);
        return;
    }
    state->queue.info.name = state->queue.name;
    Errand__V1__Queue *queue = queue_write(&state->queue.info, rpc_call_arena(state->call));
    if (queue == NULL) {
        answer_no_memory(state->call);
    } else {
        rpc_call_answer(state->call, &queue->base);
    }
}

static void queue_call(service *s, const char *field, const char *name,
                       const Errand__V1__Queue *wanted, unsigned mask, rpc_call *call)
{
    queue_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    status *failure = job_name_check(field, name);
    if (failure == NULL) {
        failure = queue_check(call, name);
    }
    if (state == NULL || failure != NULL) {
        rpc_call_fail(call, failure != NULL
                                ? failure
                                : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
        return;
    }
    state->call = call;
    state->queue.command =
        (engine_command){.verb = ENGINE_QUEUE, .done = queue_done, .owner = state};
    state->queue.name = name;
    state->queue.mask = mask;
    if (wanted != NULL) {
        state->wanted = *wanted;
        state->queue.wanted = &state->wanted;
    }
    engine_post(s->options.engine, &state->queue.command);
}

void get_queue_call(service *s, const Errand__V1__GetQueueRequest *request, rpc_call *call)
{
    queue_call(s, "queue", request->queue, NULL, 0, call);
}

static void set_paused(service *s, const char *name, bool paused, rpc_call *call)
{
    Errand__V1__Queue wanted = ERRAND__V1__QUEUE__INIT;
    wanted.paused = paused;
    queue_call(s, "queue", name, &wanted, QUEUE_PAUSED, call);
}

void pause_queue_call(service *s, const Errand__V1__PauseQueueRequest *request, rpc_call *call)
{
    set_paused(s, request->queue, true, call);
}

void resume_queue_call(service *s, const Errand__V1__ResumeQueueRequest *request, rpc_call *call)
{
    set_paused(s, request->queue, false, call);
}

static status *read_mask(const Google__Protobuf__FieldMask *mask, unsigned *ret)
{
    *ret = 0;
    if (mask == NULL || mask->n_paths == 0) {
        return status_bad_field("update_mask", "found no path, expected the settings to change");
    }
    for (size_t i = 0; i < mask->n_paths; i++) {
        unsigned field = queue_field_of(mask->paths[i]);
        if (field == 0) {
            return status_bad_field("update_mask",
                                    "found \"%.64s\", expected rate_limit, max_running, "
                                    "max_per_key, max_depth, aging, paused or hold_on_retry_after",
                                    mask->paths[i]);
        }
        *ret |= field;
    }
    return NULL;
}

void update_queue_call(service *s, const Errand__V1__UpdateQueueRequest *request, rpc_call *call)
{
    unsigned mask = 0;
    status *failure = request->queue == NULL ? status_bad_field("queue", "found nothing, expected "
                                                                         "the settings of a queue")
                                             : read_mask(request->update_mask, &mask);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    queue_call(s, "queue.name", request->queue->name, request->queue, mask, call);
}

// ---- from the configuration ----

typedef struct set_state {
    engine_queue queue;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
} set_state;

static void set_done(engine_command *command)
{
    set_state *state = command->owner;
    (void) pthread_mutex_lock(&state->lock);
    state->done = true;
    (void) pthread_cond_signal(&state->changed);
    (void) pthread_mutex_unlock(&state->lock);
}

static status *set_and_wait(service *s, set_state *state)
{
    (void) pthread_mutex_init(&state->lock, NULL);
    (void) pthread_cond_init(&state->changed, NULL);
    engine_post(s->options.engine, &state->queue.command);
    (void) pthread_mutex_lock(&state->lock);
    while (!state->done) {
        (void) pthread_cond_wait(&state->changed, &state->lock);
    }
    (void) pthread_mutex_unlock(&state->lock);
    (void) pthread_mutex_destroy(&state->lock);
    (void) pthread_cond_destroy(&state->changed);
    return state->queue.command.failure;
}

status *service_set_queue(service *s, const char *name, const queue_settings *settings,
                          unsigned mask)
{
    Errand__V1__Queue wanted = ERRAND__V1__QUEUE__INIT;
    set_state state = {.queue = {.name = name, .wanted = &wanted, .mask = mask}};
    AUTO(arena) memory = arena_new(0);
    status *failure = job_name_check("queues", name);
    if (failure != NULL) {
        return failure;
    }
    if (memory == NULL || !queue_settings_fill(settings, memory, &wanted)) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    state.queue.command = (engine_command){.verb = ENGINE_QUEUE, .done = set_done, .owner = &state};
    return set_and_wait(s, &state);
}

// ---- all ----

typedef struct queues_state {
    engine_queues queues;
    rpc_call *call;
} queues_state;

static void queues_done(engine_command *command)
{
    queues_state *state = command->owner;
    arena *memory = rpc_call_arena(state->call);
    engine_queues *queues = &state->queues;
    Errand__V1__ListQueuesResponse reply = ERRAND__V1__LIST_QUEUES_RESPONSE__INIT;
    if (command->failure != NULL) {
        rpc_call_fail(state->call, command->failure);
        return;
    }
    reply.queues = arena_alloc(memory, (queues->count + 1) * sizeof *reply.queues);
    if (reply.queues == NULL) {
        answer_no_memory(state->call);
        return;
    }
    for (size_t i = 0; i < queues->count; i++) {
        reply.queues[i] = queue_write(&queues->infos[i], memory);
        if (reply.queues[i] == NULL) {
            answer_no_memory(state->call);
            return;
        }
        reply.n_queues = i + 1;
    }
    if (queues->more) {
        reply.next_page_token = reply.queues[queues->count - 1]->name;
    }
    rpc_call_answer(state->call, &reply.base);
}

void list_queues_call(service *s, const Errand__V1__ListQueuesRequest *request, rpc_call *call)
{
    queues_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    status *failure = request->page_size < 0
                          ? status_bad_field("page_size", "found %d, expected 0 to %d",
                                             request->page_size, MAX_PAGE)
                          : NULL;
    // A page token is the name of the last queue of the page before.
    if (failure == NULL && *request->page_token != '\0') {
        failure = job_name_check("page_token", request->page_token);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    size_t limit = request->page_size == 0 ? DEFAULT_PAGE : (size_t) request->page_size;
    state->call = call;
    state->queues.command =
        (engine_command){.verb = ENGINE_QUEUES, .done = queues_done, .owner = state};
    state->queues.only = call_queues(call);
    state->queues.after = request->page_token;
    state->queues.limit = limit < MAX_PAGE ? limit : MAX_PAGE;
    state->queues.memory = rpc_call_arena(call);
    engine_post(s->options.engine, &state->queues.command);
}

// ---- purge ----

static void answer_purged(rpc_call *call, int64_t count)
{
    Errand__V1__PurgeQueueResponse reply = ERRAND__V1__PURGE_QUEUE_RESPONSE__INIT;
    reply.count = count;
    rpc_call_answer(call, &reply.base);
}

// Deletes what waits. What runs goes on, what has ended is kept for those who ask for it.
void purge_queue_call(service *s, const Errand__V1__PurgeQueueRequest *request, rpc_call *call)
{
    const store_filter filter = {.queue = request->queue};
    const unsigned waiting = 1u << JOB_BLOCKED | 1u << JOB_SCHEDULED | 1u << JOB_READY;
    status *failure = job_name_check("queue", request->queue);
    if (failure == NULL) {
        failure = queue_check(call, request->queue);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else {
        many_start(s, call, ENGINE_DELETE, &filter, waiting, answer_purged);
    }
}
