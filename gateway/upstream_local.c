// upstream_local - calls to the server of this process, by the thread that asks.
#include "gateway/upstream.h"

#include "rpc/local.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SHORT_TOKEN 256

typedef struct here {
    rpc_local *local;
    atomic_bool stopped;
} here;

// A token as the metadata has it; NULL: no memory. small is for the usual ones.
static const char *authorization_of(const upstream_call *call, char small[static SHORT_TOKEN])
{
    if (call->token == NULL || *call->token == '\0') {
        return call->token;
    }
    int size = snprintf(small, SHORT_TOKEN, "Bearer %s", call->token);
    if (size < SHORT_TOKEN) {
        return small;
    }
    char *large = arena_alloc(call->memory, (size_t) size + 1);
    if (large != NULL) {
        (void) snprintf(large, (size_t) size + 1, "Bearer %s", call->token);
    }
    return large;
}

static void leave(void *data)
{
    rpc_local_leave(data);
}

static void wait_for(rpc_local_call *started, upstream_cancel *cancel)
{
    if (rpc_local_is_answered(started)) {
        rpc_local_wait(started);
        return;
    }
    if (!upstream_cancel_enter(cancel, leave, started)) {
        rpc_local_leave(started);
    }
    rpc_local_wait(started);
    upstream_cancel_leave(cancel);
}

static status *run(void *backend, const upstream_call *call, upstream_reply_fn *on_reply,
                   void *data)
{
    here *h = backend;
    char small[SHORT_TOKEN];
    const rpc_local_request request = {
        .service = call->service,
        .method = call->method,
        .message = call->request,
        .memory = call->memory,
        .timeout_ms = call->timeout_ms,
        .request_id = call->request_id,
        .traceparent = call->traceparent,
        .authorization = authorization_of(call, small),
    };
    rpc_local_call *started = NULL;
    status *failure = rpc_local_start(h->local, &request, on_reply, data, &started);
    if (failure == NULL) {
        wait_for(started, call->cancel);
        failure = rpc_local_finish(started);
    }
    if (status_code_of(failure) == STATUS_CANCELLED && atomic_load(&h->stopped)) {
        status_free(failure);
        failure = upstream_stopping();
    }
    return failure;
}

static void stop(void *backend)
{
    here *h = backend;
    atomic_store(&h->stopped, true);
    rpc_local_stop(h->local);
}

static void here_free(void *backend)
{
    here *h = backend;
    rpc_local_free(h->local);
    free(h);
}

static const upstream_ops ops = {.run = run, .stop = stop, .free = here_free};

status *upstream_open_local(struct rpc_server *server, const char *token, upstream **ret)
{
    here *h = calloc(1, sizeof *h);
    char *authorization = NULL;
    if (h == NULL || (token != NULL && asprintf(&authorization, "Bearer %s", token) < 0)) {
        free(h);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    status *failure = rpc_local_open(server, authorization, &h->local);
    free(authorization);
    if (failure != NULL) {
        free(h);
        return failure;
    }
    return upstream_new(&ops, h, ret);
}
