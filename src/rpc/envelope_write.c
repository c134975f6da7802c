// envelope_write - Requests and Responses, put together in one go.
#include "rpc/envelope.h"

#include "base/pack.h"
#include "rpc/convert.h"
#include "rpc/wire_write.h"

#include "errand/rpc/v1/envelope.pb-c.h"

#include <string.h>

// Tags are field number << 3 | wire type; all of them fit into one byte.
enum {
    TAG_BYTES = 2,
    TAG_VARINT = 0,
    REQUEST_METHOD = 1 << 3 | TAG_BYTES,
    REQUEST_PAYLOAD = 2 << 3 | TAG_BYTES,
    REQUEST_TIMEOUT = 3 << 3 | TAG_BYTES,
    REQUEST_METADATA = 4 << 3 | TAG_BYTES,
    REQUEST_CALLS = 5 << 3 | TAG_BYTES,
    RESPONSE_PAYLOAD = 2 << 3 | TAG_BYTES,
    RESPONSE_METADATA = 3 << 3 | TAG_BYTES,
    RESPONSE_ANSWERS = 4 << 3 | TAG_BYTES,
    ENTRY_KEY = 1 << 3 | TAG_BYTES,
    ENTRY_VALUE = 2 << 3 | TAG_BYTES,
    DURATION_SECONDS = 1 << 3 | TAG_VARINT,
    DURATION_NANOS = 2 << 3 | TAG_VARINT,
};

#define MAX_TIMEOUT_FIELD_BYTES 24  // tag, length, tag and ten bytes, tag and five bytes
#define MILLISECONDS            1000
#define NANOS_PER_MS            1000000

// ---- sizes and steps ----

static size_t bytes_size(size_t size)
{
    return 1 + varint_size(size) + size;
}

static uint8_t *put_head(uint8_t *at, uint8_t tag, size_t size)
{
    *at++ = tag;
    return varint_put(at, size);
}

static uint8_t *put_bytes(uint8_t *at, uint8_t tag, const void *bytes, size_t size)
{
    at = put_head(at, tag, size);
    memcpy(at, bytes, size);
    return at + size;
}

static size_t entry_body_size(const char *key, const char *value)
{
    return bytes_size(strlen(key)) + bytes_size(strlen(value));
}

static size_t entry_size(const char *key, const char *value)
{
    return value == NULL ? 0 : bytes_size(entry_body_size(key, value));
}

static uint8_t *put_entry(uint8_t *at, uint8_t tag, const char *key, const char *value)
{
    if (value == NULL) {
        return at;
    }
    at = put_head(at, tag, entry_body_size(key, value));
    at = put_bytes(at, ENTRY_KEY, key, strlen(key));
    return put_bytes(at, ENTRY_VALUE, value, strlen(value));
}

// ---- requests ----

static size_t encode_timeout(int64_t timeout_ms, uint8_t ret[static MAX_TIMEOUT_FIELD_BYTES])
{
    uint8_t duration[MAX_TIMEOUT_FIELD_BYTES];
    uint8_t *at = duration;
    *at++ = DURATION_SECONDS;
    at = varint_put(at, (uint64_t) (timeout_ms / MILLISECONDS));
    *at++ = DURATION_NANOS;
    at = varint_put(at, (uint64_t) (timeout_ms % MILLISECONDS * NANOS_PER_MS));
    uint8_t *end = put_bytes(ret, REQUEST_TIMEOUT, duration, (size_t) (at - duration));
    return (size_t) (end - ret);
}

static size_t method_size(const envelope_call *call)
{
    return 2 + strlen(call->service) + strlen(call->method);
}

static uint8_t *put_method(uint8_t *at, const envelope_call *call)
{
    size_t service = strlen(call->service);
    size_t method = strlen(call->method);
    at = put_head(at, REQUEST_METHOD, method_size(call));
    *at++ = '/';
    memcpy(at, call->service, service);
    at += service;
    *at++ = '/';
    memcpy(at, call->method, method);
    return at + method;
}

static size_t stable_size(const envelope_call *call, size_t payload)
{
    return bytes_size(method_size(call)) + bytes_size(payload) +
           entry_size(ENVELOPE_AUTHORIZATION, call->authorization) +
           entry_size(ENVELOPE_REQUEST_ID, call->request_id) +
           entry_size(ENVELOPE_TRACEPARENT, call->traceparent) +
           entry_size(ENVELOPE_ENDS, call->ends);
}

static void put_stable(uint8_t *at, const envelope_call *call, slice payload)
{
    at = put_method(at, call);
    at = put_bytes(at, REQUEST_PAYLOAD, payload.bytes, payload.size);
    at = put_entry(at, REQUEST_METADATA, ENVELOPE_AUTHORIZATION, call->authorization);
    at = put_entry(at, REQUEST_METADATA, ENVELOPE_REQUEST_ID, call->request_id);
    at = put_entry(at, REQUEST_METADATA, ENVELOPE_TRACEPARENT, call->traceparent);
    (void) put_entry(at, REQUEST_METADATA, ENVELOPE_ENDS, call->ends);
}

static status *new_message(size_t size, nng_msg **ret)
{
    int error = nng_msg_alloc(ret, size);
    return error == 0 ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "%s", nng_strerror(error));
}

static status *over_the_cap(const char *what, size_t size, size_t max_bytes)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED,
                      "%s of %zu bytes is larger than the cap of %zu bytes", what, size, max_bytes);
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "%s", nng_strerror(NNG_ENOMEM));
}

