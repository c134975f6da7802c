// assignment - a leased job as its worker gets it.
#include "service/internal.h"

#include "base/log.h"
#include "job/time.h"
#include "job/view.h"

status *assignment_build(service *s, const engine_assignment *a, int64_t lease_us, arena *memory,
                         Errand__V1__Assignment **ret)
{
    Errand__V1__Job *job = NULL;
    Errand__V1__Assignment *assignment = arena_alloc(memory, sizeof *assignment);
    Google__Protobuf__Timestamp *expires = arena_alloc(memory, sizeof *expires);
    uint8_t *token = arena_copy(memory, a->token.bytes, ENGINE_TOKEN_BYTES);
    if (assignment == NULL || expires == NULL || token == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    status *failure = job_spec_decode(a->spec, memory, &job);
    if (failure == NULL && a->has_parent) {
        failure = event_fill(s, a, job, memory);
    }
    if (failure == NULL && !job_view_fill(job, &a->row, true, memory)) {
        failure = status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (failure != NULL) {
        return failure;
    }
    errand__v1__assignment__init(assignment);
    google__protobuf__timestamp__init(expires);
    time_to_timestamp(a->row.start_us + lease_us, expires);
    assignment->job = job;
    assignment->token = (ProtobufCBinaryData){.len = ENGINE_TOKEN_BYTES, .data = token};
    assignment->attempt = a->row.attempt;
    assignment->lease_expire_time = expires;
    *ret = assignment;
    return NULL;
}

// ---- jobs that can not be handed over ----

typedef struct refusal {
    engine_outcomes outcomes;
    engine_outcome outcome;
    arena *memory;  // of itself too
} refusal;

static void refusal_done(engine_command *command)
{
    refusal *r = command->owner;
    status_free(command->failure);  // the lease will run out
    arena_free(r->memory);
}

static refusal *refusal_new(const engine_lease *command, const engine_assignment *a,
                            const status *failure)
{
    arena *memory = arena_new(0);
    refusal *r = memory != NULL ? arena_zalloc(memory, sizeof *r) : NULL;
    Errand__Rpc__V1__Status *error = r != NULL ? convert_status_to_proto(failure, memory) : NULL;
    if (error == NULL) {
        arena_free(memory);
        return NULL;
    }
    r->memory = memory;
    r->outcome = (engine_outcome){
        .ref = {.id = a->row.id, .token = a->token},
        .type = ENGINE_FAILURE,
        .error = error,
        .retryable = failure->code != STATUS_DATA_LOSS,
    };
    r->outcomes = (engine_outcomes){
        .command = {.verb = ENGINE_OUTCOMES, .done = refusal_done, .owner = r},
        .worker_id = command->worker_id,
        .outcomes = &r->outcome,
        .count = 1,
        .memory = memory,
        .report = true,
    };
    return r;
}

void assignment_refuse(service *s, const engine_lease *command, const engine_assignment *a,
                       status *failure)
{
    char id[UUID_TEXT_SIZE];
    log_error("job_not_handed_over", LOG_STR("job", uuid_format(&a->row.id, id)),
              LOG_STATUS(failure));
    refusal *r = refusal_new(command, a, failure);
    if (r != NULL) {
        engine_post(s->options.engine, &r->outcomes.command);
    }
    status_free(failure);
}
