// collector - the server's end of the result pipeline: PULL, decode, hand to the engine.
//
// One receive at a time; the memory of batches that the engine has not applied yet counts against a
// cap, decoded as they are, and at the cap nothing more is received: the workers' sockets fill up,
// and the workers wait.
#include "service/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "rpc/tls_listeners.h"
#include "rpc/wire.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <stdlib.h>
#include <string.h>

#define LOG_EVERY_US 1000000

struct collector {
    service *service;
    nng_socket socket;
    tls_listeners tls;
    nng_aio *aio;
    pthread_mutex_t lock;
    pthread_cond_t settled;
    size_t held_bytes, pending;
    bool paused, closing;
    int64_t logged_us;  // monotonic: when a refusal was logged last
    int64_t unlogged;   // refusals since
};

typedef struct batch {
    engine_outcomes outcomes;
    collector *collector;
    arena *memory;
    bool is_plain;     // taken as it came: the results are in the message, which is kept
    nng_msg *message;  // NULL: not kept
    size_t bytes;      // that it is held for
} batch;

static bool is_full(const collector *c)
{
    return c->held_bytes >= c->service->options.max_held_bytes;
}

static void settle(collector *c, size_t bytes)
{
    (void) pthread_mutex_lock(&c->lock);
    c->held_bytes -= bytes;
    c->pending--;
    atomic_fetch_sub(&c->service->batches_pending, 1);
    bool resume = c->paused && !c->closing && !is_full(c);
    if (resume) {
        c->paused = false;
    }
    (void) pthread_cond_signal(&c->settled);
    if (resume) {
        nng_recv_aio(c->socket, c->aio);
    }
    (void) pthread_mutex_unlock(&c->lock);
}

static void batch_done(engine_command *command)
{
    batch *b = command->owner;
    if (command->failure != NULL) {
        log_warn("outcomes_not_stored", LOG_STATUS(command->failure));
        status_free(command->failure);
    }
    collector *c = b->collector;
    size_t bytes = b->bytes;
    nng_msg_free(b->message);
    arena_free(b->memory);
    settle(c, bytes);
}

// Anybody who can connect can send nonsense: one line a second is enough.
static void refused(collector *c, const status *failure)
{
    int64_t now_us = clock_mono_us(clock_system());
    if (c->logged_us != 0 && now_us - c->logged_us < LOG_EVERY_US) {
        c->unlogged++;
        return;
    }
    log_warn("outcomes_refused", LOG_STATUS(failure), LOG_INT("unlogged", c->unlogged));
    c->logged_us = now_us;
    c->unlogged = 0;
}

static bool fits(const collector *c, slice message)
{
    return message.size <= c->service->options.max_message_bytes;
}

// The batch as it is, or NULL and why it can not be taken: the cap, or its bytes.
static status *decode(const collector *c, slice message, arena *memory,
                      Errand__V1__OutcomeBatch **ret)
{
    ProtobufCMessage *decoded = NULL;
    size_t size = message.size, most = c->service->options.max_message_bytes;
    if (!fits(c, message)) {
        return status_new(STATUS_RESOURCE_EXHAUSTED,
                          "a batch of %zu bytes is larger than the cap of %zu bytes", size, most);
    }
    // As the RPC server decodes requests.
    size_t cap = 65536 + (size < most / 32 ? 128 * size : 4 * most);
    status *failure = wire_decode_within(&errand__v1__outcome_batch__descriptor, message, memory,
                                         cap, &(size_t){0}, &decoded);
    *ret = (Errand__V1__OutcomeBatch *) decoded;
    return failure;
}

// Whose outcomes they are: those of a worker whose token may work. Others are not acknowledged.
static status *authorize(const collector *c, slice message, arena *memory, rpc_caller *ret)
{
    *ret = (rpc_caller){.name = ""};
    if (c->service->options.access == NULL) {
        return NULL;
    }
    return access_authorize(c->service->options.access, "/errand.v1.WorkerService/Report",
                            salvage_authorization(message, memory), ret);
}

// Of a batch that can not be decoded each outcome is refused. It is acknowledged all the same: the
// worker would push it for ever.
static status *read_decoded(collector *c, const access_grant *grant, slice message, batch *ret)
{
    Errand__V1__OutcomeBatch *sent = NULL;
    status *why = decode(c, message, ret->memory, &sent);
    if (why != NULL) {
        sent = salvage(message, why->code == STATUS_INVALID_ARGUMENT, ret->memory);
    }
    if (sent == NULL) {
        return why;
    }
    status *failure = outcomes_take(c->service, grant, sent, why, &ret->outcomes);
    if (why != NULL && failure == NULL) {
        refused(c, why);
    }
    status_free(why);
    return failure;
}

static status *read(collector *c, slice message, batch *ret)
{
    rpc_caller caller;
    status *failure = authorize(c, message, ret->memory, &caller);
    if (failure != NULL) {
        return failure;
    }
    ret->outcomes.memory = ret->memory;
    ret->is_plain =
        fits(c, message) && outcomes_take_plain(c->service, caller.grant, message, &ret->outcomes);
    return ret->is_plain ? NULL : read_decoded(c, caller.grant, message, ret);
}

