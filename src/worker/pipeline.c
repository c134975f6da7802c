// pipeline - the way of outcomes to the server: one PUSH socket, one message at a time.
#include "worker/pipeline.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/push.h>
#include <string.h>

#define RECONNECT_MIN_MS 50
#define RECONNECT_MAX_MS 1000

struct pipeline {
    nng_socket socket;
    nng_aio *aio;
    pipeline_events events;
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

static void on_connected(nng_pipe pipe, nng_pipe_ev event, void *data)
{
    (void) pipe;
    (void) event;
    pipeline *p = (pipeline *) data;
    p->events.connected(p->events.data);
}

static int dial(pipeline *p, const char *url)
{
    int failed = nng_socket_set_ms(p->socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
    if (failed == 0) {
        failed = nng_socket_set_ms(p->socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
    }
    if (failed == 0) {
        failed = nng_pipe_notify(p->socket, NNG_PIPE_EV_ADD_POST, on_connected, p);
    }
    return failed != 0 ? failed : nng_dial(p->socket, url, NULL, NNG_FLAG_NONBLOCK);
}

status *pipeline_open(const char *url, const pipeline_events *events, pipeline **ret)
{
    pipeline *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    p->events = *events;
    int failed = nng_aio_alloc(&p->aio, on_sent, p);
    if (failed == 0) {
        nng_aio_set_timeout(p->aio, NNG_DURATION_INFINITE);
        failed = nng_push0_open(&p->socket);
    }
    if (failed == 0) {
        failed = dial(p, url);
    }
    if (failed != 0) {
        pipeline_close(p);
        return status_new(STATUS_UNAVAILABLE, "result pipeline %s: %s", url, nng_strerror(failed));
    }
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
    nng_aio_set_msg(p->aio, copy);
    nng_send_aio(p->socket, p->aio);
    return true;
}

void pipeline_close(pipeline *p)
{
    if (p == NULL) {
        return;
    }
    if (nng_socket_id(p->socket) > 0) {
        (void) nng_close(p->socket);
    }
    if (p->aio != NULL) {
        nng_aio_stop(p->aio);
        nng_aio_free(p->aio);
    }
    free(p);
}
