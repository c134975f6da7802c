// upstream_try - one call to one server, over liberrand.
//
// One call, from its start to its end or to when its caller leaves it:
//
//    WAITING --- answered ---> ANSWERED      the callback writes the reply
//       `------- left -------> LEFT          the callback, when it comes, only lets go
#include "gateway/upstream_remote.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef enum pending_state { WAITING, ANSWERED, LEFT } pending_state;

// Held by the thread that waits and by the callback; the last one frees it.
typedef struct pending {
    sem_t ended;
    _Atomic pending_state state;
    _Atomic int holders;
    upstream_reply_fn *on_reply;
    void *data;
    status *failure;
} pending;

static pending *pending_new(upstream_reply_fn *on_reply, void *data)
{
    pending *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    if (sem_init(&p->ended, 0, 0) != 0) {
        free(p);
        return NULL;
    }
    atomic_init(&p->state, WAITING);
    atomic_init(&p->holders, 2);
    p->on_reply = on_reply;
    p->data = data;
    return p;
}

static void pending_release(pending *p)
{
    if (atomic_fetch_sub(&p->holders, 1) == 1) {
        (void) sem_destroy(&p->ended);
        status_free(p->failure);
        free(p);
    }
}

static bool pending_move(pending *p, pending_state to)
{
    pending_state expected = WAITING;
    return atomic_compare_exchange_strong(&p->state, &expected, to);
}

static void leave(void *data)
{
    pending *p = data;
    if (pending_move(p, LEFT)) {
        (void) sem_post(&p->ended);
    }
}

status *remote_status_of(const errand_error *error)
{
    status *failure = status_new((status_code) error->code, "%s", error->message);
    failure->retry_delay_ms = error->retry_delay_ms;
    for (size_t i = 0; i < error->violation_count; i++) {
        status_add_violation(failure, error->fields[i], "%s", error->descriptions[i]);
    }
    return failure;
}

static void call_ended(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    pending *p = data;
    if (pending_move(p, ANSWERED)) {
        if (error != NULL) {
            p->failure = remote_status_of(error);
        } else {
            p->on_reply(p->data, reply);
        }
        (void) sem_post(&p->ended);
    }
    pending_release(p);
}

// False: the gateway is stopping.
static bool start_call(remote *r, remote_server *to, const upstream_call *call, pending *p)
{
    const errand_call_options options = {.timeout_ms = call->timeout_ms,
                                         .request_id = call->request_id,
                                         .traceparent = call->traceparent,
                                         .token = call->token,
                                         .once = r->count > 1,
                                         .prompt = call->prompt};
    (void) pthread_rwlock_rdlock(&r->lock);
    bool open = !r->stopped;
    if (open) {
        errand_start(to->client, call->service, call->method, call->request, &options, call_ended,
                     p);
    }
    (void) pthread_rwlock_unlock(&r->lock);
    return open;
}

bool remote_is_stopped(remote *r)
{
    (void) pthread_rwlock_rdlock(&r->lock);
    bool stopped = r->stopped;
    (void) pthread_rwlock_unlock(&r->lock);
    return stopped;
}

// What the thread that waited makes of the end.
static status *outcome(remote *r, pending *p)
{
    if (atomic_load(&p->state) == LEFT) {
        return upstream_cancelled();
    }
    status *failure = TAKE(p->failure);
    if (status_code_of(failure) == STATUS_CANCELLED && remote_is_stopped(r)) {
        status_free(failure);
        failure = upstream_stopping();
    }
    return failure;
}

static status *wait_for_end(remote *r, const upstream_call *call, pending *p)
{
    if (!upstream_cancel_enter(call->cancel, leave, p)) {
        leave(p);
    }
    while (sem_wait(&p->ended) != 0 && errno == EINTR) {
        // Interrupted by a signal.
    }
    upstream_cancel_leave(call->cancel);
    return outcome(r, p);
}

status *remote_try(remote *r, remote_server *to, const upstream_call *call,
                   upstream_reply_fn *on_reply, void *data)
{
    pending *p = pending_new(on_reply, data);
    if (p == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    status *failure;
    if (start_call(r, to, call, p)) {
        failure = wait_for_end(r, call, p);
    } else {
        failure = upstream_stopping();
        pending_release(p);  // there is no callback
    }
    pending_release(p);
    return failure;
}
