// assignment - a leased job as its worker gets it.
#include "service/internal.h"

#include "base/log.h"
#include "job/time.h"
#include "job/view.h"

// What an answer takes beside what it carries, and what the server adds to a job: at most.
#define REPLY_BYTES 4096
#define OWN_BYTES   4096

size_t assignment_room(const service *s)
{
    return s->options.max_message_bytes - REPLY_BYTES;
}

// A small job is not measured.
static status *check_size(const service *s, const engine_assignment *a,
                          const Errand__V1__Assignment *assignment)
{
    if (!a->has_parent && a->spec.size + OWN_BYTES <= assignment_room(s)) {
        return NULL;
    }
    size_t size = errand__v1__assignment__get_packed_size(assignment);
    if (size <= assignment_room(s)) {
        return NULL;
    }
    return status_new(STATUS_RESOURCE_EXHAUSTED,
                      "the job takes %zu bytes, more than a message of at most %zu can carry", size,
                      s->options.max_message_bytes);
}

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
    failure = check_size(s, a, assignment);
    if (failure == NULL) {
        *ret = assignment;
    }
    return failure;
}

// ---- jobs that can not be handed over ----

// Such a job ends its attempt like one that the worker reports on, in a command of its own.
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

static refusal *refusal_new(const engine_lease *command, const engine_assignment *a)
{
    arena *memory = arena_new(0);
    refusal *r = memory != NULL ? arena_zalloc(memory, sizeof *r) : NULL;
    if (r == NULL) {
        arena_free(memory);
        return NULL;
    }
    r->memory = memory;
    r->outcome.ref = (engine_lease_ref){.id = a->row.id, .token = a->token};
    r->outcome.type = ENGINE_RELEASED;
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

void assignment_give_back(service *s, const engine_lease *command, const engine_assignment *a)
{
    refusal *r = refusal_new(command, a);
    if (r != NULL) {
        engine_post(s->options.engine, &r->outcomes.command);
    }
}

void assignment_refuse(service *s, const engine_lease *command, const engine_assignment *a,
                       status *failure)
{
    char id[UUID_TEXT_SIZE];
    log_error("job_not_handed_over", LOG_STR("job", uuid_format(&a->row.id, id)),
              LOG_STATUS(failure));
    refusal *r = refusal_new(command, a);
    if (r != NULL) {
        r->outcome.error = convert_status_to_proto(failure, r->memory);
        r->outcome.retryable = failure->code != STATUS_DATA_LOSS;
        if (r->outcome.error != NULL) {
            r->outcome.type = ENGINE_FAILURE;
        }
        engine_post(s->options.engine, &r->outcomes.command);
    }
    status_free(failure);
}
