// echo_client - contexts of one REQ socket, each a loop of send and receive.
#include "bench/echo.h"
#include "bench/usage.h"
#include "rpc/gate.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct echo_client echo_client;

typedef struct echo_lane {
    echo_client *client;
    nng_ctx context;
    nng_aio *aio;
    nng_msg *message;  // until it is sent
    bool receiving;
    gate inside;  // threads that are in a call of the context
} echo_lane;

struct echo_client {
    const echo_load *load;
    nng_socket socket;
    double end_s;
    _Atomic int64_t started;
    _Atomic int64_t finished;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    int active;  // lanes not at rest
    int error;   // the first of nng's
    echo_lane lanes[ECHO_MAX_IN_FLIGHT];
};

static void lane_rest(echo_lane *lane, int error)
{
    echo_client *client = lane->client;
    pthread_mutex_lock(&client->lock);
    if (!client->error)
        client->error = error;
    if (--client->active == 0)
        pthread_cond_signal(&client->idle);
    pthread_mutex_unlock(&client->lock);
}

static void lane_send(echo_lane *lane)
{
    lane->receiving = false;
    nng_aio_set_msg(lane->aio, lane->message);
    lane->inside++;
    nng_ctx_send(lane->context, lane->aio);
    lane->inside--;
}

// The reply is the next request.
static void lane_next(echo_lane *lane)
{
    echo_client *client = lane->client;
    bool over = monotonic_s() >= client->end_s || client->started++ >= client->load->count;
    if (over)
        lane_rest(lane, 0);
    else
        lane_send(lane);
}

static void lane_done(void *data)
{
    echo_lane *lane = data;
    int error = nng_aio_result(lane->aio);
    if (error) {
        lane_rest(lane, error);
        return;
    }
    if (!lane->receiving) {
        lane->message = NULL;
        lane->receiving = true;
        lane->inside++;
        nng_ctx_recv(lane->context, lane->aio);
        lane->inside--;
        return;
    }
    lane->message = nng_aio_get_msg(lane->aio);
    lane->client->finished++;
    lane_next(lane);
}

static int lane_open(echo_client *client, echo_lane *lane)
{
    lane->client = client;
    int error = nng_ctx_open(&lane->context, client->socket);
    if (!error)
        error = nng_ctx_set_ms(lane->context, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    if (!error)
        error = nng_aio_alloc(&lane->aio, lane_done, lane);
    if (error)
        return error;
    nng_aio_set_timeout(lane->aio, 10000);
    error = nng_msg_alloc(&lane->message, client->load->message_bytes);
    if (!error)
        memset(nng_msg_body(lane->message), 'e', client->load->message_bytes);
    return error;
}

static int client_open(echo_client *client)
{
    int error = nng_req0_open(&client->socket);
    if (!error)
        error = nng_dial(client->socket, client->load->url, NULL, 0);
    for (int i = 0; !error && i < client->load->in_flight; i++)
        error = lane_open(client, &client->lanes[i]);
    return error;
}

// Everything is stopped before anything is freed, and all have left what is closed: a lane may be
// at rest while the thread that began its last call is not yet out of it.
static void client_close(echo_client *client)
{
    for (int i = 0; i < client->load->in_flight; i++)
        gate_wait(&client->lanes[i].inside);
    nng_close(client->socket);
    for (int i = 0; i < client->load->in_flight; i++)
        if (client->lanes[i].aio)
            nng_aio_stop(client->lanes[i].aio);
    for (int i = 0; i < client->load->in_flight; i++) {
        if (client->lanes[i].aio)
            nng_aio_free(client->lanes[i].aio);
        if (client->lanes[i].message)
            nng_msg_free(client->lanes[i].message);
    }
    pthread_cond_destroy(&client->idle);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

static void client_run(echo_client *client, echo_result *ret)
{
    cpu_time before = usage_cpu(getpid());
    double start = monotonic_s();
    client->end_s = start + (double) client->load->time_ms / 1000;
    client->active = client->load->in_flight;
    for (int i = 0; i < client->load->in_flight; i++)
        lane_next(&client->lanes[i]);
    pthread_mutex_lock(&client->lock);
    while (client->active > 0)
        pthread_cond_wait(&client->idle, &client->lock);
    pthread_mutex_unlock(&client->lock);
    *ret = (echo_result){.count = client->finished,
                         .seconds = monotonic_s() - start,
                         .client_cpu_s = usage_cpu_since(getpid(), before)};
}

status *echo_run(const echo_load *load, echo_result *ret)
{
    echo_client *client = calloc(1, sizeof *client);
    if (!client)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    client->load = load;
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->idle, NULL);
    echo_result result = {0};
    int error = client_open(client);
    if (!error) {
        client_run(client, &result);
        error = client->error;
    }
    client_close(client);
    if (error)
        return status_new(STATUS_UNAVAILABLE, "echo at %s: %s", load->url, nng_strerror(error));
    *ret = result;
    return NULL;
}
