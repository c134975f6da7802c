// server - sockets, listeners and the number of contexts; what a call goes through is in call.c.
#include "rpc/server_internal.h"

#include "rpc/bundle.h"
#include "rpc/stream_guard.h"

#include <nng/protocol/reqrep0/rep.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIB                 ((size_t) 1024 * 1024)
#define GROW_STEP           SERVER_SPARE_CONTEXTS
#define SOCKET_LIMIT_FACTOR 4  // of the message cap: only beyond it the connection is dropped
#define MS_PER_SECOND       1000
#define NS_PER_MS           1000000
#define NS_PER_SECOND       1000000000

void rpc_server_options_init(rpc_server_options *options)
{
    *options = (rpc_server_options){
        .max_message_bytes = 32 * MIB,
        .max_calls = 16384,
        .reserved_calls = 1024,
        .max_parked_per_peer = 8192,
        .max_memory_bytes = 1024 * MIB,
        .send_timeout_ms = 20000,
    };
}

// ---- making and freeing ----

static void server_destroy(rpc_server *server)
{
    bundle_free_spares(server);
    rpc_methods_free(server->methods);
    rpc_park_free(server->park);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

void server_release(rpc_server *server)
{
    if (atomic_fetch_sub(&server->holders, 1) == 1) {
        server_destroy(server);
    }
}

static void init_locks(rpc_server *server)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    rpc_server *server = data;
    if (event == NNG_PIPE_EV_ADD_PRE) {
        if (atomic_load(&server->stopping)) {
            (void) nng_pipe_close(pipe);  // refuses the connection
        }
        rpc_park_pipe_came(server->park, pipe.id);
    } else {
        rpc_park_pipe_went(server->park, pipe.id);
    }
}

static int open_socket(rpc_server *server)
{
    int error = stream_guard_ready() ? nng_rep0_open(&server->socket) : NNG_ENOTSUP;
    if (error != 0) {
        return error;
    }
    server->socket_open = true;
    size_t limit = server->options.max_message_bytes * SOCKET_LIMIT_FACTOR;
    error = nng_socket_set_size(server->socket, NNG_OPT_RECVMAXSZ, limit);
    if (error == 0) {
        error = nng_pipe_notify(server->socket, NNG_PIPE_EV_ADD_PRE, on_pipe, server);
    }
    if (error == 0) {
        error = nng_pipe_notify(server->socket, NNG_PIPE_EV_REM_POST, on_pipe, server);
    }
    return error;
}

status *rpc_server_new(const rpc_server_options *options, rpc_server **ret)
{
    rpc_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    server->options = *options;
    atomic_store(&server->holders, 1);
    init_locks(server);
    size_t reserved = options->reserved_calls;
    size_t may_park = options->max_calls > reserved ? options->max_calls - reserved : 0;
    server->park = rpc_park_new(may_park, options->max_parked_per_peer);
    server->methods = rpc_methods_new();
    int error = NNG_ENOMEM;
    if (server->park != NULL && server->methods != NULL) {
        error = open_socket(server);
    }
    if (error != 0) {
        rpc_server_free(server);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "can not open a socket: %s",
                          nng_strerror(error));
    }
    *ret = server;
    return NULL;
}

void rpc_server_add(rpc_server *server, ProtobufCService *service)
{
    server->methods_lost |= !rpc_methods_add(server->methods, service);
}

// ---- contexts ----

static size_t contexts_wanted(const rpc_server *server)
{
    size_t limit = server->options.max_calls + SERVER_SPARE_CONTEXTS;
    size_t have = atomic_load(&server->contexts);
    size_t room = have < limit ? limit - have : 0;
    return room < GROW_STEP ? room : GROW_STEP;
}

static rpc_call *open_context(rpc_server *server)
{
    rpc_call *call = call_new(server, server->calls);
    if (call != NULL) {
        server->calls = call;
        server->running++;
        atomic_fetch_add(&server->contexts, 1);
    }
    return call;
}

// A context that starts to receive may be given a request at once, on this thread or another one,
// so none is started under the lock.
void server_grow(rpc_server *server)
{
    rpc_call *fresh[GROW_STEP];
    size_t count = 0;
    pthread_mutex_lock(&server->lock);
    size_t wanted = atomic_load(&server->stopping) ? 0 : contexts_wanted(server);
    while (count < wanted && (fresh[count] = open_context(server)) != NULL) {
        count++;
    }
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < count; i++) {
        call_start(fresh[i]);
    }
}

void server_call_done(rpc_server *server)
{
    atomic_fetch_sub(&server->at_work, 1);
    if (atomic_load(&server->stopping)) {
        pthread_mutex_lock(&server->lock);
        pthread_cond_broadcast(&server->changed);
        pthread_mutex_unlock(&server->lock);
    }
}

