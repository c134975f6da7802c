// outcomes - an OutcomeBatch, as the engine takes it.
#include "service/internal.h"

#include "base/utf8.h"
#include "job/result.h"
#include "job/served.h"
#include "job/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ERROR_MESSAGE  4096
#define MAX_RETRY_AFTER_US (24LL * 3600 * 1000000)

status *token_read(const char *field, const ProtobufCBinaryData *bytes, engine_token *ret)
{
    if (bytes->len != ENGINE_TOKEN_BYTES) {
        return status_bad_field(field, "found %zu bytes, expected %d", bytes->len,
                                ENGINE_TOKEN_BYTES);
    }
    memcpy(ret->bytes, bytes->data, ENGINE_TOKEN_BYTES);
    return NULL;
}

// NAME or NAME=WEIGHT.
static status *served_check(const char *field, const char *served)
{
    char name[JOB_NAME_MAX + 2];
    size_t size = served_name_size(served);
    if (size >= sizeof name) {
        size = sizeof name - 1;  // still too long for a name
    }
    memcpy(name, served, size);
    name[size] = '\0';
    status *failure = job_name_check(field, name);
    if (failure == NULL && served_weight(served) == 0) {
        failure = status_bad_field(field, "found the weight \"%.20s\", expected 1 to %d",
                                   strchr(served, '=') + 1, SERVED_MAX_WEIGHT);
    }
    return failure;
}

static status *names_check(const char *field, char *const *names, size_t count,
                           status *(*check)(const char *field, const char *name))
{
    if (count > 1000) {
        return status_bad_field(field, "found %zu names, expected at most 1000", count);
    }
    status *failure = NULL;
    for (size_t i = 0; failure == NULL && i < count; i++) {
        char path[64];
        (void) snprintf(path, sizeof path, "%s[%zu]", field, i);
        failure = check(path, names[i]);
    }
    return failure;
}

status *worker_check(const Errand__V1__Worker *worker, uuid *ret)
{
    if (worker == NULL) {
        return status_bad_field("worker", "found nothing, expected a worker");
    }
    status *failure = job_id_check("worker.id", worker->id, ret);
    if (failure == NULL && uuid_is_nil(ret)) {
        failure = status_bad_field("worker.id", "found the nil UUID, expected one of its own");
    }
    if (failure == NULL && strlen(worker->host) > 255) {
        failure = status_bad_field("worker.host", "found %zu bytes, expected at most 255",
                                   strlen(worker->host));
    }
    if (failure == NULL && worker->concurrency < 0) {
        failure = status_bad_field("worker.concurrency", "found %d, expected 0 or more",
                                   worker->concurrency);
    }
    if (failure == NULL) {
        failure = names_check("worker.queues", worker->queues, worker->n_queues, served_check);
    }
    return failure != NULL
               ? failure
               : names_check("worker.kinds", worker->kinds, worker->n_kinds, job_name_check);
}

