// call_open - from the bytes of a request to what a method is given, or to a refusal.
#include "rpc/bundle.h"
#include "rpc/call_internal.h"

#include "rpc/wire.h"

// A decoded message may take so much more than its bytes: an empty job in a batch takes two bytes
// on the wire and about 400 in memory, a real one hardly more than ten times its size.
#define DECODE_FACTOR  128
#define DECODE_MINIMUM ((size_t) 64 * 1024)
#define DECODE_OF_CAP  4  // and never more than so many times the message cap

status *call_check_load(const rpc_call *call, size_t size)
{
    rpc_server *server = call->server;
    const rpc_server_options *options = &server->options;
    if (atomic_load_explicit(&server->stopping, memory_order_relaxed)) {
        return status_new(STATUS_UNAVAILABLE, "the server is shutting down");
    }
    if (size > options->max_message_bytes) {
        return status_new(STATUS_RESOURCE_EXHAUSTED,
                          "request of %zu bytes is larger than the cap of %zu bytes", size,
                          options->max_message_bytes);
    }
    if (atomic_load_explicit(&server->at_work, memory_order_relaxed) > options->max_calls) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "%zu calls are under way, which is the cap",
                          options->max_calls);
    }
    return NULL;
}

static status *set_deadline(rpc_call *call)
{
    call->deadline_us = INT64_MAX;
    if (!call->request.has_timeout) {
        return NULL;
    }
    if (call->request.timeout_us == 0) {
        return status_new(STATUS_DEADLINE_EXCEEDED, "the deadline had passed on arrival");
    }
    call->deadline_us = call->start_us + call->request.timeout_us;
    return NULL;
}

static status *find_method(rpc_call *call)
{
    slice name = call->request.method;
    call->method = rpc_methods_find(call->server->methods, name);
    if (call->method != NULL) {
        return NULL;
    }
    int shown = name.size < 200 ? (int) name.size : 200;
    return status_new(STATUS_UNIMPLEMENTED, "no such method: \"%.*s\"", shown,
                      name.size == 0 ? "" : (const char *) name.bytes);
}

static status *authorize(rpc_call *call)
{
    const rpc_server_options *options = &call->server->options;
    call->caller = (rpc_caller){.name = ""};
    if (options->authorize == NULL) {
        return NULL;
    }
    return options->authorize(options->authorize_data, call->method->name,
                              envelope_metadata(&call->request, ENVELOPE_AUTHORIZATION),
                              &call->caller);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static status *decode(rpc_call *call, ProtobufCMessage **ret)
{
    rpc_server *server = call->server;
    slice payload = call->request.payload;
    size_t taken = atomic_load_explicit(&server->memory, memory_order_relaxed);
    size_t room = server->options.max_memory_bytes;
    room = taken < room ? room - taken : 0;
    if (payload.size > room) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "requests under way take too much memory");
    }
    size_t cap = smaller(DECODE_MINIMUM + DECODE_FACTOR * payload.size,
                         DECODE_MINIMUM + DECODE_OF_CAP * server->options.max_message_bytes);
    status *failure = wire_decode_within(call->method->input, payload, call->memory,
                                         smaller(cap, room), &call->memory_bytes, ret);
    if (failure == NULL) {
        atomic_fetch_add_explicit(&server->memory, call->memory_bytes, memory_order_relaxed);
    }
    return failure;
}

status *call_admit(rpc_call *call)
{
    call->request_id = envelope_metadata(&call->request, ENVELOPE_REQUEST_ID);
    status *failure = set_deadline(call);
    failure = failure == NULL ? find_method(call) : failure;
    return failure == NULL ? authorize(call) : failure;
}

// Nobody waits any more for the answer to an earlier call of this connection.
static void end_another(const rpc_call *call)
{
    const char *request_id = envelope_metadata(&call->request, ENVELOPE_ENDS);
    if (request_id != NULL) {
        rpc_park_end(call->server->park, call->pipe.id, request_id);
    }
}

status *call_open(rpc_call *call, slice encoded, ProtobufCMessage **ret)
{
    status *failure = call_check_load(call, encoded.size);
    if (failure != NULL) {
        return failure;
    }
    failure = envelope_read_request(encoded, call->memory, &call->request);
    if (failure != NULL) {
        // A refusal carries the request-id too, if reading came so far.
        call->request_id = envelope_metadata(&call->request, ENVELOPE_REQUEST_ID);
        return failure;
    }
    if (call->request.calls > 0) {
        return bundle_check(call);
    }
    failure = call_admit(call);
    if (failure != NULL) {
        return failure;
    }
    end_another(call);
    return decode(call, ret);
}
