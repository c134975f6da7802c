// call - one REP context of the server: receives a request, has it served, sends the answer.
//
//                  a request came           answered                 left
//     RECEIVING ------------------> AT_WORK ----------> SENDING ------------> RECEIVING
//                                      |
//                                      | the server is closed
//                                      v
//                                  ABANDONED: the answer, when it comes, only frees the call
//
// A context is touched by one thread at a time: by nng's while it receives or sends, by whoever
// holds the call while it is at work. Only call_abandon comes from outside, hence the atomic phase.
#include "rpc/bundle.h"
#include "rpc/call_internal.h"

#include "base/clock.h"

#include <stdlib.h>

// ---- to the service ----

bool call_begin(rpc_call *call, nng_pipe pipe, slice encoded, ProtobufCMessage **ret)
{
    call->pipe = pipe;
    call->request_id = NULL;
    call->method = NULL;
    call->start_us = clock_mono_us(clock_system());
    call->request = (envelope_request){.metadata = NULL};
    status *failure = call_open(call, encoded, ret);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    }
    return failure == NULL;
}

void call_invoke(rpc_call *call, const ProtobufCMessage *input)
{
    const rpc_method *method = call->method;
    method->service->invoke(method->service, method->index, input, rpc_call_reply_closure, call);
}

// All that the service gets to see has been copied: the message itself can go at once.
static void serve(rpc_call *call, nng_msg *message)
{
    ProtobufCMessage *input = NULL;
    slice encoded = {nng_msg_body(message), nng_msg_len(message)};
    bool begun = call_begin(call, nng_msg_get_pipe(message), encoded, &input);
    if (begun && call->request.calls > 0) {
        bundle_serve(call, message);
        return;
    }
    nng_msg_free(message);
    if (begun) {
        call_invoke(call, input);
    }
}

// ---- the chain of receive and send ----

static void receive(rpc_call *call)
{
    rpc_server *server = call->server;
    if (!gate_enter(&call->inside, &server->closing)) {
        server_context_ended(server);
        return;
    }
    atomic_store_explicit(&call->phase, RECEIVING, memory_order_release);
    nng_aio_set_timeout(call->aio, NNG_DURATION_INFINITE);
    nng_ctx_recv(call->context, call->aio);
    gate_leave(&call->inside);
}

static void on_received(rpc_call *call)
{
    rpc_server *server = call->server;
    if (nng_aio_result(call->aio) != 0) {
        server_context_ended(server);
        return;
    }
    nng_msg *message = nng_aio_get_msg(call->aio);
    nng_aio_set_msg(call->aio, NULL);
    atomic_store_explicit(&call->phase, AT_WORK, memory_order_release);
    size_t at_work = atomic_fetch_add(&server->at_work, 1) + 1;
    size_t contexts = atomic_load_explicit(&server->contexts, memory_order_relaxed);
    if (at_work + SERVER_SPARE_CONTEXTS / 2 > contexts) {
        server_grow(server);
    }
    serve(call, message);
}

static void on_sent(rpc_call *call)
{
    rpc_server *server = call->server;
    int error = nng_aio_result(call->aio);
    if (error != 0) {
        nng_msg_free(nng_aio_get_msg(call->aio));
        nng_aio_set_msg(call->aio, NULL);
    }
    if (error == NNG_ETIMEDOUT) {  // or else a peer that does not read could hold every context
        (void) nng_pipe_close(call->pipe);  // gone already: as good
    }
    server_call_done(server);
    if (error == NNG_ECLOSED || error == NNG_ECANCELED) {
        server_context_ended(server);
        return;
    }
    receive(call);
}

static void on_aio(void *data)
{
    rpc_call *call = data;
    if (atomic_load_explicit(&call->phase, memory_order_acquire) == SENDING) {
        on_sent(call);
    } else {
        on_received(call);
    }
}

// ---- life ----

static void call_free(rpc_call *call)
{
    arena_free(call->memory);
    free(call);
}

rpc_call *call_new(rpc_server *server, rpc_call *next)
{
    rpc_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    call->server = server;
    call->next = next;
    atomic_store(&call->holders, 1);
    call->memory = arena_new(0);
    if (call->memory == NULL || nng_aio_alloc(&call->aio, on_aio, call) != 0) {
        call_free(call);
        return NULL;
    }
    if (nng_ctx_open(&call->context, server->socket) != 0) {
        nng_aio_free(call->aio);
        call_free(call);
        return NULL;
    }
    return call;
}

rpc_call *call_next(const rpc_call *call)
{
    return call->next;
}

void call_start(rpc_call *call)
{
    receive(call);
}

bool call_abandon(rpc_call *call)
{
    phase expected = AT_WORK;
    atomic_fetch_add(&call->holders, 1);
    if (atomic_compare_exchange_strong(&call->phase, &expected, ABANDONED)) {
        return true;
    }
    atomic_fetch_sub(&call->holders, 1);
    return false;
}