static status *success_read(const service *s, const Errand__V1__Result *result, arena *memory,
                            engine_outcome *ret)
{
    size_t size = errand__v1__result__get_packed_size(result);
    ret->type = ENGINE_SUCCESS;
    if (size > s->options.limits.max_result_bytes + 65536) {
        Errand__Rpc__V1__Status *error = arena_alloc(memory, sizeof *error);
        char *message = arena_alloc(memory, 128);
        if (error == NULL || message == NULL) {
            return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
        }
        errand__rpc__v1__status__init(error);
        (void) snprintf(message, 128, "the result has %zu bytes, more than %zu", size,
                        s->options.limits.max_result_bytes);
        error->code = ERRAND__RPC__V1__CODE__RESOURCE_EXHAUSTED;
        error->message = message;
        ret->type = ENGINE_FAILURE;
        ret->error = error;
        return NULL;
    }
    status *failure = job_result_check(result);
    if (failure != NULL) {
        status_prefix_fields(failure, "success.");
        return failure;
    }
    uint8_t *bytes = arena_alloc(memory, size + 1);
    if (bytes == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    ret->result = (slice){.bytes = bytes, .size = errand__v1__result__pack(result, bytes)};
    return NULL;
}

// Why an attempt failed, as it is kept: a failure is not OK, nor a code that nobody knows, and each
// attempt's message stays with the job.
static Errand__Rpc__V1__Status *error_read(const Errand__Rpc__V1__Status *told, arena *memory)
{
    Errand__Rpc__V1__Status *error = arena_alloc(memory, sizeof *error);
    if (error == NULL) {
        return NULL;
    }
    errand__rpc__v1__status__init(error);
    error->code = ERRAND__RPC__V1__CODE__UNKNOWN;
    if (told == NULL) {
        return error;
    }
    if (told->code > ERRAND__RPC__V1__CODE__OK &&
        told->code <= ERRAND__RPC__V1__CODE__UNAUTHENTICATED) {
        error->code = told->code;
    }
    size_t size = strlen(told->message);
    if (size > MAX_ERROR_MESSAGE) {
        size = utf8_valid_size(told->message, MAX_ERROR_MESSAGE);
    }
    char *message = arena_zalloc(memory, size + 1);
    if (message == NULL) {
        return NULL;
    }
    memcpy(message, told->message, size);
    error->message = message;
    return error;
}

static status *failure_read(const Errand__V1__Failure *failure, arena *memory, engine_outcome *ret)
{
    int64_t retry_after_us = 0;
    if (failure->retry_after != NULL &&
        (!time_from_duration(failure->retry_after, &retry_after_us) || retry_after_us < 0)) {
        char found[TIME_SHOWN_SIZE];
        return status_bad_field("failure.retry_after", "found %s, expected 0s or more",
                                time_show_duration(failure->retry_after, found));
    }
    ret->type = ENGINE_FAILURE;
    ret->error = error_read(failure->status, memory);
    if (ret->error == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    ret->retryable = failure->retryable;
    ret->retry_after_us = retry_after_us < MAX_RETRY_AFTER_US ? retry_after_us : MAX_RETRY_AFTER_US;
    return NULL;
}

static status *outcome_read(const service *s, const Errand__V1__Outcome *outcome, arena *memory,
                            engine_outcome *ret)
{
    status *failure = job_id_check("job_id", outcome->job_id, &ret->ref.id);
    if (failure == NULL) {
        failure = token_read("token", &outcome->token, &ret->ref.token);
    }
    if (failure != NULL) {
        return failure;
    }
    switch (outcome->outcome_case) {
    case ERRAND__V1__OUTCOME__OUTCOME_SUCCESS:
        return success_read(s, outcome->success, memory, ret);
    case ERRAND__V1__OUTCOME__OUTCOME_FAILURE:
        return failure_read(outcome->failure, memory, ret);
    case ERRAND__V1__OUTCOME__OUTCOME_RELEASED:
        ret->type = ENGINE_RELEASED;
        return NULL;
    case ERRAND__V1__OUTCOME__OUTCOME__NOT_SET:
    case _ERRAND__V1__OUTCOME__OUTCOME__CASE_IS_INT_SIZE:
        break;
    }
    return status_bad_field("outcome", "found nothing, expected success, failure or released");
}

status *outcomes_begin(const Errand__V1__OutcomeBatch *batch, engine_outcomes *ret)
{
    status *failure = worker_check(batch->worker, &ret->worker_id);
    if (failure == NULL && batch->outcome_sequence < 0) {
        failure = status_bad_field("outcome_sequence", "found %lld, expected 1 or more",
                                   (long long) batch->outcome_sequence);
    }
    ret->sequence = batch->outcome_sequence;
    return failure;
}

// ret->memory is set.
static status *batch_begin(const Errand__V1__OutcomeBatch *batch, engine_outcomes *ret,
                           engine_outcome **ret_outcomes)
{
    status *failure = outcomes_begin(batch, ret);
    if (failure != NULL) {
        return failure;
    }
    *ret_outcomes = arena_zalloc(ret->memory, (batch->n_outcomes + 1) * sizeof **ret_outcomes);
    ret->outcomes = *ret_outcomes;
    return *ret_outcomes != NULL ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *prefix_outcome(status *failure, size_t index)
{
    char prefix[40];
    (void) snprintf(prefix, sizeof prefix, "outcomes[%zu].", index);
    status_prefix_fields(failure, prefix);
    return failure;
}

void outcomes_scope(const service *s, const access_grant *grant, engine_outcomes *o,
                    engine_outcome *outcomes)
{
    worker_scope(grant, &o->worker_id);
    for (size_t i = 0; i < o->count; i++) {
        token_mask(s, grant, &outcomes[i].ref.id, outcomes[i].ref.token.bytes);
    }
}

status *outcomes_read(const service *s, const access_grant *grant,
                      const Errand__V1__OutcomeBatch *batch, engine_outcomes *ret)
{
    engine_outcome *outcomes;
    status *failure = batch_begin(batch, ret, &outcomes);
    if (failure != NULL) {
        return failure;
    }
    for (; ret->count < batch->n_outcomes; ret->count++) {
        failure = outcome_read(s, batch->outcomes[ret->count], ret->memory, &outcomes[ret->count]);
        if (failure != NULL) {
            return prefix_outcome(failure, ret->count);
        }
    }
    outcomes_scope(s, grant, ret, outcomes);
    return NULL;
}

// An outcome that can not be read, as a failed attempt. False when it names no lease, or when
// memory is short: the lease will run out.
static bool refused_read(const Errand__V1__Outcome *outcome, const status *why, arena *memory,
                         engine_outcome *ret)
{
    AUTO(status) id = job_id_check("job_id", outcome->job_id, &ret->ref.id);
    AUTO(status) token = token_read("token", &outcome->token, &ret->ref.token);
    Errand__Rpc__V1__Status *error = arena_alloc(memory, sizeof *error);
    char *message = arena_strdup(memory, why->message);
    if (id != NULL || token != NULL || error == NULL || message == NULL) {
        return false;
    }
    errand__rpc__v1__status__init(error);
    error->code = (Errand__Rpc__V1__Code) why->code;
    error->message = message;
    ret->type = ENGINE_FAILURE;
    ret->error = error;
    ret->retryable = true;
    ret->retry_after_us = 0;
    ret->refused = why->code;
    return true;
}

status *outcomes_take(const service *s, const access_grant *grant,
                      const Errand__V1__OutcomeBatch *batch, const status *why,
                      engine_outcomes *ret)
{
    engine_outcome *outcomes;
    arena *memory = ret->memory;
    status *failure = batch_begin(batch, ret, &outcomes);
    for (size_t i = 0; failure == NULL && i < batch->n_outcomes; i++) {
        const Errand__V1__Outcome *outcome = batch->outcomes[i];
        engine_outcome *next = &outcomes[ret->count];
        bool spoiled =
            why != NULL && outcome->outcome_case == ERRAND__V1__OUTCOME__OUTCOME__NOT_SET;
        AUTO(status) own = spoiled ? NULL : outcome_read(s, outcome, memory, next);
        const status *problem = spoiled ? why : own;
        ret->count += problem == NULL || refused_read(outcome, problem, memory, next) ? 1 : 0;
    }
    if (failure == NULL) {
        outcomes_scope(s, grant, ret, outcomes);
    }
    return failure;
}

Errand__V1__Rejection **rejections_write(const engine_rejection *rejected, size_t count,
                                         arena *memory)
{
    Errand__V1__Rejection **list = arena_alloc(memory, (count + 1) * sizeof *list);
    Errand__V1__Rejection *all = arena_alloc(memory, (count + 1) * sizeof *all);
    Errand__Rpc__V1__Status *states = arena_alloc(memory, (count + 1) * sizeof *states);
    char(*ids)[UUID_TEXT_SIZE] = arena_alloc(memory, (count + 1) * sizeof *ids);
    if (list == NULL || all == NULL || states == NULL || ids == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        errand__v1__rejection__init(&all[i]);
        errand__rpc__v1__status__init(&states[i]);
        states[i].code = (Errand__Rpc__V1__Code) rejected[i].code;
        states[i].message = arena_strdup(memory, rejected[i].message);
        all[i].job_id = uuid_format(&rejected[i].ref.id, ids[i]);
        all[i].token.len = ENGINE_TOKEN_BYTES;
        all[i].token.data = arena_copy(memory, rejected[i].ref.token.bytes, ENGINE_TOKEN_BYTES);
        all[i].status = &states[i];
        list[i] = &all[i];
        if (states[i].message == NULL || all[i].token.data == NULL) {
            return NULL;
        }
    }
    return list;
}
