// bundle - several calls that came in one message, and whose answers go back in one.
//
//     carrier: a call with an nng context ---> bundle ---> bundled calls, without contexts
//         ^                                                      |
//         +------------- the last answer sends them all ---------+
#include "rpc/bundle.h"

#include "rpc/call_internal.h"

#include <stdlib.h>

#define MOST_CALLS  256
#define SPARE_CALLS 1024  // kept for bundles to come

typedef struct bundle {
    rpc_call *carrier;
    size_t count;
    _Atomic size_t open;   // calls without an answer, and the thread that starts them
    _Atomic size_t bytes;  // of the answers that wait for the others; in the server's memory, too
    bundled_call **calls;
    nng_msg **answers;  // NULL: there is no room for it
} bundle;

struct bundled_call {
    rpc_call call;  // what methods see
    bundle *whole;
    size_t place;
    bundled_call *next;  // among the spare ones
};

// ---- calls kept for the next bundle ----

static void bundled_call_free(bundled_call *m)
{
    arena_free(m->call.memory);
    free(m);
}

static bundled_call *bundled_call_new(rpc_server *server)
{
    bundled_call *m = calloc(1, sizeof *m);
    if (m == NULL || (m->call.memory = arena_new(0)) == NULL) {
        free(m);
        return NULL;
    }
    m->call.server = server;
    m->call.bundled = m;
    return m;
}

static void put_spares(rpc_server *server, bundled_call **calls, size_t count)
{
    size_t kept = 0;
    pthread_mutex_lock(&server->lock);
    for (; kept < count && server->spare_count < SPARE_CALLS; kept++) {
        calls[kept]->next = server->spares;
        server->spares = calls[kept];
        server->spare_count++;
    }
    pthread_mutex_unlock(&server->lock);
    for (; kept < count; kept++) {
        bundled_call_free(calls[kept]);
    }
}

static size_t take_spares(rpc_server *server, bundled_call **ret, size_t count)
{
    size_t taken = 0;
    pthread_mutex_lock(&server->lock);
    for (; taken < count && server->spares != NULL; taken++) {
        ret[taken] = server->spares;
        server->spares = server->spares->next;
        server->spare_count--;
    }
    pthread_mutex_unlock(&server->lock);
    return taken;
}

void bundle_free_spares(rpc_server *server)
{
    while (server->spares != NULL) {
        bundled_call *next = server->spares->next;
        bundled_call_free(server->spares);
        server->spares = next;
    }
}

// ---- answers ----

static void send_all(bundle *b)
{
    rpc_call *carrier = b->carrier;
    rpc_server *server = carrier->server;
    nng_msg *message =
        envelope_write_answers(b->answers, b->count, server->options.max_message_bytes);
    for (size_t i = 0; i < b->count; i++) {
        nng_msg_free(b->answers[i]);
    }
    atomic_fetch_sub_explicit(&server->memory, atomic_load(&b->bytes), memory_order_relaxed);
    put_spares(server, b->calls, b->count);
    call_send(carrier, message);
}

static void leave(bundle *b)
{
    if (atomic_fetch_sub(&b->open, 1) == 1) {
        send_all(b);
    }
}

static bool reserve(_Atomic size_t *taken, size_t size, size_t cap)
{
    if (atomic_fetch_add(taken, size) + size <= cap) {
        return true;
    }
    atomic_fetch_sub(taken, size);
    return false;
}

// Answers that wait take no more memory than a message may, and have their part in that of all
// calls.
static bool has_room(bundle *b, size_t size)
{
    rpc_server *server = b->carrier->server;
    if (!reserve(&b->bytes, size, server->options.max_message_bytes)) {
        return false;
    }
    if (reserve(&server->memory, size, server->options.max_memory_bytes)) {
        return true;
    }
    atomic_fetch_sub(&b->bytes, size);
    return false;
}

void bundle_answered(rpc_call *call, nng_msg *answer)
{
    bundled_call *m = call->bundled;
    if (answer != NULL && !has_room(m->whole, nng_msg_len(answer))) {
        nng_msg_free(answer);
        answer = NULL;
    }
    m->whole->answers[m->place] = answer;
    server_call_done(call->server);
    leave(m->whole);
}

// ---- calls ----

status *bundle_check(const rpc_call *carrier)
{
    const envelope_request *request = &carrier->request;
    size_t count = request->calls;
    if (carrier->bundled != NULL) {
        return status_bad_field("calls", "stands in a call that came with others");
    }
    if (request->method.size > 0 || request->payload.size > 0) {
        return status_bad_field("calls", "stands beside a call");
    }
    return count <= MOST_CALLS
               ? NULL
               : status_bad_field("calls", "has %zu calls, more than %d", count, MOST_CALLS);
}

static bool find_calls(bundle *b)
{
    rpc_server *server = b->carrier->server;
    size_t have = take_spares(server, b->calls, b->count);
    while (have < b->count && (b->calls[have] = bundled_call_new(server)) != NULL) {
        have++;
    }
    if (have < b->count) {
        put_spares(server, b->calls, have);
    }
    return have == b->count;
}

// It lives in the carrier's arena.
static bundle *bundle_new(rpc_call *carrier)
{
    size_t count = carrier->request.calls;
    bundle *b = arena_zalloc(carrier->memory, sizeof *b);
    if (b == NULL) {
        return NULL;
    }
    b->carrier = carrier;
    b->count = count;
    b->calls = arena_zalloc(carrier->memory, count * sizeof(bundled_call *));
    b->answers = arena_zalloc(carrier->memory, count * sizeof(nng_msg *));
    if (b->calls == NULL || b->answers == NULL || !find_calls(b)) {
        return NULL;
    }
    atomic_store(&b->open, count + 1);
    return b;
}

static void serve_one(bundle *b, size_t place, slice encoded)
{
    bundled_call *m = b->calls[place];
    ProtobufCMessage *input = NULL;
    m->whole = b;
    m->place = place;
    atomic_fetch_add(&b->carrier->server->at_work, 1);
    if (call_begin(&m->call, b->carrier->pipe, encoded, &input)) {
        call_invoke(&m->call, input);
    }
}

void bundle_serve(rpc_call *carrier, nng_msg *message)
{
    const rpc_server_options *options = &carrier->server->options;
    bundle *b = bundle_new(carrier);
    if (b == NULL) {
        nng_msg_free(message);
        rpc_call_fail(carrier, status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
        return;
    }
    slice left = {nng_msg_body(message), nng_msg_len(message)};
    slice encoded;
    if (options->together != NULL) {
        options->together(options->together_data, true);
    }
    for (size_t i = 0; envelope_next_call(&left, &encoded); i++) {
        serve_one(b, i, encoded);
    }
    if (options->together != NULL) {
        options->together(options->together_data, false);
    }
    nng_msg_free(message);
    leave(b);
}
