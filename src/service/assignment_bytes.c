// assignment_bytes - a leased job as it goes over the wire, around the bytes that are stored of it.
//
// An encoded message is its fields one after the other, in any order. So a stored job needs neither
// to be decoded nor to be encoded again: the server's fields stand before it.
#include "service/internal.h"

#include "job/time.h"
#include "rpc/wire_read.h"
#include "rpc/wire_write.h"

#include <string.h>

enum {
    JOB_ID = 1,
    JOB_QUEUE = 2,
    JOB_KIND = 3,
    JOB_HTTP = 4,
    JOB_EXEC = 5,
    JOB_ARGS = 6,
    JOB_DATA = 7,
    JOB_CALLBACK = 18,
    JOB_LABELS = 19,  // the last one of those that are submitted, but for the trace
    JOB_STATE = 32,
    JOB_ATTEMPT = 33,
    JOB_CREATE_TIME = 34,
    JOB_START_TIME = 35,
    JOB_FINISH_TIME = 36,
    JOB_NEXT_ATTEMPT_TIME = 37,
    JOB_WORKER = 42,
    JOB_REVISION = 44,
    JOB_TRACEPARENT = 46,
};
enum { ASSIGNMENT_JOB = 1, ASSIGNMENT_TOKEN = 2, ASSIGNMENT_ATTEMPT = 3, ASSIGNMENT_EXPIRES = 4 };
enum { TIME_SECONDS = 1, TIME_NANOS = 2 };

// More than either part takes: two ids, two short names, four times of 20 bytes, three numbers of
// 12; the token, a number and a time.
#define HEAD_BYTES 256
#define TAIL_BYTES 64

// ---- what is stored ----

// The server's part of these depends on whether they are there.
typedef struct outline {
    bool has_queue, has_kind;
    const char *implied_kind;
    int inputs;
} outline;

// False for fields that do not go out as they are stored.
static bool note(const wire_field *field, outline *o)
{
    switch (field->id) {
    case JOB_QUEUE:
        o->has_queue = true;
        return field->bytes.size > 0;
    case JOB_KIND:
        o->has_kind = true;
        return field->bytes.size > 0;
    case JOB_HTTP:
        o->implied_kind = "http";
        return o->inputs++ == 0;
    case JOB_EXEC:
        o->implied_kind = "exec";
        return o->inputs++ == 0;
    case JOB_ARGS:
    case JOB_DATA:
        return o->inputs++ == 0;
    case JOB_ID:
    case JOB_CALLBACK:  // has a secret
        return false;
    default:  // what is new in this version of the API, or damaged, is none of ours
        return field->id <= JOB_LABELS || field->id == JOB_TRACEPARENT;
    }
}

static bool outline_read(slice spec, outline *ret)
{
    *ret = (outline){.implied_kind = ""};
    while (spec.size > 0) {
        wire_field field = {0};
        if (!wire_next_field(&spec, &field) || !note(&field, ret)) {
            return false;
        }
    }
    return true;
}

// ---- what the server adds ----

static uint8_t *put_text(uint8_t *at, uint32_t field, const char *text)
{
    size_t size = strlen(text);
    return size > 0 ? wire_put_bytes(at, field, text, size) : at;
}

// Needs room for the NUL of the text too.
static uint8_t *put_id(uint8_t *at, uint32_t field, const uuid *id)
{
    if (uuid_is_nil(id)) {
        return at;
    }
    at = wire_put_head(at, field, UUID_TEXT_SIZE - 1);
    (void) uuid_format(id, (char *) at);
    return at + UUID_TEXT_SIZE - 1;
}

static uint8_t *put_time(uint8_t *at, uint32_t field, int64_t us)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    uint8_t body[24];
    time_to_timestamp(us, &time);
    uint8_t *end = wire_put_number(body, TIME_SECONDS, time.seconds);
    end = wire_put_number(end, TIME_NANOS, time.nanos);
    return wire_put_bytes(at, field, body, (size_t) (end - body));
}

static uint8_t *put_time_set(uint8_t *at, uint32_t field, int64_t us)
{
    return us != 0 ? put_time(at, field, us) : at;
}

// What job_view_fill sets.
static size_t head_write(const job_row *row, const outline *o, uint8_t ret[static HEAD_BYTES])
{
    uint8_t *at = put_id(ret, JOB_ID, &row->id);
    at = o->has_queue ? at : put_text(at, JOB_QUEUE, JOB_DEFAULT_QUEUE);
    at = o->has_kind ? at : put_text(at, JOB_KIND, o->implied_kind);
    at = wire_put_number(at, JOB_STATE, row->state);
    at = wire_put_number(at, JOB_ATTEMPT, row->attempt);
    at = put_time_set(at, JOB_CREATE_TIME, row->create_us);
    at = put_time_set(at, JOB_START_TIME, row->start_us);
    at = put_time_set(at, JOB_FINISH_TIME, row->finish_us);
    at = put_time_set(at, JOB_NEXT_ATTEMPT_TIME, row->state == JOB_SCHEDULED ? row->due_us : 0);
    at = put_id(at, JOB_WORKER, &row->worker);
    at = wire_put_number(at, JOB_REVISION, row->revision);
    return (size_t) (at - ret);
}

static size_t tail_write(const engine_assignment *a, const engine_token *token, int64_t lease_us,
                         uint8_t ret[static TAIL_BYTES])
{
    uint8_t *at = wire_put_bytes(ret, ASSIGNMENT_TOKEN, token->bytes, ENGINE_TOKEN_BYTES);
    at = wire_put_number(at, ASSIGNMENT_ATTEMPT, a->row.attempt);
    at = put_time(at, ASSIGNMENT_EXPIRES, a->row.start_us + lease_us);
    return (size_t) (at - ret);
}

// ---- both ----

static uint8_t *put_part(uint8_t *at, slice part)
{
    if (part.size > 0) {
        memcpy(at, part.bytes, part.size);
    }
    return at + part.size;
}

static bool join(slice head, slice spec, slice tail, arena *memory, slice *ret)
{
    size_t job = head.size + spec.size;
    size_t size = 1 + varint_size(job) + job + tail.size;
    uint8_t *bytes = arena_alloc(memory, varint_size(size) + size);
    if (bytes == NULL) {
        return false;
    }
    uint8_t *at = varint_put(bytes, size);
    at = wire_put_head(at, ASSIGNMENT_JOB, job);
    at = put_part(put_part(put_part(at, head), spec), tail);
    *ret = (slice){bytes, (size_t) (at - bytes)};
    return true;
}

status *assignment_splice(const engine_assignment *a, const engine_token *token, int64_t lease_us,
                          arena *memory, slice *ret)
{
    outline o;
    uint8_t head[HEAD_BYTES], tail[TAIL_BYTES];
    *ret = (slice){0};
    if (a->has_parent || !outline_read(a->spec, &o)) {
        return NULL;
    }
    size_t head_size = head_write(&a->row, &o, head);
    size_t tail_size = tail_write(a, token, lease_us, tail);
    bool joined = join((slice){head, head_size}, a->spec, (slice){tail, tail_size}, memory, ret);
    return joined ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

status *assignment_encode(const Errand__V1__Assignment *assignment, size_t size, arena *memory,
                          slice *ret)
{
    uint8_t *bytes = arena_alloc(memory, varint_size(size) + size);
    if (bytes == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    uint8_t *at = varint_put(bytes, size);
    at += errand__v1__assignment__pack(assignment, at);
    *ret = (slice){bytes, (size_t) (at - bytes)};
    return NULL;
}
