// assignment - a leased job as its worker gets it.
#include "service/internal.h"

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
