// pipeline - the way of outcomes to the server: one PUSH socket, one message at a time.
//
// nng's PUSH may put a pipe that was just closed back among those that are ready to send, when a
// send ends at that moment: its memory is then used after it was freed, and messages vanish
// although the next connection is sound. So a socket serves one connection only: a second pipe is
// turned away before the protocol sees it. And nothing is sent once the pipe is on its way out: nng
// frees it after REM_POST was told, and `lock` keeps REM_POST waiting while a message is handed in.
#include "worker/pipeline.h"

#include "rpc/tls.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/push.h>
#include <pthread.h>
#include <string.h>

#define RECONNECT_MIN_MS 50
#define RECONNECT_MAX_MS 1000

struct pipeline {
    pipeline_events events;
    tls_files tls;
    nng_aio *aio;
    nng_socket socket;
    pthread_mutex_t lock;  // of what follows; held while a message is handed to nng
    int pipe;              // the one connection of the socket; 0: not yet
    bool broken;
};

static void on_sent(void *data)
{
    pipeline *p = (pipeline *) data;
    bool taken = nng_aio_result(p->aio) == 0;
    if (!taken) {
        nng_msg_free(nng_aio_get_msg(p->aio));
    }
    p->events.sent(p->events.data, taken);
}

static bool is_ours(pipeline *p, nng_pipe pipe)
{
    pthread_mutex_lock(&p->lock);
    bool ours = p->pipe == nng_pipe_id(pipe);
    pthread_mutex_unlock(&p->lock);
    return ours;
}

static void on_coming(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    (void) event;
    pipeline *p = (pipeline *) data;
    pthread_mutex_lock(&p->lock);
    bool first = p->pipe == 0;
    if (first) {
        p->pipe = nng_pipe_id(pipe);
    }
    pthread_mutex_unlock(&p->lock);
    if (!first) {
        (void) nng_pipe_close(pipe);
    }
}

static void on_connected(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    (void) event;
    pipeline *p = (pipeline *) data;
    if (is_ours(p, pipe)) {
        p->events.connected(p->events.data);
    }
}

static void on_broken(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    (void) event;
    pipeline *p = (pipeline *) data;
    if (is_ours(p, pipe)) {
        pthread_mutex_lock(&p->lock);
        p->broken = true;
        pthread_mutex_unlock(&p->lock);
        p->events.broken(p->events.data);
    }
}

static int prepare(pipeline *p)
{
    int failed = nng_socket_set_ms(p->socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
    if (failed == 0) {
        failed = nng_socket_set_ms(p->socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
    }
    if (failed == 0) {
        failed = nng_pipe_notify(p->socket, NNG_PIPE_EV_ADD_PRE, on_coming, p);
    }
    if (failed == 0) {
        failed = nng_pipe_notify(p->socket, NNG_PIPE_EV_ADD_POST, on_connected, p);
    }
    if (failed == 0) {
        failed = nng_pipe_notify(p->socket, NNG_PIPE_EV_REM_POST, on_broken, p);
    }
    return failed;
}

static status *nng_failure(const char *url, int failed)
{
    return status_new(STATUS_UNAVAILABLE, "result pipeline %s: %s", url, nng_strerror(failed));
}

static status *dial(pipeline *p, const char *url)
{
    nng_dialer dialer = NNG_DIALER_INITIALIZER;
    int failed = nng_dialer_create(&dialer, p->socket, url);
    if (failed != 0) {
        return nng_failure(url, failed);
    }
    status *failure = tls_dialer(dialer, url, &p->tls);
    if (failure == NULL && (failed = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK)) != 0) {
        failure = nng_failure(url, failed);
    }
    return failure;
}

void pipeline_drop(pipeline *p)
{
    if (p == NULL) {
        return;
    }
    if (nng_socket_id(p->socket) > 0) {
        (void) nng_close(p->socket);
    }
    p->socket = (nng_socket) NNG_SOCKET_INITIALIZER;
    p->broken = true;  // without a socket there is nobody to share it with
}

status *pipeline_dial(pipeline *p, const char *url)
{
    p->pipe = 0;
    p->broken = false;
    int failed = nng_push0_open(&p->socket);
    if (failed == 0) {
        failed = prepare(p);
    }
    status *failure = failed == 0 ? dial(p, url) : nng_failure(url, failed);
    if (failure != NULL) {
        pipeline_drop(p);
    }
    return failure;
}

status *pipeline_open(const pipeline_events *events, const tls_files *tls, pipeline **ret)
{
    pipeline *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    p->events = *events;
    p->tls = *tls;
    (void) pthread_mutex_init(&p->lock, NULL);
    p->broken = true;  // not dialed yet
    if (nng_aio_alloc(&p->aio, on_sent, p) != 0) {
        pipeline_close(p);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    nng_aio_set_timeout(p->aio, NNG_DURATION_INFINITE);
    *ret = p;
    return NULL;
}

bool pipeline_send(pipeline *p, slice message)
{
    nng_msg *copy = NULL;
    if (nng_msg_alloc(&copy, message.size) != 0) {
        return false;
    }
    memcpy(nng_msg_body(copy), message.bytes, message.size);
    pthread_mutex_lock(&p->lock);
    bool sound = !p->broken;
    if (sound) {
        nng_aio_set_msg(p->aio, copy);
        nng_send_aio(p->socket, p->aio);
    }
    pthread_mutex_unlock(&p->lock);
    if (!sound) {
        nng_msg_free(copy);
    }
    return sound;
}

void pipeline_close(pipeline *p)
{
    if (p == NULL) {
        return;
    }
    pipeline_drop(p);
    if (p->aio != NULL) {
        nng_aio_stop(p->aio);
        nng_aio_free(p->aio);
    }
    (void) pthread_mutex_destroy(&p->lock);
    free(p);
}
