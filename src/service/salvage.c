// salvage - what can be told of an OutcomeBatch that can not be decoded: who sent it, its number,
// and which leases it is about. So its worker can be told, and need not push it for ever.
#include "service/internal.h"

#include "rpc/wire.h"
#include "rpc/wire_read.h"

#include <string.h>

enum { BATCH_WORKER = 1, BATCH_AUTHORIZATION = 2, BATCH_SEQUENCE = 3, BATCH_OUTCOMES = 4 };
enum { WORKER_ID = 1 };
enum { OUTCOME_JOB_ID = 1, OUTCOME_TOKEN = 2 };

// What decoding a part may take: so much, and so much for each byte.
#define PART_MEMORY        65536
#define PART_MEMORY_FACTOR 32

// The next field behind `at`; NULL at the end, or where the bytes make no sense any more.
static const uint8_t *next_field(const uint8_t *at, slice message, wire_field *ret)
{
    const uint8_t *end = message.bytes + message.size;
    *ret = (wire_field){0};
    return at < end ? wire_read_field(at, end, ret) : NULL;
}

static bool is_bytes(const wire_field *field, uint32_t id)
{
    return field->id == id && field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

// The bytes of the first such field; empty if there is none.
static slice bytes_of(slice message, uint32_t id)
{
    wire_field field;
    for (const uint8_t *at = message.bytes; (at = next_field(at, message, &field)) != NULL;) {
        if (is_bytes(&field, id)) {
            return field.bytes;
        }
    }
    return (slice){0};
}

// NULL when memory is short, or when it is no text.
static char *text_of(slice bytes, arena *memory)
{
    if (wire_text_problem(bytes.bytes, bytes.size) != NULL) {
        return NULL;
    }
    char *text = arena_zalloc(memory, bytes.size + 1);
    if (text != NULL && bytes.size > 0) {
        memcpy(text, bytes.bytes, bytes.size);
    }
    return text;
}

status *part_decode(const ProtobufCMessageDescriptor *descriptor, slice encoded, arena *memory,
                    ProtobufCMessage **ret)
{
    size_t cap = PART_MEMORY + PART_MEMORY_FACTOR * encoded.size;
    return wire_decode_within(descriptor, encoded, memory, cap, &(size_t){0}, ret);
}

// An outcome that is well by itself; NULL if not. Another one of its batch spoiled that.
static Errand__V1__Outcome *decode_outcome(slice encoded, arena *memory)
{
    ProtobufCMessage *decoded = NULL;
    AUTO(status) failure = part_decode(&errand__v1__outcome__descriptor, encoded, memory, &decoded);
    return failure == NULL ? (Errand__V1__Outcome *) decoded : NULL;
}

// False when it does not tell of which lease it is.
static bool read_outcome(slice encoded, arena *memory, Errand__V1__Outcome **ret)
{
    slice id = bytes_of(encoded, OUTCOME_JOB_ID), token = bytes_of(encoded, OUTCOME_TOKEN);
    if (id.size != UUID_TEXT_SIZE - 1 || token.size != ENGINE_TOKEN_BYTES) {
        return false;
    }
    Errand__V1__Outcome *outcome = arena_alloc(memory, sizeof *outcome);
    uint8_t *copy = arena_copy(memory, token.bytes, token.size);
    if (outcome == NULL || copy == NULL) {
        return false;
    }
    errand__v1__outcome__init(outcome);
    outcome->token = (ProtobufCBinaryData){.len = token.size, .data = copy};
    outcome->job_id = text_of(id, memory);
    *ret = outcome;
    return outcome->job_id != NULL;
}

static size_t count_outcomes(slice message)
{
    wire_field field;
    size_t count = 0;
    for (const uint8_t *at = message.bytes; (at = next_field(at, message, &field)) != NULL;) {
        // Shorter ones can not name a lease.
        count += is_bytes(&field, BATCH_OUTCOMES) &&
                 field.bytes.size > UUID_TEXT_SIZE + ENGINE_TOKEN_BYTES;
    }
    return count;
}

static bool read_outcomes(slice message, bool decode, arena *memory, Errand__V1__OutcomeBatch *ret)
{
    wire_field field;
    size_t count = count_outcomes(message);
    ret->outcomes = arena_alloc(memory, (count + 1) * sizeof *ret->outcomes);
    if (ret->outcomes == NULL) {
        return false;
    }
    for (const uint8_t *at = message.bytes; (at = next_field(at, message, &field)) != NULL;) {
        if (is_bytes(&field, BATCH_OUTCOMES) && ret->n_outcomes < count) {
            Errand__V1__Outcome **next = &ret->outcomes[ret->n_outcomes];
            *next = decode ? decode_outcome(field.bytes, memory) : NULL;
            ret->n_outcomes += *next != NULL || read_outcome(field.bytes, memory, next) ? 1 : 0;
        }
    }
    return true;
}

static int64_t sequence_of(slice message)
{
    wire_field field;
    for (const uint8_t *at = message.bytes; (at = next_field(at, message, &field)) != NULL;) {
        if (field.id == BATCH_SEQUENCE && field.wire_type == PROTOBUF_C_WIRE_TYPE_VARINT) {
            return (int64_t) field.number;
        }
    }
    return 0;
}

char *salvage_authorization(slice message, arena *memory)
{
    return text_of(bytes_of(message, BATCH_AUTHORIZATION), memory);
}

Errand__V1__OutcomeBatch *salvage(slice message, bool decode, arena *memory)
{
    Errand__V1__OutcomeBatch *batch = arena_alloc(memory, sizeof *batch);
    Errand__V1__Worker *worker = arena_alloc(memory, sizeof *worker);
    if (batch == NULL || worker == NULL) {
        return NULL;
    }
    errand__v1__outcome_batch__init(batch);
    errand__v1__worker__init(worker);
    batch->worker = worker;
    batch->outcome_sequence = sequence_of(message);
    worker->id = text_of(bytes_of(bytes_of(message, BATCH_WORKER), WORKER_ID), memory);
    bool complete = worker->id != NULL && batch->outcome_sequence > 0 &&
                    read_outcomes(message, decode, memory, batch);
    return complete ? batch : NULL;
}
