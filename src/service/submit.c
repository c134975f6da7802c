// submit - Submit: judged, encoded, and handed to the engine.
#include "service/submission.h"

#include "base/clock.h"
#include "base/trace.h"
#include "job/view.h"

#include <stdio.h>
#include <string.h>

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

static const uuid_source *ids_of(submission *sub, const char *request_id)
{
    if (!sub->has_ids) {
        uuid_source_init(rpc_call_caller(sub->call), request_id, &sub->ids);
        sub->has_ids = true;
    }
    return &sub->ids;
}

static void choose_id(submission *sub, const Errand__V1__Job *job, uint64_t index, int64_t now_us,
                      uuid *ret)
{
    const char *request_id = rpc_call_request_id(sub->call);
    if (job->id[0] != '\0') {
        (void) uuid_parse(job->id, ret);
    } else if (request_id != NULL && request_id[0] != '\0') {
        *ret = uuid_derive_from(ids_of(sub, request_id), index);
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

// The job belongs to the trace of the call that brings it.
static status *take_trace(Errand__V1__Job *job, rpc_call *call, engine_new_job *ret)
{
    const char *parent = rpc_call_metadata(call, "traceparent");
    if (!trace_parent_is_valid(parent)) {
        return NULL;
    }
    job->traceparent = (char *) (uintptr_t) parent;  // the field lacks const
    return job_spec_encode_trace(job, rpc_call_arena(call), &ret->spec);
}

static status *check_secret(const service *s, const Errand__V1__Job *job)
{
    if (secret_known(s, job)) {
        return NULL;
    }
    return status_bad_field("callback.secret_name", "found \"%s\", expected a configured name",
                            job->callback->secret_name);
}

// Judged, encoded and hashed.
static status *prepare_spec(submission *sub, Errand__V1__Job *job, engine_new_job *ret)
{
    const service *s = sub->service;
    arena *memory = rpc_call_arena(sub->call);
    uint8_t *hash = arena_alloc(memory, JOB_HASH_BYTES);
    if (hash == NULL) {
        return no_memory();
    }
    status *failure = job_spec_encode_within(job, &s->options.limits, memory, &ret->spec, hash);
    if (failure == NULL) {
        failure = job_spec_check_fields(job, &s->options.limits);
    }
    if (failure == NULL) {
        failure = queue_check(sub->call, job_spec_queue(job));
    }
    if (failure == NULL) {
        failure = check_secret(s, job);
    }
    ret->hash = hash;
    return failure != NULL ? failure : take_trace(job, sub->call, ret);
}

status *submission_prepare(submission *sub, Errand__V1__Job *job, uint64_t index,
                           engine_new_job *ret)
{
    status *failure = prepare_spec(sub, job, ret);
    if (failure == NULL && job->n_after + job->n_labels > 0) {
        failure = prepare_ties(job, rpc_call_arena(sub->call), ret);
    }
    if (failure != NULL) {
        return failure;
    }
    job_spec_row(job, sub->now_us, &ret->row);
    ret->delay_us = job->schedule_time == NULL ? ret->row.due_us - sub->now_us : 0;
    choose_id(sub, job, index, sub->now_us, &ret->row.id);
    ret->queue = job_spec_queue(job);
    ret->kind = job_spec_kind(job);
    ret->visible = call_queues(sub->call);
    ret->duplicate = false;
    ret->failure = NULL;
    return NULL;
}

submission *submission_new(service *s, rpc_call *call)
{
    submission *sub = arena_zalloc(rpc_call_arena(call), sizeof *sub);
    if (sub != NULL) {
        sub->service = s;
        sub->call = call;
        sub->now_us = clock_wall_us(clock_system());
    }
    return sub;
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
    rpc_call_answer_kept(sub->call, &job->base);
    return true;
}

#define DONE_AT_ONCE 3  // the revision

// What is stored of a job that was only ever submitted, leased and done is known here: each change
// that could be seen, such as progress, counts in its revision.
static bool is_known(const submission *sub)
{
    const engine_wait *w = &sub->wait;
    return w->has_result && !sub->submit.jobs[0].duplicate && w->row.attempt == 1 &&
           w->row.revision == DONE_AT_ONCE;
}

static void answer_known(submission *sub)
{
    Errand__V1__Job *job = NULL;
    store_job stored = {
        .row = sub->wait.row, .spec = sub->submit.jobs[0].spec, .result = sub->wait.result};
    status *failure = view_job(&stored, true, rpc_call_arena(sub->call), &job);
    if (failure != NULL) {
        rpc_call_fail(sub->call, failure);
    } else {
        rpc_call_answer_kept(sub->call, &job->base);
    }
}

// One that was there before may have progress, failed attempts or another end to tell about.
static bool has_history(const job_row *row)
{
    return row->attempt > 0 || job_state_is_final(row->state);
}

status *submission_view(submission *sub, const engine_new_job *made, Errand__V1__Job *own,
                        Errand__V1__Job **ret)
{
    arena *memory = rpc_call_arena(sub->call);
    status *failure = NULL;
    bool stored = made->other || (made->duplicate && has_history(&made->row));
    *ret = own;
    if (stored) {
        failure = view_read(&sub->service->done_readers, &made->row.id, false, memory, ret);
    }
    if (status_code_of(failure) == STATUS_NOT_FOUND && !made->other) {
        status_free(failure);  // it has been purged since
        failure = NULL;
        stored = false;
    }
    if (!stored && !job_view_fill(own, &made->row, false, memory)) {
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
    // One that was there before, or was waited for, may have failed attempts to tell about.
    if ((made->duplicate || has_history(&made->row)) && answer_stored(sub, &made->row.id, false)) {
        return;
    }
    status *failure = submission_view(sub, made, sub->jobs[0], &job);
    if (failure != NULL) {
        rpc_call_fail(sub->call, failure);
    } else {
        rpc_call_answer_kept(sub->call, &job->base);
    }
}

static void wait_done(engine_command *command)
{
    submission *sub = command->owner;
    // The job is stored, whatever became of the wait.
    bool waited = command->failure == NULL;
    status_free(command->failure);
    if (waited && is_known(sub)) {
        answer_known(sub);
        return;
    }
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
        .row = sub->submit.jobs[0].row,
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

static status *submit_read(submission *sub, const Errand__V1__SubmitRequest *request,
                           engine_new_job *ret)
{
    if (request->job == NULL) {
        return status_bad_field("job", "found nothing, expected a job");
    }
    status *failure = wait_deadline(request->wait, sub->call, &sub->wait_until_us);
    if (failure != NULL) {
        return failure;
    }
    failure = submission_prepare(sub, request->job, 0, ret);
    if (failure != NULL) {
        status_prefix_fields(failure, "job.");
    }
    return failure;
}

void submit_call(service *s, const Errand__V1__SubmitRequest *request, rpc_call *call)
{
    submission *sub = submission_new(s, call);
    engine_new_job *job = arena_zalloc(rpc_call_arena(call), sizeof *job);
    if (sub == NULL || job == NULL) {
        answer_no_memory(call);
        return;
    }
    status *failure = submit_read(sub, request, job);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    sub->jobs = arena_copy(rpc_call_arena(call), &request->job, sizeof(Errand__V1__Job *));
    sub->submit = (engine_submit){
        .command = {.verb = ENGINE_SUBMIT, .done = submit_done, .owner = sub},
        .jobs = job,
        .count = 1,
    };
    engine_post(s->options.engine, &sub->submit.command);
}
