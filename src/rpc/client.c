// client - socket, lanes and queue; what one call goes through is in lane.c.
#include "rpc/client_internal.h"

#include "base/clock.h"

#include <nng/protocol/reqrep0/req.h>
#include <stdlib.h>
#include <string.h>

#define MIB                 ((size_t) 1024 * 1024)
#define SOCKET_LIMIT_FACTOR 4  // of the message cap, as on the server
#define RECONNECT_FIRST_MS  50
#define RECONNECT_LAST_MS   1000
#define US_PER_MS           1000
#define LONGEST_SLEEP_MS    INT64_C(3600000)
#define SPARE_CALLS         1024
#define KEPT_STABLE_BYTES   ((size_t) 64 * 1024)  // larger buffers are not kept for reuse

void rpc_client_options_init(rpc_client_options *options)
{
    *options = (rpc_client_options){
        .max_message_bytes = 32 * MIB,
        .max_in_flight = 4096,
        .default_timeout_ms = 30000,
    };
}

status *client_closed(void)
{
    return status_new(STATUS_CANCELLED, "the client was closed");
}

// ---- opening ----

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    rpc_client *client = data;
    pthread_mutex_lock(&client->lock);
    if (event == NNG_PIPE_EV_ADD_POST) {
        atomic_store(&client->ever_connected, true);
        client->connected = true;
        client->pipe = pipe;
    } else if (client->pipe.id == pipe.id) {
        client->connected = false;
    }
    pthread_mutex_unlock(&client->lock);
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
    if (error == 0) {
        error = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_pipe, client);
    }
    if (error == 0) {
        error = nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_pipe, client);
    }
    return error;
}

static int dial(rpc_client *client)
{
    nng_dialer dialer;
    int error = nng_dialer_create(&dialer, client->socket, client->url);
    if (error != 0) {
        return error;
    }
    // Keepalive finds a host that has vanished; only TCP knows it.
    (void) nng_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true);
    return nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
}

static void on_queue_timer(void *data);

static int open_socket(rpc_client *client)
{
    int error = nng_aio_alloc(&client->queue_timer, on_queue_timer, client);
    if (error != 0) {
        return error;
    }
    error = nng_req0_open(&client->socket);
    if (error != 0) {
        return error;
    }
    client->socket_open = true;
    error = set_up_socket(client);
    return error == 0 ? dial(client) : error;
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
    client->queue_end = &client->queue;
    int error = copy_options(client, options) ? open_socket(client) : NNG_ENOMEM;
    if (error != 0) {
        rpc_client_close(client);
        status_code code =
            error == NNG_ENOMEM ? STATUS_RESOURCE_EXHAUSTED : STATUS_INVALID_ARGUMENT;
        return status_new(code, "can not dial %s: %s", options->url, nng_strerror(error));
    }
    *ret = client;
    return NULL;
}

// ---- calls ----

client_call *client_call_new(rpc_client *client)
{
    pthread_mutex_lock(&client->lock);
    client_call *call = client->spare_calls;
    if (call != NULL) {
        client->spare_calls = call->next;
        client->spare_count--;
    }
    pthread_mutex_unlock(&client->lock);
    return call != NULL ? call : calloc(1, sizeof *call);
}

static void call_free(client_call *call)
{
    nng_msg_free(call->message);
    free(call->stable);
    free(call);
}

void client_recycle(rpc_client *client, client_call *call)
{
    if (call->stable_capacity > KEPT_STABLE_BYTES) {
        call_free(call);
        return;
    }
    nng_msg_free(call->message);
    *call = (client_call){.stable = call->stable, .stable_capacity = call->stable_capacity};
    pthread_mutex_lock(&client->lock);
    bool keep = client->spare_count < SPARE_CALLS;
    if (keep) {
        call->next = client->spare_calls;
        client->spare_calls = call;
        client->spare_count++;
    }
    pthread_mutex_unlock(&client->lock);
    if (!keep) {
        call_free(call);
    }
}

void client_call_done(const client_call *call, const ProtobufCMessage *reply, const status *failure)
{
    if (call->closure != NULL) {
        call->closure(reply, call->data);
    } else {
        call->done(call->data, reply, failure);
    }
}

void client_finish(rpc_client *client, client_call *call, status *failure)
{
    client_call_done(call, NULL, failure);
    status_free(failure);
    client_recycle(client, call);
}

// ---- lanes and queue ----

