// envelope_read - Requests and Responses, taken apart where they lie.
#include "rpc/envelope.h"

#include "rpc/convert.h"
#include "rpc/wire.h"
#include "rpc/wire_read.h"

#include "errand/rpc/v1/envelope.pb-c.h"

#include <string.h>

enum {
    REQUEST_METHOD = 1,
    REQUEST_PAYLOAD = 2,
    REQUEST_TIMEOUT = 3,
    REQUEST_METADATA = 4,
    REQUEST_CALLS = 5,
};
enum { RESPONSE_STATUS = 1, RESPONSE_PAYLOAD = 2, RESPONSE_ANSWERS = 4 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { DURATION_SECONDS = 1, DURATION_NANOS = 2 };

#define MICROSECONDS INT64_C(1000000)
#define NANOS_PER_US 1000
#define MAX_NANOS    999999999

// ---- requests ----

static status *read_timeout(slice encoded, envelope_request *ret)
{
    int64_t seconds = 0;
    int64_t nanos = 0;
    wire_field field = {0};
    while (wire_next_field(&encoded, &field)) {
        if (field.id == DURATION_SECONDS) {
            seconds = (int64_t) field.number;
        } else if (field.id == DURATION_NANOS) {
            nanos = (int64_t) field.number;
        }
    }
    if (seconds < 0 || seconds > ENVELOPE_MAX_TIMEOUT_SECONDS || nanos < 0 || nanos > MAX_NANOS) {
        return status_bad_field("timeout", "is negative or out of range");
    }
    ret->has_timeout = true;
    ret->timeout_us = seconds * MICROSECONDS + nanos / NANOS_PER_US;
    return NULL;
}

static char *terminated_copy(arena *memory, slice text)
{
    char *copy = arena_alloc(memory, text.size + 1);
    if (copy != NULL) {
        memcpy(copy, text.size == 0 ? "" : (const char *) text.bytes, text.size);
        copy[text.size] = '\0';
    }
    return copy;
}

static status *read_entry(slice encoded, arena *memory, envelope_request *ret)
{
    slice key = {NULL, 0};
    slice value = {NULL, 0};
    wire_field field = {0};
    while (wire_next_field(&encoded, &field)) {
        if (field.id == ENTRY_KEY) {
            key = field.bytes;
        } else if (field.id == ENTRY_VALUE) {
            value = field.bytes;
        }
    }
    envelope_entry *entry = arena_alloc(memory, sizeof *entry);
    char *key_text = terminated_copy(memory, key);
    char *value_text = terminated_copy(memory, value);
    if (entry == NULL || key_text == NULL || value_text == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "metadata takes too much memory");
    }
    *entry = (envelope_entry){key_text, value_text, ret->metadata};
    ret->metadata = entry;
    return NULL;
}

static status *read_request_field(const wire_field *field, arena *memory, envelope_request *ret)
{
    switch (field->id) {
    case REQUEST_METHOD:
        ret->method = field->bytes;
        return NULL;
    case REQUEST_PAYLOAD:
        ret->payload = field->bytes;
        return NULL;
    case REQUEST_TIMEOUT:
        return read_timeout(field->bytes, ret);
    case REQUEST_METADATA:
        return read_entry(field->bytes, memory, ret);
    case REQUEST_CALLS:
        ret->calls++;
        return NULL;
    default:
        return NULL;  // from a newer caller
    }
}

status *envelope_read_request(slice encoded, arena *memory, envelope_request *ret)
{
    *ret = (envelope_request){.method = {NULL, 0}};
    status *first = wire_check(&errand__rpc__v1__request__descriptor, encoded.bytes, encoded.size);
    if (first != NULL) {
        return first;
    }
    wire_field field = {0};
    while (wire_next_field(&encoded, &field)) {
        status *failure = read_request_field(&field, memory, ret);
        if (first == NULL) {
            first = failure;
        } else {
            status_free(failure);
        }
    }
    return first;
}

const char *envelope_metadata(const envelope_request *request, const char *key)
{
    for (const envelope_entry *entry = request->metadata; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, key) == 0) {
            return entry->value;
        }
    }
    return NULL;
}

static bool next_of(slice *left, uint32_t id, slice *ret)
{
    wire_field field = {0};
    while (wire_next_field(left, &field)) {
        if (field.id == id) {
            *ret = field.bytes;
            return true;
        }
    }
    return false;
}

bool envelope_next_call(slice *left, slice *ret)
{
    return next_of(left, REQUEST_CALLS, ret);
}

// ---- responses ----

bool envelope_next_answer(slice *left, slice *ret)
{
    return next_of(left, RESPONSE_ANSWERS, ret);
}

static status *read_status(slice encoded, arena *memory, status **ret)
{
    ProtobufCMessage *message;
    status *failure = wire_decode(&errand__rpc__v1__status__descriptor, encoded.bytes, encoded.size,
                                  memory, &message);
    if (failure != NULL) {
        return failure;
    }
    *ret = convert_status_from_proto((const Errand__Rpc__V1__Status *) message);
    return NULL;
}

status *envelope_read_reply(slice encoded, arena *memory, slice *ret_payload, status **ret_remote)
{
    const ProtobufCMessageDescriptor *descriptor = &errand__rpc__v1__response__descriptor;
    status *failure = wire_check(descriptor, encoded.bytes, encoded.size);
    slice status_bytes = {NULL, 0};
    slice payload = {NULL, 0};
    wire_field field = {0};
    while (failure == NULL && wire_next_field(&encoded, &field)) {
        if (field.id == RESPONSE_STATUS) {
            status_bytes = field.bytes;
        } else if (field.id == RESPONSE_PAYLOAD) {
            payload = field.bytes;
        }
    }
    status *remote = NULL;
    if (failure == NULL && status_bytes.size > 0) {
        failure = read_status(status_bytes, memory, &remote);
    }
    if (failure == NULL) {
        *ret_payload = payload;
        *ret_remote = remote;
    }
    return failure;
}
