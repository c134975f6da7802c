// submit - Submit and BatchSubmit: judged, encoded, and handed to the engine.
#include "service/internal.h"

#include "base/clock.h"
#include "job/view.h"

#include <stdio.h>
#include <string.h>

#define MAX_BATCH 10000

// What the server's own fields of a job, or a refusal by the engine, take in an answer: at most.
#define RESULT_BYTES 512

typedef struct submission {
    engine_submit submit;
    service *service;
    rpc_call *call;
    engine_wait wait;
    int64_t wait_until_us;
    Errand__V1__Job **jobs;  // of the request
    size_t *places;          // of a batch: index of each engine job in the request
    Errand__V1__BatchSubmitResponse__Result **results;
    size_t result_count;
    size_t reply_bytes;  // of a batch: what its answer will take, about and at most
} submission;

static bool secret_known(const service *s, const Errand__V1__Job *job)
{
    const char *name = job->callback != NULL ? job->callback->secret_name : "";
    for (size_t i = 0; i < s->options.secret_count; i++) {
        if (strcmp(s->options.secrets[i].name, name) == 0) {
            return true;
        }
    }
    return name[0] == '\0';
}

static void choose_id(const Errand__V1__Job *job, const rpc_call *call, uint64_t index,
                      int64_t now_us, uuid *ret)
{
    const char *request_id = rpc_call_request_id(call);
    if (job->id[0] != '\0') {
        (void) uuid_parse(job->id, ret);
    } else if (request_id != NULL && request_id[0] != '\0') {
        *ret = uuid_derive(rpc_call_caller(call), request_id, index);
    } else {
        *ret = uuid_new_v7(now_us);
    }
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

// What ties it to others, and its labels, as the engine takes them.
static status *prepare_ties(const Errand__V1__Job *job, arena *memory, engine_new_job *ret)
{
    uuid *after = arena_alloc(memory, (job->n_after + 1) * sizeof *after);
    store_label *labels = arena_alloc(memory, (job->n_labels + 1) * sizeof *labels);
    if (after == NULL || labels == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < job->n_after; i++) {
        (void) uuid_parse(job->after[i], &after[i]);
    }
    for (size_t i = 0; i < job->n_labels; i++) {
        labels[i] = (store_label){.key = job->labels[i]->key, .value = job->labels[i]->value};
    }
    ret->after = after;
    ret->labels = labels;
    ret->label_count = job->n_labels;
    return NULL;
}

static status *prepare(service *s, const Errand__V1__Job *job, rpc_call *call, uint64_t index,
                       engine_new_job *ret)
{
    uint8_t *hash = arena_alloc(rpc_call_arena(call), JOB_HASH_BYTES);
    int64_t now_us = clock_wall_us(clock_system());
    if (hash == NULL) {
        return no_memory();
    }
    status *failure = job_spec_check(job, &s->options.limits);
    if (failure == NULL && !secret_known(s, job)) {
        failure =
            status_bad_field("callback.secret_name", "found \"%s\", expected a configured name",
                             job->callback->secret_name);
    }
    if (failure == NULL) {
        failure = job_spec_encode(job, rpc_call_arena(call), &ret->spec, hash);
    }
    if (failure == NULL && job->n_after + job->n_labels > 0) {
        failure = prepare_ties(job, rpc_call_arena(call), ret);
    }
    if (failure != NULL) {
        return failure;
    }
    job_spec_row(job, now_us, &ret->row);
    ret->delay_us = job->schedule_time == NULL ? ret->row.due_us - now_us : 0;
    choose_id(job, call, index, now_us, &ret->row.id);
    ret->queue = job_spec_queue(job);
    ret->kind = job_spec_kind(job);
    ret->hash = hash;
    ret->duplicate = false;
    ret->failure = NULL;
    return NULL;
}

// ---- Submit ----

// False when the job is not there any more.
static bool answer_stored(submission *sub, const uuid *id, bool full)
{
    Errand__V1__Job *job = NULL;
    status *failure =
        view_read(&sub->service->done_readers, id, full, rpc_call_arena(sub->call), &job);
    if (status_code_of(failure) == STATUS_NOT_FOUND) {
        status_free(failure);
        return false;
    }
    if (failure != NULL) {
        rpc_call_fail(sub->call, failure);
        return true;
    }
    job->duplicate = sub->submit.jobs[0].duplicate;
    rpc_call_answer(sub->call, &job->base);
    return true;
}

// The job as it is stored: the one of the request, or the one that has its unique key.
static status *view_made(submission *sub, const engine_new_job *made, Errand__V1__Job *own,
                         Errand__V1__Job **ret)
{
    arena *memory = rpc_call_arena(sub->call);
    status *failure = NULL;
    *ret = own;
    if (made->other) {
        failure = view_read(&sub->service->done_readers, &made->row.id, false, memory, ret);
    } else if (!job_view_fill(own, &made->row, false, memory)) {
        failure = no_memory();
    }
    if (failure == NULL) {
        (*ret)->duplicate = made->duplicate;
    }
    return failure;
}

static void answer_job(submission *sub)
{
    engine_new_job *made = &sub->submit.jobs[0];
    Errand__V1__Job *job = NULL;
    // One that was there before may have failed attempts to tell about.
    if (made->duplicate && answer_stored(sub, &made->row.id, false)) {
        return;
    }
    status *failure = view_made(sub, made, sub->jobs[0], &job);
    if (failure != NULL) {
        rpc_call_fail(sub->call, failure);
    } else {
        rpc_call_answer(sub->call, &job->base);
    }
}

static void wait_done(engine_command *command)
{
    submission *sub = command->owner;
    // The job is stored, whatever became of the wait.
    bool waited = command->failure == NULL;
    status_free(command->failure);
    if (waited && job_state_is_final(sub->wait.row.state) &&
        answer_stored(sub, &sub->wait.row.id, true)) {
        return;
    }
    if (sub->wait.row.seq != 0) {
        sub->submit.jobs[0].row = sub->wait.row;
    }
    answer_job(sub);
}

static bool wait_on(submission *sub)
{
    if (sub->wait_until_us == 0) {
        return false;
    }
    sub->wait = (engine_wait){
        .command = {.verb = ENGINE_WAIT, .done = wait_done, .owner = sub},
        .id = sub->submit.jobs[0].row.id,
        .deadline_us = sub->wait_until_us,
    };
    return wait_for(sub->service, sub->call, &sub->wait);
}

static void submit_done(engine_command *command)
{
    submission *sub = command->owner;
    status *failure = command->failure;
    engine_new_job *made = &sub->submit.jobs[0];
    if (failure == NULL) {
        failure = made->failure;
    } else {
        status_free(made->failure);
    }
    if (failure != NULL) {
        status_prefix_fields(failure, "job.");
        rpc_call_fail(sub->call, failure);
    } else if (!wait_on(sub)) {
        answer_job(sub);
    }
}

static status *submit_read(service *s, const Errand__V1__SubmitRequest *request, rpc_call *call,
                           submission *sub, engine_new_job *ret)
{
    if (request->job == NULL) {
        return status_bad_field("job", "found nothing, expected a job");
    }
    status *failure = wait_deadline(request->wait, call, &sub->wait_until_us);
    if (failure != NULL) {
        return failure;
    }
    failure = prepare(s, request->job, call, 0, ret);
    if (failure != NULL) {
        status_prefix_fields(failure, "job.");
    }
    return failure;
}

void submit_call(service *s, const Errand__V1__SubmitRequest *request, rpc_call *call)
{
    submission *sub = arena_zalloc(rpc_call_arena(call), sizeof *sub);
    engine_new_job *job = arena_zalloc(rpc_call_arena(call), sizeof *job);
    if (sub == NULL || job == NULL) {
        answer_no_memory(call);
        return;
    }
    status *failure = submit_read(s, request, call, sub, job);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    sub->service = s;
    sub->call = call;
    sub->jobs = arena_copy(rpc_call_arena(call), &request->job, sizeof(Errand__V1__Job *));
    sub->submit = (engine_submit){
        .command = {.verb = ENGINE_SUBMIT, .done = submit_done, .owner = sub},
        .jobs = job,
        .count = 1,
    };
    engine_post(s->options.engine, &sub->submit.command);
}

// ---- BatchSubmit ----

static Errand__V1__BatchSubmitResponse__Result *result_new(arena *memory)
{
    Errand__V1__BatchSubmitResponse__Result *result = arena_alloc(memory, sizeof *result);
    if (result != NULL) {
        errand__v1__batch_submit_response__result__init(result);
    }
    return result;
}

static void result_fail(Errand__V1__BatchSubmitResponse__Result *result, status *failure,
                        arena *memory)
{
    result->error = convert_status_to_proto(failure, memory);
    result->outcome_case = ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_ERROR;
    status_free(failure);
}

static void answer_batch(submission *sub)
{
    Errand__V1__BatchSubmitResponse reply = ERRAND__V1__BATCH_SUBMIT_RESPONSE__INIT;
    reply.n_results = sub->result_count;
    reply.results = sub->results;
    rpc_call_answer(sub->call, &reply.base);
}

static void prefix_job(status *failure, size_t index)
{
    char prefix[32];
    (void) snprintf(prefix, sizeof prefix, "jobs[%zu].", index);
    status_prefix_fields(failure, prefix);
}

static void prefix_index(status *failure, size_t index)
{
    char prefix[32];
    (void) snprintf(prefix, sizeof prefix, "jobs[%zu].", index);
    status_prefix_fields(failure, prefix);
}

static void result_fill(submission *sub, engine_new_job *made, size_t index)
{
    Errand__V1__BatchSubmitResponse__Result *result = sub->results[index];
    Errand__V1__Job *job = NULL;
    status *failure = made->failure;
    if (failure != NULL) {
        prefix_index(failure, index);
    } else {
        failure = view_made(sub, made, sub->jobs[index], &job);
    }
    if (failure != NULL) {
        result_fail(result, failure, rpc_call_arena(sub->call));
        return;
    }
    result->job = job;
    result->outcome_case = ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_JOB;
}

static void batch_done(engine_command *command)
{
    submission *sub = command->owner;
    for (size_t i = 0; i < sub->submit.count; i++) {
        engine_new_job *made = &sub->submit.jobs[i];
        if (command->failure != NULL) {
            status_free(made->failure);
        } else {
            if (made->failure != NULL) {
                prefix_job(made->failure, sub->places[i]);
            }
            result_fill(sub, made, sub->places[i]);
        }
    }
    if (command->failure != NULL) {
        rpc_call_fail(sub->call, command->failure);
    } else {
        answer_batch(sub);
    }
}

// The bytes of a job's input that no answer to Submit repeats.
static size_t input_bytes(const Errand__V1__Job *job)
{
    switch (job->input_case) {
    case ERRAND__V1__JOB__INPUT_HTTP:
        return job->http->body.len;
    case ERRAND__V1__JOB__INPUT_EXEC:
        return job->exec->stdin.len;
    case ERRAND__V1__JOB__INPUT_DATA:
        return job->data->body.len;
    case ERRAND__V1__JOB__INPUT_ARGS:
        return google__protobuf__value__get_packed_size(job->args);
    case ERRAND__V1__JOB__INPUT__NOT_SET:
    case _ERRAND__V1__JOB__INPUT__CASE_IS_INT_SIZE:
        break;
    }
    return 0;
}

static size_t answer_bytes(const Errand__V1__Job *job, const engine_new_job *made)
{
    size_t input = input_bytes(job);
    return RESULT_BYTES + (made->spec.size > input ? made->spec.size - input : 0);
}

static bool batch_prepare(submission *sub, size_t index)
{
    arena *memory = rpc_call_arena(sub->call);
    sub->results[index] = result_new(memory);
    if (sub->results[index] == NULL) {
        return false;
    }
    status *failure = prepare(sub->service, sub->jobs[index], sub->call, index,
                              &sub->submit.jobs[sub->submit.count]);
    if (failure == NULL) {
        sub->reply_bytes += answer_bytes(sub->jobs[index], &sub->submit.jobs[sub->submit.count]);
        sub->places[sub->submit.count++] = index;
        return true;
    }
    prefix_job(failure, index);
    result_fail(sub->results[index], failure, memory);
    const Errand__Rpc__V1__Status *error = sub->results[index]->error;
    sub->reply_bytes += RESULT_BYTES;
    sub->reply_bytes += error != NULL ? errand__rpc__v1__status__get_packed_size(error) : 0;
    return true;
}

static submission *batch_new(service *s, const Errand__V1__BatchSubmitRequest *request,
                             rpc_call *call)
{
    arena *memory = rpc_call_arena(call);
    size_t count = request->n_jobs;
    submission *sub = arena_zalloc(memory, sizeof *sub);
    if (sub == NULL) {
        return NULL;
    }
    sub->service = s;
    sub->call = call;
    sub->jobs = request->jobs;
    sub->places = arena_alloc(memory, (count + 1) * sizeof *sub->places);
    sub->results = arena_alloc(memory, (count + 1) * sizeof(void *));
    sub->result_count = count;
    sub->submit.command = (engine_command){.verb = ENGINE_SUBMIT, .done = batch_done, .owner = sub};
    sub->submit.jobs = arena_zalloc(memory, (count + 1) * sizeof *sub->submit.jobs);
    return sub->places != NULL && sub->results != NULL && sub->submit.jobs != NULL ? sub : NULL;
}

// Before anything is stored: afterwards the caller would not be told.
static void refuse_batch(submission *sub)
{
    rpc_call_fail(sub->call,
                  status_new(STATUS_RESOURCE_EXHAUSTED,
                             "the answer to %zu jobs would take %zu bytes, more than a message of "
                             "at most %zu can carry: submit fewer at once",
                             sub->result_count, sub->reply_bytes,
                             sub->service->options.max_message_bytes));
}

void batch_submit_call(service *s, const Errand__V1__BatchSubmitRequest *request, rpc_call *call)
{
    if (request->n_jobs > MAX_BATCH) {
        rpc_call_fail(call, status_bad_field("jobs", "found %zu jobs, expected at most %d",
                                             request->n_jobs, MAX_BATCH));
        return;
    }
    submission *sub = batch_new(s, request, call);
    bool complete = sub != NULL;
    for (size_t i = 0; complete && i < request->n_jobs; i++) {
        complete = batch_prepare(sub, i);
    }
    if (!complete) {
        answer_no_memory(call);
    } else if (sub->reply_bytes > s->options.max_message_bytes) {
        refuse_batch(sub);
    } else if (sub->submit.count == 0) {
        answer_batch(sub);
    } else {
        engine_post(s->options.engine, &sub->submit.command);
    }
}