static status *write_request(const envelope_call *call, slice payload, int64_t timeout_ms,
                             size_t max_bytes, nng_msg **ret, size_t *ret_stable)
{
    uint8_t timeout[MAX_TIMEOUT_FIELD_BYTES];
    size_t tail = encode_timeout(timeout_ms, timeout);
    size_t stable = stable_size(call, payload.size);
    if (stable + tail > max_bytes) {
        return over_the_cap("request", stable + tail, max_bytes);
    }
    nng_msg *message;
    status *failure = new_message(stable + tail, &message);
    if (failure != NULL) {
        return failure;
    }
    uint8_t *body = nng_msg_body(message);
    put_stable(body, call, payload);
    memcpy(body + stable, timeout, tail);
    *ret = message;
    *ret_stable = stable;
    return NULL;
}

status *envelope_write_request(const envelope_call *call, int64_t timeout_ms, size_t max_bytes,
                               nng_msg **ret, size_t *ret_stable)
{
    packer p;
    packer_init(&p);
    status *failure =
        pack_message(&p, call->payload)
            ? write_request(call, pack_bytes(&p), timeout_ms, max_bytes, ret, ret_stable)
            : no_memory();
    packer_fini(&p);
    return failure;
}

status *envelope_write_again(slice stable, int64_t timeout_ms, nng_msg **ret)
{
    uint8_t timeout[MAX_TIMEOUT_FIELD_BYTES];
    size_t tail = encode_timeout(timeout_ms, timeout);
    nng_msg *message;
    status *failure = new_message(stable.size + tail, &message);
    if (failure != NULL) {
        return failure;
    }
    uint8_t *body = nng_msg_body(message);
    memcpy(body, stable.bytes, stable.size);
    memcpy(body + stable.size, timeout, tail);
    *ret = message;
    return NULL;
}

// ---- responses ----

static status *write_reply(slice payload, const char *request_id, size_t max_bytes, nng_msg **ret)
{
    size_t head = payload.size == 0 ? 0 : bytes_size(payload.size);
    size_t size = head + entry_size(ENVELOPE_REQUEST_ID, request_id);
    if (size > max_bytes) {
        return over_the_cap("reply", size, max_bytes);
    }
    nng_msg *message;
    status *failure = new_message(size, &message);
    if (failure != NULL) {
        return failure;
    }
    uint8_t *at = nng_msg_body(message);
    if (payload.size > 0) {
        at = put_bytes(at, RESPONSE_PAYLOAD, payload.bytes, payload.size);
    }
    (void) put_entry(at, RESPONSE_METADATA, ENVELOPE_REQUEST_ID, request_id);
    *ret = message;
    return NULL;
}

status *envelope_write_reply(const ProtobufCMessage *reply, const char *request_id,
                             size_t max_bytes, nng_msg **ret)
{
    packer p;
    packer_init(&p);
    status *failure = pack_message(&p, reply)
                          ? write_reply(pack_bytes(&p), request_id, max_bytes, ret)
                          : no_memory();
    packer_fini(&p);
    return failure;
}

// The status in full, or as much of it as there is room for.
static size_t fit_status(Errand__Rpc__V1__Response *response, size_t max_bytes)
{
    static char no_message[] = "";
    size_t size = errand__rpc__v1__response__get_packed_size(response);
    if (size > max_bytes) {
        response->status->n_violations = 0;
        size = errand__rpc__v1__response__get_packed_size(response);
    }
    if (size > max_bytes) {
        response->status->message = no_message;
        size = errand__rpc__v1__response__get_packed_size(response);
    }
    return size;
}

nng_msg *envelope_write_failure(const status *failure, const char *request_id, size_t max_bytes,
                                arena *memory)
{
    Errand__Rpc__V1__Status bare;
    errand__rpc__v1__status__init(&bare);
    bare.code = (Errand__Rpc__V1__Code) failure->code;
    Errand__Rpc__V1__Status *full = convert_status_to_proto(failure, memory);
    Errand__Rpc__V1__Response response;
    errand__rpc__v1__response__init(&response);
    response.status = full == NULL ? &bare : full;
    size_t size = fit_status(&response, max_bytes);
    nng_msg *message;
    if (nng_msg_alloc(&message, size + entry_size(ENVELOPE_REQUEST_ID, request_id)) != 0) {
        return NULL;
    }
    uint8_t *at = nng_msg_body(message);
    at += errand__rpc__v1__response__pack(&response, at);
    (void) put_entry(at, RESPONSE_METADATA, ENVELOPE_REQUEST_ID, request_id);
    return message;
}

// ---- several in one message ----

static nng_msg *put_parts(uint8_t tag, nng_msg *const *parts, size_t count, size_t size)
{
    nng_msg *message;
    if (nng_msg_alloc(&message, size) != 0) {
        return NULL;
    }
    uint8_t *at = nng_msg_body(message);
    for (size_t i = 0; i < count; i++) {
        at = put_bytes(at, tag, nng_msg_body(parts[i]), nng_msg_len(parts[i]));
    }
    return message;
}

nng_msg *envelope_write_calls(nng_msg *const *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += bytes_size(nng_msg_len(parts[i]));
    }
    return put_parts(REQUEST_CALLS, parts, count, size);
}

nng_msg *envelope_write_answers(nng_msg *const *parts, size_t count, size_t max_bytes)
{
    size_t size = 0;
    size_t fit = 0;
    for (; fit < count && parts[fit] != NULL; fit++) {
        size_t part = bytes_size(nng_msg_len(parts[fit]));
        if (part > max_bytes - size) {
            break;
        }
        size += part;
    }
    return put_parts(RESPONSE_ANSWERS, parts, fit, size);
}