static lane *take_lane(rpc_client *client)
{
    lane *l = client->free_lanes;
    if (l != NULL) {
        client->free_lanes = lane_next_free(l);
    } else if (client->lane_count < client->options.max_in_flight) {
        l = lane_new(client, client->lanes);
        if (l != NULL) {
            client->lanes = l;
            client->lane_count++;
        }
    }
    client->busy += l != NULL;
    return l;
}

// A timer that is set for later is woken, to be set anew.
static void set_timer(rpc_client *client, int64_t at_us)
{
    if (client->timer_set) {
        if (at_us < client->timer_us) {
            nng_aio_cancel(client->queue_timer);
        }
        return;
    }
    int64_t wait_ms = (at_us - clock_mono_us(clock_system())) / US_PER_MS + 1;
    wait_ms = wait_ms < 1 ? 1 : wait_ms;
    client->timer_set = true;
    client->timer_us = at_us;
    nng_sleep_aio((nng_duration) (wait_ms < LONGEST_SLEEP_MS ? wait_ms : LONGEST_SLEEP_MS),
                  client->queue_timer);
}

static void enqueue(rpc_client *client, client_call *call)
{
    call->next = NULL;
    *client->queue_end = call;
    client->queue_end = &call->next;
    set_timer(client, call->deadline_us);
}

void client_submit(rpc_client *client, client_call *call)
{
    pthread_mutex_lock(&client->lock);
    bool closing = client->closing;
    lane *l = closing ? NULL : take_lane(client);
    bool lost = l == NULL && client->lane_count == 0;  // nobody would ever take it from the queue
    if (!closing && l == NULL && !lost) {
        enqueue(client, call);
    }
    pthread_mutex_unlock(&client->lock);
    if (closing) {
        client_finish(client, call, client_closed());
    } else if (l != NULL) {
        lane_run(l, call);
    } else if (lost) {
        client_finish(client, call, status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
    }
}

client_call *client_next(rpc_client *client, lane *free_lane)
{
    pthread_mutex_lock(&client->lock);
    client_call *call = client->queue;
    if (call != NULL) {
        client->queue = call->next;
        if (client->queue == NULL) {
            client->queue_end = &client->queue;
        }
    } else {
        lane_set_next_free(free_lane, client->free_lanes);
        client->free_lanes = free_lane;
        client->busy--;
        if (client->closing && client->busy == 0) {
            pthread_cond_broadcast(&client->idle);
        }
    }
    pthread_mutex_unlock(&client->lock);
    return call;
}

// Takes the calls out of the queue whose deadline is over (all: every call), oldest first;
// ret_next_us is the earliest deadline of the others.
static client_call *take_expired(rpc_client *client, bool all, int64_t *ret_next_us)
{
    int64_t now = clock_mono_us(clock_system());
    client_call *expired = NULL;
    client_call **expired_end = &expired;
    client_call **at = &client->queue;
    *ret_next_us = INT64_MAX;
    while (*at != NULL) {
        client_call *call = *at;
        if (all || call->deadline_us <= now) {
            *at = call->next;
            call->next = NULL;
            *expired_end = call;
            expired_end = &call->next;
            continue;
        }
        *ret_next_us = call->deadline_us < *ret_next_us ? call->deadline_us : *ret_next_us;
        at = &call->next;
    }
    client->queue_end = at;
    return expired;
}

static void fail_queued(rpc_client *client, client_call *calls, bool closed)
{
    while (calls != NULL) {
        client_call *call = calls;
        calls = call->next;
        status *failure = closed ? client_closed()
                                 : status_new(STATUS_DEADLINE_EXCEEDED,
                                              "%s/%s waited %lld ms behind other calls to %s",
                                              call->service->name, call->method->name,
                                              (long long) call->timeout_ms, client->url);
        client_finish(client, call, failure);
    }
}

static void on_queue_timer(void *data)
{
    rpc_client *client = data;
    int64_t next_us;
    pthread_mutex_lock(&client->lock);
    client->timer_set = false;
    client_call *expired = take_expired(client, false, &next_us);
    if (client->queue != NULL && !client->closing) {
        set_timer(client, next_us);
    }
    pthread_mutex_unlock(&client->lock);
    fail_queued(client, expired, false);
}

// ---- closing ----

static void fail_everything(rpc_client *client)
{
    int64_t next_us;
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    client_call *queued = take_expired(client, true, &next_us);
    pthread_mutex_unlock(&client->lock);
    fail_queued(client, queued, true);
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
    while (client->spare_calls != NULL) {
        client_call *call = client->spare_calls;
        client->spare_calls = call->next;
        call_free(call);
    }
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