void server_context_ended(rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->running--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

// ---- listening ----

static status *listen_failure(int error, const char *url)
{
    status_code code = STATUS_INVALID_ARGUMENT;
    if (error == NNG_EADDRINUSE || error == NNG_EPERM) {
        code = STATUS_FAILED_PRECONDITION;
    } else if (error == NNG_ENOMEM || error == NNG_ENOFILES) {
        code = STATUS_RESOURCE_EXHAUSTED;
    }
    return status_new(code, "can not listen on %s: %s", url, nng_strerror(error));
}

// Keepalive finds peers whose host has vanished; only TCP knows it.
static int start_listener(nng_listener listener)
{
    (void) nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true);
    return nng_listener_start(listener, 0);
}

static int copy_url(nng_listener listener, char **ret)
{
    char *text;
    int error = nng_listener_get_string(listener, NNG_OPT_URL, &text);
    if (error != 0) {
        return error;
    }
    *ret = strdup(text);
    nng_strfree(text);
    return *ret == NULL ? NNG_ENOMEM : 0;
}

status *rpc_server_listen(rpc_server *server, const char *url, char **ret_url)
{
    nng_listener listener;
    if (server->calls == NULL) {
        server_grow(server);
    }
    if (server->methods_lost || server->calls == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    int error = nng_listener_create(&listener, server->socket, url);
    if (error != 0) {
        return listen_failure(error, url);
    }
    status *failure = tls_listeners_add(&server->tls, listener, url, &server->options.tls);
    if (failure == NULL) {
        error = start_listener(listener);
        error = error == 0 ? copy_url(listener, ret_url) : error;
        failure = error == 0 ? NULL : listen_failure(error, url);
    }
    if (failure != NULL) {
        nng_listener_close(listener);
    }
    return failure;
}

status *rpc_server_renew_tls(rpc_server *server)
{
    return tls_listeners_renew(&server->tls, &server->options.tls);
}

// ---- stopping ----

static struct timespec deadline_in(int wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / MS_PER_SECOND;
    at.tv_nsec += (long) (wait_ms % MS_PER_SECOND) * NS_PER_MS;
    if (at.tv_nsec >= NS_PER_SECOND) {
        at.tv_sec++;
        at.tv_nsec -= NS_PER_SECOND;
    }
    return at;
}

static void wait_for_calls(rpc_server *server, int wait_ms)
{
    struct timespec until = deadline_in(wait_ms);
    int error = 0;
    pthread_mutex_lock(&server->lock);
    while (atomic_load(&server->at_work) > 0 && error == 0) {
        error = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    }
    pthread_mutex_unlock(&server->lock);
}

static void abandon_calls(rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    for (rpc_call *call = server->calls; call != NULL; call = call_next(call)) {
        // Its hold comes first: the late answer may be under way on another thread.
        atomic_fetch_add(&server->holders, 1);
        if (call_abandon(call)) {
            server->running--;
        } else {
            atomic_fetch_sub(&server->holders, 1);
        }
    }
    pthread_mutex_unlock(&server->lock);
}

static void close_socket(rpc_server *server)
{
    atomic_store(&server->closing, true);
    for (rpc_call *call = server->calls; call != NULL; call = call_next(call)) {
        call_wait_outside(call);
    }
    if (server->socket_open) {
        nng_close(server->socket);
    }
    tls_listeners_fini(&server->tls);
}

static void wait_for_contexts(rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (server->running > 0) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

// Aios are freed only after all of them have been stopped: nng may still look at one on behalf of
// another.
static void free_contexts(rpc_server *server)
{
    for (rpc_call *call = server->calls; call != NULL; call = call_next(call)) {
        call_stop(call);
    }
    rpc_call *next;
    for (rpc_call *call = server->calls; call != NULL; call = next) {
        next = call_next(call);
        call_release(call);
    }
    server->calls = NULL;
}

void rpc_server_stop(rpc_server *server, int wait_ms)
{
    if (server->stopped) {
        return;
    }
    server->stopped = true;
    pthread_mutex_lock(&server->lock);
    atomic_store(&server->stopping, true);
    pthread_mutex_unlock(&server->lock);
    // The listeners stay open: closing one would close the connections that came through it, with
    // the answers under way.
    rpc_park_close(server->park);
    wait_for_calls(server, wait_ms);
    abandon_calls(server);
    close_socket(server);
    wait_for_contexts(server);
    free_contexts(server);
}

void rpc_server_free(rpc_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->park != NULL) {
        rpc_server_stop(server, 0);
    }
    server_release(server);
}

size_t rpc_server_parked(const rpc_server *server)
{
    return rpc_park_count(server->park);
}
