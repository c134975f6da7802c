// upstream - what all backends share: the way to them, and ends from outside.
#include "gateway/upstream.h"

#include <stdlib.h>

struct upstream {
    const upstream_ops *ops;
    void *backend;
};

// ---- ending a call from outside ----

void upstream_cancel_init(upstream_cancel *c)
{
    *c = (upstream_cancel){.fired = false};
    (void) pthread_mutex_init(&c->lock, NULL);
}

void upstream_cancel_fini(upstream_cancel *c)
{
    (void) pthread_mutex_destroy(&c->lock);
}

void upstream_cancel_fire(upstream_cancel *c)
{
    (void) pthread_mutex_lock(&c->lock);
    c->fired = true;
    if (c->wake != NULL) {
        c->wake(c->data);
    }
    (void) pthread_mutex_unlock(&c->lock);
}

void upstream_cancel_reset(upstream_cancel *c)
{
    (void) pthread_mutex_lock(&c->lock);
    c->fired = false;
    (void) pthread_mutex_unlock(&c->lock);
}

bool upstream_cancel_enter(upstream_cancel *c, void (*wake)(void *data), void *data)
{
    if (c == NULL) {
        return true;
    }
    (void) pthread_mutex_lock(&c->lock);
    bool may = !c->fired;
    if (may) {
        c->wake = wake;
        c->data = data;
    }
    (void) pthread_mutex_unlock(&c->lock);
    return may;
}

void upstream_cancel_leave(upstream_cancel *c)
{
    if (c == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&c->lock);
    c->wake = NULL;
    (void) pthread_mutex_unlock(&c->lock);
}

status *upstream_cancelled(void)
{
    return status_new(STATUS_CANCELLED, "the caller has left");
}

status *upstream_stopping(void)
{
    status *failure = status_new(STATUS_UNAVAILABLE, "the gateway is stopping");
    failure->retry_delay_ms = 1000;
    return failure;
}

// ---- calls ----

status *upstream_new(const upstream_ops *ops, void *backend, upstream **ret)
{
    upstream *u = calloc(1, sizeof *u);
    if (u == NULL) {
        ops->stop(backend);
        ops->free(backend);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    *u = (upstream){.ops = ops, .backend = backend};
    *ret = u;
    return NULL;
}

status *upstream_run(upstream *u, const upstream_call *call, upstream_reply_fn *on_reply,
                     void *data)
{
    return u->ops->run(u->backend, call, on_reply, data);
}

void upstream_stop(upstream *u)
{
    u->ops->stop(u->backend);
}

void upstream_free(upstream *u)
{
    if (u != NULL) {
        upstream_stop(u);
        u->ops->free(u->backend);
        free(u);
    }
}
