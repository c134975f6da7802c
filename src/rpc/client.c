// client - socket, lanes and queue; what one call goes through is in lane.c.
#include "rpc/client_internal.h"

#include "rpc/stream_guard.h"
#include "rpc/tls.h"

#include <nng/protocol/reqrep0/req.h>
#include <stdlib.h>
#include <string.h>

#define MIB                 ((size_t) 1024 * 1024)
#define SOCKET_LIMIT_FACTOR 4  // of the message cap, as on the server
#define RECONNECT_FIRST_MS  50
#define RECONNECT_LAST_MS   1000

void rpc_client_options_init(rpc_client_options *options)
{
    *options = (rpc_client_options){
        .max_message_bytes = 32 * MIB,
        .max_in_flight = 4096,
        .default_timeout_ms = 30000,
    };
}

// ---- opening ----

// Requests may go out before ADD_POST, so the pipe is known from ADD_PRE on.
static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    rpc_client *client = data;
    pthread_mutex_lock(&client->lock);
    if (event == NNG_PIPE_EV_ADD_PRE) {
        client->connected = true;
        client->pipe = pipe;
    } else if (event == NNG_PIPE_EV_ADD_POST) {
        atomic_store(&client->ever_connected, true);
        atomic_store(&client->alone, false);  // maybe a newer server
    } else if (client->pipe.id == pipe.id) {
        client->connected = false;
    }
    pthread_mutex_unlock(&client->lock);
}

static int watch_pipes(rpc_client *client)
{
    int error = nng_pipe_notify(client->socket, NNG_PIPE_EV_ADD_PRE, on_pipe, client);
    if (error == 0) {
        error = nng_pipe_notify(client->socket, NNG_PIPE_EV_ADD_POST, on_pipe, client);
    }
    if (error == 0) {
        error = nng_pipe_notify(client->socket, NNG_PIPE_EV_REM_POST, on_pipe, client);
    }
    return error;
}

static int set_up_socket(rpc_client *client)
{
    nng_socket socket = client->socket;
    size_t limit = client->options.max_message_bytes * SOCKET_LIMIT_FACTOR;
    int error = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, limit);
    if (error == 0) {
        error = nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    }
    if (error == 0) {
        error = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, RECONNECT_FIRST_MS);
    }
    if (error == 0) {
        error = nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, RECONNECT_LAST_MS);
    }
    return error == 0 ? watch_pipes(client) : error;
}

static status *dial_failure(int error, const char *url)
{
    status_code code = error == NNG_ENOMEM ? STATUS_RESOURCE_EXHAUSTED : STATUS_INVALID_ARGUMENT;
    return error == 0 ? NULL : status_new(code, "can not dial %s: %s", url, nng_strerror(error));
}

static status *dial(rpc_client *client)
{
    const char *url = client->url;
    int error = nng_dialer_create(&client->dialer, client->socket, url);
    if (error != 0) {
        return dial_failure(error, url);
    }
    status *failure = tls_dialer(client->dialer, url, &client->options.tls);
    client->options.tls = (tls_files){0};  // was borrowed
    if (failure != NULL) {
        return failure;
    }
    // Keepalive finds a host that has vanished; only TCP knows it.
    (void) nng_dialer_set_bool(client->dialer, NNG_OPT_TCP_KEEPALIVE, true);
    return dial_failure(nng_dialer_start(client->dialer, NNG_FLAG_NONBLOCK), url);
}

static int open_socket(rpc_client *client)
{
    int error = nng_aio_alloc(&client->queue_timer, client_on_queue_timer, client);
    if (error != 0) {
        return error;
    }
    error = stream_guard_ready() ? nng_req0_open(&client->socket) : NNG_ENOTSUP;
    if (error != 0) {
        return error;
    }
    client->socket_open = true;
    return set_up_socket(client);
}

static bool copy_options(rpc_client *client, const rpc_client_options *options)
{
    client->options = *options;
    client->url = strdup(options->url);
    client->options.url = client->url;
    if (options->authorization != NULL) {
        client->authorization = strdup(options->authorization);
        client->options.authorization = client->authorization;
    }
    return client->url != NULL && (options->authorization == NULL || client->authorization);
}

status *rpc_client_open(const rpc_client_options *options, rpc_client **ret)
{
    rpc_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->idle, NULL);
    client->sharing.patience_us = CLIENT_SHARING_PATIENCE_US;
    int error = copy_options(client, options) ? open_socket(client) : NNG_ENOMEM;
    status *failure = error == 0 ? dial(client) : dial_failure(error, options->url);
    if (failure != NULL) {
        rpc_client_close(client);
        return failure;
    }
    *ret = client;
    return NULL;
}

// ---- closing ----

static void fail_everything(rpc_client *client)
{
    client_shut_queue(client);
    // No lane is added any more, and none starts to pause.
    atomic_store(&client->shut, true);
    for (lane *l = client->lanes; l != NULL; l = lane_next(l)) {
        lane_cancel(l);
        lane_wait_outside(l);
    }
    if (client->socket_open) {
        nng_close(client->socket);
    }
    pthread_mutex_lock(&client->lock);
    while (client->busy > 0) {
        pthread_cond_wait(&client->idle, &client->lock);
    }
    pthread_mutex_unlock(&client->lock);
}

// Aios are freed only after all of them have been stopped: nng may still look at one on behalf of
// another.
static void free_lanes(rpc_client *client)
{
    for (lane *l = client->lanes; l != NULL; l = lane_next(l)) {
        lane_stop(l);
    }
    lane *next;
    for (lane *l = client->lanes; l != NULL; l = next) {
        next = lane_next(l);
        lane_free(l);
    }
}

void rpc_client_close(rpc_client *client)
{
    if (client == NULL) {
        return;
    }
    fail_everything(client);
    if (client->queue_timer != NULL) {
        nng_aio_stop(client->queue_timer);
        nng_aio_free(client->queue_timer);
    }
    free_lanes(client);
    client_free_spares(client);
    pthread_cond_destroy(&client->idle);
    pthread_mutex_destroy(&client->lock);
    free(client->url);
    free(client->authorization);
    free(client);
}

void rpc_client_reconnect(rpc_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool connected = client->connected;
    nng_pipe pipe = client->pipe;
    pthread_mutex_unlock(&client->lock);
    if (connected) {
        (void) nng_pipe_close(pipe);  // gone already: as good
    }
}

bool rpc_client_is_connected(rpc_client *client)
{
    return client_is_connected(client);
}
