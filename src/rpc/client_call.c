// client_call - the ways to make a call: with a callback, waiting, through a typed stub.
#include "rpc/client_internal.h"

#include "base/clock.h"
#include "base/uuid.h"
#include "rpc/envelope.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_MS INT64_C(1000)

static const rpc_call_options no_options;

// Retries are sent from a copy: nng frees what it has sent.
static bool keep_for_retries(client_call *call, size_t stable)
{
    if (call->stable_capacity < stable) {
        uint8_t *grown = realloc(call->stable, stable);
        if (grown == NULL) {
            return false;
        }
        call->stable = grown;
        call->stable_capacity = stable;
    }
    memcpy(call->stable, nng_msg_body(call->message), stable);
    call->stable_size = stable;
    return true;
}

static const char *authorization_of(const rpc_client *client, const rpc_call_options *options)
{
    const char *value =
        options->authorization != NULL ? options->authorization : client->authorization;
    return value == NULL || *value == '\0' ? NULL : value;
}

static status *encode(const rpc_client *client, client_call *call, const ProtobufCMessage *request,
                      const rpc_call_options *options)
{
    char fresh[UUID_TEXT_SIZE];
    const char *request_id = options->request_id;
    if (request_id == NULL) {
        uuid id = uuid_new_v7(clock_wall_us(clock_system()));
        request_id = uuid_format(&id, fresh);
    }
    envelope_call envelope = {
        .service = call->service->name,
        .method = call->method->name,
        .payload = request,
        .authorization = authorization_of(client, options),
        .request_id = request_id,
        .traceparent = options->traceparent,
        .ends = options->ends,
    };
    size_t stable;
    status *failure = envelope_write_request(
        &envelope, call->timeout_ms, client->options.max_message_bytes, &call->message, &stable);
    if (failure == NULL && !call->once && !keep_for_retries(call, stable)) {
        failure = status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return failure;
}

// call has service, method and callback already.
static void start(rpc_client *client, client_call *call, const ProtobufCMessage *request,
                  const rpc_call_options *options)
{
    options = options == NULL ? &no_options : options;
    int64_t timeout_ms =
        options->timeout_ms > 0 ? options->timeout_ms : client->options.default_timeout_ms;
    int64_t longest_ms = ENVELOPE_MAX_TIMEOUT_SECONDS * US_PER_MS;
    call->timeout_ms = timeout_ms < longest_ms ? timeout_ms : longest_ms;
    call->deadline_us = clock_mono_us(clock_system()) + call->timeout_ms * US_PER_MS;
    call->once = options->once;
    status *failure = encode(client, call, request, options);
    if (failure != NULL) {
        client_finish(client, call, failure);
        return;
    }
    call->shares =
        options->prompt && !options->once && nng_msg_len(call->message) <= CLIENT_SHARE_CALL_BYTES;
    client_submit(client, call);
}

// NULL: ret_failure says why.
static client_call *new_call(rpc_client *client, const ProtobufCServiceDescriptor *service,
                             const char *method, status **ret_failure)
{
    const ProtobufCMethodDescriptor *found =
        protobuf_c_service_descriptor_get_method_by_name(service, method);
    if (found == NULL) {
        *ret_failure =
            status_new(STATUS_UNIMPLEMENTED, "%s has no method \"%s\"", service->name, method);
        return NULL;
    }
    client_call *call = client_call_new(client);
    if (call == NULL) {
        *ret_failure = status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    call->service = service;
    call->method = found;
    return call;
}

// NOLINTNEXTLINE(readability-function-size): what a call is made of, and a struct would say no more
void rpc_client_start(rpc_client *client, const ProtobufCServiceDescriptor *service,
                      const char *method, const ProtobufCMessage *request,
                      const rpc_call_options *options, rpc_done_fn *done, void *data)
{
    status *failure = NULL;
    client_call *call = new_call(client, service, method, &failure);
    if (call == NULL) {
        done(data, NULL, failure);
        status_free(failure);
        return;
    }
    call->done = done;
    call->data = data;
    start(client, call, request, options);
}

// ---- waiting ----

typedef struct waiter {
    sem_t answered;
    ProtobufCMessage *reply;
    status *failure;
} waiter;

static void on_answered(void *data, const ProtobufCMessage *reply, const status *failure)
{
    waiter *w = data;
    w->reply = (ProtobufCMessage *) (uintptr_t) reply;  // ours, by heap_reply
    w->failure = status_copy(failure);
    sem_post(&w->answered);
}

status *rpc_client_call(rpc_client *client, const ProtobufCServiceDescriptor *service,
                        const char *method, const ProtobufCMessage *request,
                        const rpc_call_options *options, ProtobufCMessage **ret_reply)
{
    status *failure = NULL;
    client_call *call = new_call(client, service, method, &failure);
    if (call == NULL) {
        return failure;
    }
    waiter w = {.reply = NULL};
    sem_init(&w.answered, 0, 0);
    call->done = on_answered;
    call->data = &w;
    call->heap_reply = true;
    start(client, call, request, options);
    while (sem_wait(&w.answered) != 0 && errno == EINTR) {
    }
    sem_destroy(&w.answered);
    if (w.failure == NULL) {
        *ret_reply = w.reply;
    }
    return w.failure;
}

// ---- stubs ----

typedef struct stub {
    ProtobufCService base;
    rpc_client *client;
} stub;

static void stub_invoke(ProtobufCService *service, unsigned index, const ProtobufCMessage *input,
                        ProtobufCClosure closure, void *closure_data)
{
    rpc_client *client = ((stub *) service)->client;
    client_call *call = client_call_new(client);
    if (call == NULL) {
        closure(NULL, closure_data);
        return;
    }
    call->service = service->descriptor;
    call->method = &service->descriptor->methods[index];
    call->closure = closure;
    call->data = closure_data;
    start(client, call, input, NULL);
}

static void stub_destroy(ProtobufCService *service)
{
    free(service);
}

ProtobufCService *rpc_client_stub(rpc_client *client, const ProtobufCServiceDescriptor *service)
{
    stub *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->base.descriptor = service;
    made->base.invoke = stub_invoke;
    made->base.destroy = stub_destroy;
    made->client = client;
    return &made->base;
}

void rpc_stub_free(ProtobufCService *stub_service)
{
    free(stub_service);
}
