// batch - BatchSubmit: each job judged alone, all stored with one write.
#include "service/submission.h"

#include "job/view.h"

#include <stdio.h>
#include <string.h>

#define MAX_BATCH 10000

// What the server's own fields of a job, or a refusal by the engine, take in an answer: at most.
#define RESULT_BYTES 512

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

// The same with the input, which costs nothing to know.
static size_t most_answer_bytes(const engine_new_job *made)
{
    return RESULT_BYTES + made->spec.size;
}

// Where it matters, the inputs are left out of what the answer was thought to take.
static void leave_inputs_out(submission *sub)
{
    for (size_t i = 0; i < sub->submit.count && !sub->is_measured; i++) {
        const engine_new_job *made = &sub->submit.jobs[i];
        sub->reply_bytes -= most_answer_bytes(made);
        sub->reply_bytes += answer_bytes(sub->jobs[sub->places[i]], made);
    }
    sub->is_measured = true;
}

// What a job takes beyond what its answer was thought to take; false when that is too much.
static bool fits(const submission *sub, const Errand__V1__Job *job, size_t expected, size_t *ret)
{
    size_t size = errand__v1__job__get_packed_size(job);
    *ret = size > expected ? size - expected : 0;
    return sub->reply_bytes + *ret <= sub->service->options.max_message_bytes;
}

// A job that was there before may be larger than the one that was sent: then it is told in short.
static void make_fit(submission *sub, size_t expected, Errand__V1__Job *job)
{
    size_t more;
    if (!fits(sub, job, expected, &more)) {
        job->n_attempts = 0;
    }
    if (!fits(sub, job, expected, &more)) {
        job->error = NULL;
        job->progress = NULL;
        job->callback = NULL;
        job->n_labels = job->n_after = 0;
        job->input_case = ERRAND__V1__JOB__INPUT__NOT_SET;
        (void) fits(sub, job, expected, &more);
    }
    sub->reply_bytes += more;
}

static void result_fill(submission *sub, engine_new_job *made, size_t index)
{
    Errand__V1__BatchSubmitResponse__Result *result = sub->results[index];
    Errand__V1__Job *job = NULL;
    size_t expected = made->duplicate ? answer_bytes(sub->jobs[index], made) : 0;
    status *failure = made->failure;
    if (failure != NULL) {
        prefix_job(failure, index);
    } else {
        failure = submission_view(sub, made, sub->jobs[index], &job);
    }
    if (failure != NULL) {
        result_fail(result, failure, rpc_call_arena(sub->call));
        return;
    }
    if (made->duplicate) {
        make_fit(sub, expected, job);
    }
    result->job = job;
    result->outcome_case = ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_JOB;
}

static bool has_duplicates(const submission *sub)
{
    size_t i = 0;
    while (i < sub->submit.count && !sub->submit.jobs[i].duplicate) {
        i++;
    }
    return i < sub->submit.count;
}

static void batch_done(engine_command *command)
{
    submission *sub = command->owner;
    if (has_duplicates(sub)) {
        leave_inputs_out(sub);
    }
    for (size_t i = 0; i < sub->submit.count; i++) {
        engine_new_job *made = &sub->submit.jobs[i];
        if (command->failure != NULL) {
            status_free(made->failure);
        } else {
            result_fill(sub, made, sub->places[i]);
        }
    }
    if (command->failure != NULL) {
        rpc_call_fail(sub->call, command->failure);
    } else {
        answer_batch(sub);
    }
}

// Jobs of a batch mostly are for one queue and of one kind. The engine, which looks at these names
// for each job, then finds them where it has just been.
static void share_names(engine_new_job *jobs, size_t index)
{
    if (index > 0 && strcmp(jobs[index].queue, jobs[index - 1].queue) == 0) {
        jobs[index].queue = jobs[index - 1].queue;
    }
    if (index > 0 && strcmp(jobs[index].kind, jobs[index - 1].kind) == 0) {
        jobs[index].kind = jobs[index - 1].kind;
    }
}

static bool batch_prepare(submission *sub, size_t index)
{
    arena *memory = rpc_call_arena(sub->call);
    sub->results[index] = result_new(memory);
    if (sub->results[index] == NULL) {
        return false;
    }
    status *failure =
        submission_prepare(sub, sub->jobs[index], index, &sub->submit.jobs[sub->submit.count]);
    if (failure == NULL) {
        share_names(sub->submit.jobs, sub->submit.count);
        sub->reply_bytes += most_answer_bytes(&sub->submit.jobs[sub->submit.count]);
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
    submission *sub = submission_new(s, call);
    if (sub == NULL) {
        return NULL;
    }
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
    if (sub != NULL && sub->reply_bytes > s->options.max_message_bytes) {
        leave_inputs_out(sub);
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
