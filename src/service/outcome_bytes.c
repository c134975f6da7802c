// outcome_bytes - a batch whose jobs have all succeeded, taken as it came: what they produced is
// stored as the bytes that their worker sent, and decoded only where its values have to be checked.
//
// Whatever else there is to say is left to outcomes.c: other outcomes, results that are refused,
// and bytes that are damaged.
#include "service/internal.h"

#include "job/result.h"
#include "rpc/wire.h"
#include "rpc/wire_read.h"

#include <string.h>

enum { BATCH_WORKER = 1, BATCH_SEQUENCE = 3, BATCH_OUTCOMES = 4 };
enum { OUTCOME_JOB_ID = 1, OUTCOME_TOKEN = 2, OUTCOME_SUCCESS = 3 };
enum { RESULT_VALUE = 3, RESULT_DATA = 4 };
enum { VALUE_NULL = 1, VALUE_STRING = 3, VALUE_BOOL = 4 };

#define WORKER_MEMORY 65536  // that decoding who sent a batch may take

typedef struct plain_batch {
    slice worker;
    int64_t sequence;
    size_t count;
} plain_batch;

// ---- one outcome ----

// The only field of a message; false: there are none, or several.
static bool read_only_field(slice message, wire_field *ret)
{
    *ret = (wire_field){0};
    return wire_next_field(&message, ret) && message.size == 0;
}

// Numbers have to be finite, and so have those within lists and objects.
static bool is_plain_value(slice value)
{
    wire_field kind;
    return read_only_field(value, &kind) &&
           (kind.id == VALUE_NULL || kind.id == VALUE_STRING || kind.id == VALUE_BOOL);
}

static bool is_plain_result(slice result)
{
    wire_field output;
    return read_only_field(result, &output) &&
           (output.id == RESULT_DATA ||
            (output.id == RESULT_VALUE && is_plain_value(output.bytes)));
}

// scratch is for as long as it takes.
static bool is_good_result(slice result, arena *scratch)
{
    ProtobufCMessage *decoded = NULL;
    AUTO(status) failure = part_decode(&errand__v1__result__descriptor, result, scratch, &decoded);
    if (failure == NULL) {
        failure = job_result_check((const Errand__V1__Result *) decoded);
    }
    arena_reset(scratch);
    return failure == NULL;
}

static bool read_job_id(slice text, uuid *ret)
{
    char copy[UUID_TEXT_SIZE] = "";
    if (text.size != sizeof copy - 1) {
        return false;
    }
    memcpy(copy, text.bytes, text.size);
    return uuid_parse(copy, ret);
}

// Encoders write the fields of a message in order.
static bool next_bytes(slice *left, uint32_t id, slice *ret)
{
    wire_field field = {0};
    bool found = wire_next_field(left, &field) && field.id == id &&
                 field.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    *ret = field.bytes;
    return found;
}

static bool read_success(const service *s, slice encoded, engine_outcome *ret)
{
    slice id = {0}, token = {0};
    if (!next_bytes(&encoded, OUTCOME_JOB_ID, &id) ||
        !next_bytes(&encoded, OUTCOME_TOKEN, &token) ||
        !next_bytes(&encoded, OUTCOME_SUCCESS, &ret->result) || encoded.size > 0 ||
        token.size != ENGINE_TOKEN_BYTES || !read_job_id(id, &ret->ref.id)) {
        return false;
    }
    memcpy(ret->ref.token.bytes, token.bytes, token.size);
    ret->type = ENGINE_SUCCESS;
    return ret->result.size <= s->options.limits.max_result_bytes;
}

// ---- a batch ----

// Shorter outcomes can not name a lease: so what is taken for them never grows far beyond the
// message.
static bool count_outcome(slice encoded, plain_batch *ret)
{
    ret->count++;
    return encoded.size > UUID_TEXT_SIZE + ENGINE_TOKEN_BYTES;
}

static bool count_field(const wire_field *field, plain_batch *ret)
{
    switch (field->id) {
    case BATCH_WORKER:
        ret->worker = field->bytes;
        return true;
    case BATCH_SEQUENCE:
        ret->sequence = (int64_t) field->number;
        return true;
    case BATCH_OUTCOMES:
        return count_outcome(field->bytes, ret);
    default:
        return true;
    }
}

// False where the bytes make no sense, too.
static bool count_all(slice message, plain_batch *ret)
{
    *ret = (plain_batch){0};
    while (message.size > 0) {
        wire_field field = {0};
        if (!wire_next_field(&message, &field) || !count_field(&field, ret)) {
            return false;
        }
    }
    return ret->count > 0;
}

// Its fields have been gone through before.
static bool read_all(const service *s, slice message, engine_outcome *outcomes)
{
    wire_field field = {0};
    size_t count = 0;
    while (wire_next_field(&message, &field)) {
        if (field.id == BATCH_OUTCOMES && !read_success(s, field.bytes, &outcomes[count++])) {
            return false;
        }
    }
    return true;
}

static bool is_sound(slice message)
{
    AUTO(status)
    damage = wire_check(&errand__v1__outcome_batch__descriptor, message.bytes, message.size);
    return damage == NULL;
}

static bool are_good(const engine_outcome *outcomes, size_t count)
{
    AUTO(arena) scratch = arena_new(0);
    bool good = scratch != NULL;
    for (size_t i = 0; good && i < count; i++) {
        good = is_plain_result(outcomes[i].result) || is_good_result(outcomes[i].result, scratch);
    }
    return good;
}

// NULL: they have to be decoded.
static engine_outcome *read_outcomes(const service *s, slice message, size_t count, arena *memory)
{
    engine_outcome *outcomes = arena_zalloc(memory, count * sizeof *outcomes);
    bool good = outcomes != NULL && read_all(s, message, outcomes) && is_sound(message) &&
                are_good(outcomes, count);
    return good ? outcomes : NULL;
}

static status *read_head(const plain_batch *plain, arena *memory, Errand__V1__OutcomeBatch *ret)
{
    ProtobufCMessage *worker = NULL;
    status *failure = wire_decode_within(&errand__v1__worker__descriptor, plain->worker, memory,
                                         WORKER_MEMORY, &(size_t){0}, &worker);
    ret->worker = (Errand__V1__Worker *) worker;
    ret->outcome_sequence = plain->sequence;
    return failure;
}

bool outcomes_take_plain(const service *s, const access_grant *grant, slice message,
                         engine_outcomes *ret)
{
    plain_batch plain;
    Errand__V1__OutcomeBatch head = ERRAND__V1__OUTCOME_BATCH__INIT;
    engine_outcome *outcomes =
        count_all(message, &plain) ? read_outcomes(s, message, plain.count, ret->memory) : NULL;
    if (outcomes == NULL) {
        return false;
    }
    AUTO(status) failure = read_head(&plain, ret->memory, &head);
    if (failure == NULL) {
        failure = outcomes_begin(&head, ret);
    }
    if (failure == NULL) {
        ret->outcomes = outcomes;
        ret->count = plain.count;
        outcomes_scope(s, grant, ret, outcomes);
    }
    return failure == NULL;
}