// Batches of many small outcomes take many times their bytes once they are decoded.
static void hold(collector *c, batch *b)
{
    size_t bytes = arena_bytes(b->memory) + (b->message != NULL ? nng_msg_len(b->message) : 0);
    (void) pthread_mutex_lock(&c->lock);
    c->held_bytes += bytes - b->bytes;
    (void) pthread_mutex_unlock(&c->lock);
    b->bytes = bytes;
}

// NULL, and why it can not be taken: then the memory is the caller's still.
static batch *make_batch(collector *c, slice message, arena *memory, status **ret_failure)
{
    batch *b = memory != NULL ? arena_zalloc(memory, sizeof *b) : NULL;
    if (b == NULL) {
        *ret_failure = status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    b->collector = c;
    b->memory = memory;
    b->bytes = message.size;
    *ret_failure = read(c, message, b);
    return *ret_failure == NULL ? b : NULL;
}

static void take(collector *c, nng_msg *message)
{
    size_t size = nng_msg_len(message);
    arena *memory = arena_new(0);
    status *failure = NULL;
    (void) pthread_mutex_lock(&c->lock);
    c->held_bytes += size;
    c->pending++;
    atomic_fetch_add(&c->service->batches_pending, 1);
    (void) pthread_mutex_unlock(&c->lock);
    batch *b = make_batch(c, (slice){nng_msg_body(message), size}, memory, &failure);
    if (b != NULL && b->is_plain) {
        b->message = message;
    } else {
        nng_msg_free(message);
    }
    if (b == NULL) {
        refused(c, failure);
        status_free(failure);
        arena_free(memory);
        settle(c, size);
        return;
    }
    hold(c, b);
    b->outcomes.command = (engine_command){.verb = ENGINE_OUTCOMES, .done = batch_done, .owner = b};
    engine_post(c->service->options.engine, &b->outcomes.command);
}

static void receive_again(collector *c)
{
    (void) pthread_mutex_lock(&c->lock);
    c->paused = is_full(c);
    if (!c->paused && !c->closing) {
        nng_recv_aio(c->socket, c->aio);
    }
    (void) pthread_mutex_unlock(&c->lock);
}

size_t collector_held_bytes(collector *c)
{
    (void) pthread_mutex_lock(&c->lock);
    size_t bytes = c->held_bytes;
    (void) pthread_mutex_unlock(&c->lock);
    return bytes;
}

static void on_received(void *data)
{
    collector *c = data;
    if (nng_aio_result(c->aio) != 0) {
        return;
    }
    nng_msg *message = nng_aio_get_msg(c->aio);
    nng_aio_set_msg(c->aio, NULL);
    take(c, message);
    receive_again(c);
}

static status *nng_failure(int error, const char *what)
{
    return error == 0 ? NULL : status_new(STATUS_UNAVAILABLE, "%s: %s", what, nng_strerror(error));
}

status *collector_open(service *s, collector **ret)
{
    collector *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    c->service = s;
    (void) pthread_mutex_init(&c->lock, NULL);
    (void) pthread_cond_init(&c->settled, NULL);
    int error = nng_pull0_open(&c->socket);
    if (error == 0) {
        error = nng_socket_set_size(c->socket, NNG_OPT_RECVMAXSZ, 4 * s->options.max_message_bytes);
    }
    if (error == 0) {
        error = nng_aio_alloc(&c->aio, on_received, c);
    }
    if (error != 0) {
        free(c);
        return nng_failure(error, "result pipeline");
    }
    nng_recv_aio(c->socket, c->aio);
    *ret = c;
    return NULL;
}

static status *real_url(nng_listener listener, const char *url, char **ret)
{
    char *text = NULL;
    // The port is known only after binding; inproc and ipc keep their names.
    if (nng_listener_get_string(listener, NNG_OPT_URL, &text) == 0) {
        *ret = strdup(text);
        nng_strfree(text);
    } else {
        *ret = strdup(url);
    }
    return *ret != NULL ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *listen_failure(int error, const char *url)
{
    return status_new(error == NNG_EADDRINUSE ? STATUS_FAILED_PRECONDITION : STATUS_UNAVAILABLE,
                      "can not listen on %s: %s", url, nng_strerror(error));
}

status *collector_listen(collector *c, const char *url, const tls_files *files, char **ret_url)
{
    nng_listener listener;
    int error = nng_listener_create(&listener, c->socket, url);
    if (error != 0) {
        return listen_failure(error, url);
    }
    status *failure = tls_listeners_add(&c->tls, listener, url, files);
    if (failure == NULL) {
        error = nng_listener_start(listener, 0);
        failure = error != 0 ? listen_failure(error, url) : real_url(listener, url, ret_url);
    }
    if (failure != NULL) {
        (void) nng_listener_close(listener);
    }
    return failure;
}

status *collector_renew_tls(collector *c, const tls_files *files)
{
    return tls_listeners_renew(&c->tls, files);
}

void collector_close(collector *c)
{
    if (c == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&c->lock);
    c->closing = true;
    (void) pthread_mutex_unlock(&c->lock);
    nng_aio_stop(c->aio);
    (void) pthread_mutex_lock(&c->lock);
    while (c->pending > 0) {
        (void) pthread_cond_wait(&c->settled, &c->lock);
    }
    (void) pthread_mutex_unlock(&c->lock);
    (void) nng_close(c->socket);
    tls_listeners_fini(&c->tls);
    nng_aio_free(c->aio);
    (void) pthread_mutex_destroy(&c->lock);
    (void) pthread_cond_destroy(&c->settled);
    free(c);
}
