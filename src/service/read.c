// read - Get, GetResult and List.
#include "service/internal.h"

#include <string.h>

#define DEFAULT_PAGE 50
#define MAX_PAGE     1000

void get_call(service *s, const Errand__V1__GetJobRequest *request, rpc_call *call)
{
    uuid id;
    Errand__V1__Job *job = NULL;
    status *failure = job_find(s, call, request->id, &id);
    if (failure == NULL && request->view > ERRAND__V1__JOB_VIEW__FULL) {
        failure = status_bad_field("view", "found %d, expected BASIC or FULL", (int) request->view);
    }
    if (failure == NULL) {
        failure = view_read(&s->readers, &id, request->view == ERRAND__V1__JOB_VIEW__FULL,
                            rpc_call_arena(call), &job);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else {
        rpc_call_answer_kept(call, &job->base);
    }
}

// ---- GetResult ----

typedef struct result_wait {
    engine_wait wait;
    service *service;
    rpc_call *call;
} result_wait;

void wait_gone(void *data, uint64_t ticket, rpc_gone_reason reason)
{
    engine_gone(data, ticket, reason == RPC_GONE_REPLACED);
}

bool wait_for(service *s, rpc_call *call, engine_wait *w)
{
    w->ticket = engine_ticket(s->options.engine);
    if (!rpc_call_park(call, wait_gone, s->options.engine, w->ticket)) {
        return false;
    }
    engine_post(s->options.engine, &w->command);
    return true;
}

static status *read_result(reader_pool *readers, const uuid *id, arena *memory, store_job *ret)
{
    return reader_get(readers, id, STORE_PART_RESULT | STORE_PART_LAST_ATTEMPT, memory, ret);
}

static status *fill_result(const store_job *stored, arena *memory,
                           Errand__V1__GetResultResponse **ret)
{
    Errand__V1__GetResultResponse *reply = arena_alloc(memory, sizeof *reply);
    char *id = arena_alloc(memory, UUID_TEXT_SIZE);
    if (reply == NULL || id == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    errand__v1__get_result_response__init(reply);
    reply->id = uuid_format(&stored->row.id, id);
    reply->state = (Errand__V1__Job__State) stored->row.state;
    *ret = reply;
    if (!job_state_is_final(stored->row.state)) {
        return NULL;
    }
    status *failure = view_result(stored->result, memory, &reply->result);
    return failure != NULL ? failure : view_last_error(stored, memory, &reply->error);
}

static void answer_result(rpc_call *call, const store_job *stored)
{
    Errand__V1__GetResultResponse *reply = NULL;
    status *failure = fill_result(stored, rpc_call_arena(call), &reply);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else {
        rpc_call_answer_kept(call, &reply->base);
    }
}

static void read_and_answer(service *s, rpc_call *call, const uuid *id)
{
    store_job stored;
    status *failure = read_result(&s->done_readers, id, rpc_call_arena(call), &stored);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else {
        answer_result(call, &stored);
    }
}

status *wait_why_ended(const service *s, status *failure)
{
    if (failure->code != STATUS_CANCELLED || !atomic_load(&s->draining)) {
        return failure;
    }
    status_free(failure);
    return status_new(STATUS_UNAVAILABLE, "the server is stopping");
}

static void result_done(engine_command *command)
{
    result_wait *w = command->owner;
    if (command->failure != NULL) {
        command->failure = wait_why_ended(w->service, command->failure);
        rpc_call_fail(w->call, command->failure);
    } else if (w->wait.has_result) {
        answer_result(w->call, &(store_job){.row = w->wait.row, .result = w->wait.result});
    } else {
        read_and_answer(w->service, w->call, &w->wait.id);
    }
}

static bool wait_for_result(service *s, rpc_call *call, const job_row *row, int64_t deadline_us)
{
    result_wait *w = arena_zalloc(rpc_call_arena(call), sizeof *w);
    if (w == NULL) {
        return false;
    }
    w->service = s;
    w->call = call;
    w->wait.command = (engine_command){.verb = ENGINE_WAIT, .done = result_done, .owner = w};
    w->wait.id = row->id;
    w->wait.row = *row;
    w->wait.deadline_us = deadline_us;
    return wait_for(s, call, &w->wait);
}

void get_result_call(service *s, const Errand__V1__GetResultRequest *request, rpc_call *call)
{
    uuid id;
    int64_t deadline_us = 0;
    store_job stored;
    status *failure = job_find(s, call, request->id, &id);
    if (failure == NULL) {
        failure = wait_deadline(request->wait, call, &deadline_us);
    }
    if (failure == NULL) {
        failure = read_result(&s->readers, &id, rpc_call_arena(call), &stored);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else if (deadline_us == 0 || job_state_is_final(stored.row.state) ||
               !wait_for_result(s, call, &stored.row, deadline_us)) {
        answer_result(call, &stored);
    }
}

// ---- List ----

static status *read_label(const char *label, arena *memory, store_filter *ret)
{
    const char *colon = strchr(label, ':');
    if (colon == NULL || colon == label) {
        return status_bad_field("label", "found \"%.100s\", expected key:value", label);
    }
    char *key = arena_strdup(memory, label);
    if (key == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    key[colon - label] = '\0';
    ret->label_key = key;
    ret->label_value = colon + 1;
    return NULL;
}

status *list_filter(const char *queue, const char *kind, Errand__V1__Job__State state,
                    const char *label, arena *memory, store_filter *ret)
{
    if (state < 0 || state >= JOB_STATE_COUNT) {
        return status_bad_field("state", "found %d, expected a state", (int) state);
    }
    *ret = (store_filter){
        .queue = *queue != '\0' ? queue : NULL,
        .kind = *kind != '\0' ? kind : NULL,
        .state = (job_state) state,
    };
    status *failure = ret->queue != NULL ? job_name_check("queue", queue) : NULL;
    if (failure == NULL && ret->kind != NULL) {
        failure = job_name_check("kind", kind);
    }
    if (failure == NULL && *label != '\0') {
        failure = read_label(label, memory, ret);
    }
    return failure;
}

static status *check_list(const Errand__V1__ListJobsRequest *request, arena *memory,
                          store_filter *ret)
{
    if (request->page_size < 0) {
        return status_bad_field("page_size", "found %d, expected 0 to %d", request->page_size,
                                MAX_PAGE);
    }
    return list_filter(request->queue, request->kind, request->state, request->label, memory, ret);
}

static void answer_list(rpc_call *call, store_job *stored, size_t count, char *next)
{
    arena *memory = rpc_call_arena(call);
    Errand__V1__ListJobsResponse reply = ERRAND__V1__LIST_JOBS_RESPONSE__INIT;
    reply.jobs = arena_alloc(memory, (count + 1) * sizeof *reply.jobs);
    status *failure =
        reply.jobs == NULL ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory") : NULL;
    for (size_t i = 0; failure == NULL && i < count; i++) {
        if (!job_row_is_gone(&stored[i].row)) {
            failure = view_job(&stored[i], false, memory, &reply.jobs[reply.n_jobs++]);
        }
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    reply.next_page_token = next;
    rpc_call_answer(call, &reply.base);
}

static size_t page_size(const Errand__V1__ListJobsRequest *request)
{
    if (request->page_size == 0) {
        return DEFAULT_PAGE;
    }
    return request->page_size < MAX_PAGE ? (size_t) request->page_size : MAX_PAGE;
}

void list_call(service *s, const Errand__V1__ListJobsRequest *request, rpc_call *call)
{
    int64_t before = 0, next = 0;
    size_t count = 0;
    store_job *stored = NULL;
    store_filter filter;
    char token[PAGE_TOKEN_SIZE] = "";
    status *failure = check_list(request, rpc_call_arena(call), &filter);
    if (failure == NULL && *request->page_token != '\0') {
        failure = page_token_read(&s->page_key, &filter, request->page_token, &before);
    }
    if (failure == NULL && filter.queue != NULL) {
        failure = queue_check(call, filter.queue);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    filter.queues = call_queues(call);
    store_reader *reader = reader_take(&s->readers);
    failure = reader->ops->list(reader, &filter, before, page_size(request),
                                STORE_PART_SPEC | STORE_PART_ATTEMPTS | STORE_PART_PROGRESS,
                                rpc_call_arena(call), &stored, &count, &next);
    reader_return(&s->readers, reader);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    if (next != 0) {
        page_token_write(&s->page_key, &filter, next, token);
    }
    answer_list(call, stored, count, token);
}
