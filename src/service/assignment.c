// assignment - leased jobs as their worker gets them.
#include "service/internal.h"

#include "base/log.h"
#include "job/time.h"
#include "job/view.h"
#include "rpc/wire.h"

// What an answer takes beside what it carries, and what the server adds to a job: at most.
#define REPLY_BYTES 4096
#define OWN_BYTES   4096

// Tag and length of an assignment in its answer, and what an answer always has: so that the largest
// assignment fits alone.
#define ASSIGNMENT_HEAD_BYTES 8
#define LEASE_HEAD_BYTES      256

#define LEASE_ASSIGNMENTS 1  // the field of a LeaseResponse

// What an answer can carry.
static size_t most_bytes(const service *s)
{
    return s->options.max_message_bytes - REPLY_BYTES;
}

// ---- one job ----

// A worker refuses an answer as a whole when one job of it can not be read.
static status *check_spec(slice spec)
{
    status *failure = wire_check(&errand__v1__job__descriptor, spec.bytes, spec.size);
    if (status_code_of(failure) != STATUS_INVALID_ARGUMENT) {
        return failure;
    }
    status_free(failure);
    return status_new(STATUS_DATA_LOSS, "the stored input of a job can not be decoded");
}

static status *check_size(const service *s, size_t size)
{
    if (size <= most_bytes(s)) {
        return NULL;
    }
    return status_new(STATUS_RESOURCE_EXHAUSTED,
                      "the job takes %zu bytes, more than a message of at most %zu can carry", size,
                      s->options.max_message_bytes);
}

static status *build(service *s, const engine_assignment *a, const engine_token *token,
                     arena *memory, Errand__V1__Assignment **ret)
{
    Errand__V1__Job *job = NULL;
    Errand__V1__Assignment *assignment = arena_alloc(memory, sizeof *assignment);
    Google__Protobuf__Timestamp *expires = arena_alloc(memory, sizeof *expires);
    uint8_t *own = arena_copy(memory, token->bytes, ENGINE_TOKEN_BYTES);
    if (assignment == NULL || expires == NULL || own == NULL) {
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
    time_to_timestamp(a->row.start_us + s->options.lease_us, expires);
    assignment->job = job;
    assignment->token = (ProtobufCBinaryData){.len = ENGINE_TOKEN_BYTES, .data = own};
    assignment->attempt = a->row.attempt;
    assignment->lease_expire_time = expires;
    *ret = assignment;
    return NULL;
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

static void give_back(service *s, const engine_lease *command, const engine_assignment *a)
{
    refusal *r = refusal_new(command, a);
    if (r != NULL) {
        engine_post(s->options.engine, &r->outcomes.command);
    }
}

static void refuse(service *s, const engine_lease *command, const engine_assignment *a,
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

// ---- all of an answer ----

// An answer that is being filled.
typedef struct filling {
    service *service;
    rpc_call *call;
    const engine_lease *lease;
    Errand__V1__LeaseResponse *reply;
    size_t room;
} filling;

static bool take_room(filling *f, size_t size)
{
    size += ASSIGNMENT_HEAD_BYTES;
    if (size > f->room) {
        return false;
    }
    f->room -= size;
    return true;
}

// protobuf-c writes fields that it does not know as they are.
static void add_encoded(Errand__V1__LeaseResponse *reply, slice assignment)
{
    reply->base.unknown_fields[reply->base.n_unknown_fields++] = (ProtobufCMessageUnknownField){
        .tag = LEASE_ASSIGNMENTS,
        .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
        .len = assignment.size,
        .data = (uint8_t *) (uintptr_t) assignment.bytes,  // protobuf-c's fields lack const
    };
}

// Behind those before it, whichever way they were added.
static status *add_built(filling *f, Errand__V1__Assignment *assignment, size_t size)
{
    if (!rpc_call_is_encoded(f->call)) {
        f->reply->assignments[f->reply->n_assignments++] = assignment;
        return NULL;
    }
    slice encoded;
    status *failure = assignment_encode(assignment, size, rpc_call_arena(f->call), &encoded);
    if (failure == NULL) {
        add_encoded(f->reply, encoded);
    }
    return failure;
}

static status *add_decoded(filling *f, const engine_assignment *a, const engine_token *token,
                           bool *ret_fits)
{
    Errand__V1__Assignment *assignment = NULL;
    status *failure = build(f->service, a, token, rpc_call_arena(f->call), &assignment);
    if (failure != NULL) {
        return failure;
    }
    size_t size = errand__v1__assignment__get_packed_size(assignment);
    failure = check_size(f->service, size);
    if (failure != NULL) {
        return failure;
    }
    *ret_fits = take_room(f, size);
    return *ret_fits ? add_built(f, assignment, size) : NULL;
}

static status *add(filling *f, const engine_assignment *a, bool *ret_fits)
{
    const service *s = f->service;
    engine_token token = a->token;
    slice spliced = {0};
    status *failure = check_spec(a->spec);
    token_mask(s, rpc_call_grant(f->call), &a->row.id, token.bytes);
    if (failure == NULL && rpc_call_is_encoded(f->call) &&
        a->spec.size + OWN_BYTES <= most_bytes(s)) {
        failure =
            assignment_splice(a, &token, s->options.lease_us, rpc_call_arena(f->call), &spliced);
    }
    if (failure != NULL) {
        return failure;
    }
    if (spliced.size == 0) {
        return add_decoded(f, a, &token, ret_fits);
    }
    *ret_fits = take_room(f, spliced.size);
    if (*ret_fits) {
        add_encoded(f->reply, spliced);
    }
    return NULL;
}

// A job that can not be handed over fails by itself, so that it keeps nobody from the others; one
// that only has no room beside them is given back.
static void add_or_return(filling *f, const engine_assignment *a)
{
    bool fits = true;
    status *failure = add(f, a, &fits);
    if (failure != NULL) {
        refuse(f->service, f->lease, a, failure);
    } else if (!fits) {
        give_back(f->service, f->lease, a);
    }
}

status *assignments_write(service *s, rpc_call *call, const engine_lease *lease,
                          Errand__V1__LeaseResponse *reply)
{
    size_t count = lease->assignment_count;
    arena *memory = rpc_call_arena(call);
    size_t taken = errand__v1__lease_response__get_packed_size(reply);
    size_t room = most_bytes(s) + LEASE_HEAD_BYTES;
    filling f = {s, call, lease, reply, room > taken ? room - taken : 0};
    reply->assignments = arena_alloc(memory, (count + 1) * sizeof *reply->assignments);
    reply->base.unknown_fields =
        arena_alloc(memory, (count + 1) * sizeof *reply->base.unknown_fields);
    if (reply->assignments == NULL || reply->base.unknown_fields == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        add_or_return(&f, &lease->assignments[i]);
    }
    return NULL;
}