void call_wait_outside(rpc_call *call)
{
    gate_wait(&call->inside);
}

void call_stop(rpc_call *call)
{
    nng_aio_stop(call->aio);
}

void call_release(rpc_call *call)
{
    nng_aio_free(call->aio);
    if (atomic_fetch_sub(&call->holders, 1) == 1) {
        call_free(call);
    }
}

// The server was closed before this answer came.
static void answer_too_late(rpc_call *call, nng_msg *message)
{
    rpc_server *server = call->server;
    nng_msg_free(message);
    if (atomic_fetch_sub(&call->holders, 1) == 1) {
        call_free(call);
    }
    server_release(server);
}

// ---- answers ----

void call_forget_request(rpc_call *call)
{
    if (call->place.parked) {
        rpc_park_remove(call->server->park, &call->place);
    }
    if (call->memory_bytes > 0) {
        atomic_fetch_sub_explicit(&call->server->memory, call->memory_bytes, memory_order_relaxed);
        call->memory_bytes = 0;
    }
}

// Once the phase is SENDING and the message is with nng the call may already be the next one.
void call_send(rpc_call *call, nng_msg *message)
{
    phase expected = AT_WORK;
    call_forget_request(call);
    arena_reset(call->memory);
    if (call->bundled != NULL) {
        bundle_answered(call, message);
        return;
    }
    if (!atomic_compare_exchange_strong(&call->phase, &expected, SENDING)) {
        answer_too_late(call, message);
        return;
    }
    // Without memory for any answer the caller's deadline has to do.
    if (message == NULL || !gate_enter(&call->inside, &call->server->closing)) {
        nng_msg_free(message);
        server_call_done(call->server);
        receive(call);
        return;
    }
    nng_aio_set_msg(call->aio, message);
    nng_aio_set_timeout(call->aio, call->server->options.send_timeout_ms);
    nng_ctx_send(call->context, call->aio);
    gate_leave(&call->inside);
}

void call_count_ended(const rpc_call *call, status_code code)
{
    call_metrics_ended(call->method != NULL ? call->method->metrics : NULL, code,
                       clock_mono_us(clock_system()) - call->start_us);
}

void rpc_call_fail(rpc_call *call, status *failure)
{
    if (call->local != NULL) {
        local_fail(call, failure);
        return;
    }
    call_count_ended(call, failure->code);
    nng_msg *message = envelope_write_failure(
        failure, call->request_id, call->server->options.max_message_bytes, call->memory);
    status_free(failure);
    call_send(call, message);
}

static void send_reply(rpc_call *call, const ProtobufCMessage *reply)
{
    nng_msg *message;
    status *failure = envelope_write_reply(reply, call->request_id,
                                           call->server->options.max_message_bytes, &message);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    call_count_ended(call, STATUS_OK);
    call_send(call, message);
}

void rpc_call_answer(rpc_call *call, const ProtobufCMessage *reply)
{
    if (call->local != NULL) {
        local_answer(call, reply, false);
    } else {
        send_reply(call, reply);
    }
}

void rpc_call_answer_kept(rpc_call *call, const ProtobufCMessage *reply)
{
    if (call->local != NULL) {
        local_answer(call, reply, true);
    } else {
        send_reply(call, reply);
    }
}

void rpc_call_reply_closure(const ProtobufCMessage *reply, void *closure_data)
{
    rpc_call *call = rpc_call_of(closure_data);
    if (reply == NULL) {
        rpc_call_fail(call, status_new(STATUS_INTERNAL, "%s gave no answer", call->method->name));
        return;
    }
    rpc_call_answer(call, reply);
}

bool rpc_call_park(rpc_call *call, rpc_gone_fn *gone, void *data, uint64_t ticket)
{
    if (call->bundled != NULL) {
        return false;  // others would wait with it
    }
    call->place.gone = gone;
    call->place.data = data;
    call->place.ticket = ticket;
    call->place.request_id = call->request_id;
    call->place.method = call->method;
    call->place.caller = call->caller.name;
    return rpc_park_add(call->server->park, call->pipe.id, &call->place);
}

// ---- what methods may ask ----

arena *rpc_call_arena(rpc_call *call)
{
    return call->memory;
}

const char *rpc_call_caller(const rpc_call *call)
{
    return call->caller.name;
}

const void *rpc_call_grant(const rpc_call *call)
{
    return call->caller.grant;
}

const char *rpc_call_metadata(const rpc_call *call, const char *key)
{
    return envelope_metadata(&call->request, key);
}

const char *rpc_call_request_id(const rpc_call *call)
{
    return call->request_id;
}

int64_t rpc_call_deadline_us(const rpc_call *call)
{
    return call->deadline_us;
}

bool rpc_call_is_encoded(const rpc_call *call)
{
    return call->local == NULL;
}
