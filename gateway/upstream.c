// upstream - calls to the server, each made by a thread that waits for its answer.
//
// The reply is turned into JSON on the library's thread, while it is borrowed: copying it for the
// waiting thread would cost as much again. Calls are started under a read lock, so that after
// upstream_stop has taken the lock for writing none can begin on a client that is being closed.
#include "gateway/upstream.h"

#include "errand.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

struct upstream {
    pthread_rwlock_t lock;  // guards client
    errand_client *client;  // NULL: stopped
};

// One call; lives on the stack of the thread that waits.
typedef struct pending {
    sem_t ended;
    upstream_reply_fn *on_reply;
    void *data;
    status *failure;
} pending;

static status *status_of_error(const errand_error *error)
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
    if (error != NULL) {
        p->failure = status_of_error(error);
    } else {
        p->on_reply(p->data, reply);
    }
    (void) sem_post(&p->ended);
}

status *upstream_open(const upstream_options *server, upstream **ret)
{
    AUTO(upstream) u = calloc(1, sizeof *u);
    if (u == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (pthread_rwlock_init(&u->lock, NULL) != 0) {
        free(u);
        u = NULL;
        return status_new(STATUS_RESOURCE_EXHAUSTED, "no lock to be had");
    }
    const errand_client_options options = {
        .url = server->url,
        .token = server->token,
        .tls_ca = server->tls.ca,
        .tls_cert = server->tls.cert,
        .tls_key = server->tls.key,
        .tls_server_name = server->tls.server_name,
        .max_message_bytes = server->max_message_bytes,
        .connect_timeout_ms = server->connect_timeout_ms,
    };
    errand_error *error = errand_client_open(&options, &u->client);
    if (error != NULL) {
        status *failure = status_of_error(error);
        errand_error_free(error);
        return failure;
    }
    *ret = TAKE(u);
    return NULL;
}

void upstream_stop(upstream *u)
{
    (void) pthread_rwlock_wrlock(&u->lock);
    errand_client *client = u->client;
    u->client = NULL;
    (void) pthread_rwlock_unlock(&u->lock);
    errand_client_close(client);
}

void upstream_free(upstream *u)
{
    if (u != NULL) {
        upstream_stop(u);
        (void) pthread_rwlock_destroy(&u->lock);
        free(u);
    }
}

static bool start_call(upstream *u, const upstream_call *call, pending *p)
{
    const errand_call_options options = {.timeout_ms = call->timeout_ms,
                                         .request_id = call->request_id,
                                         .traceparent = call->traceparent,
                                         .token = call->token};
    (void) pthread_rwlock_rdlock(&u->lock);
    bool open = u->client != NULL;
    if (open) {
        errand_start(u->client, call->service, call->method, call->request, &options, call_ended,
                     p);
    }
    (void) pthread_rwlock_unlock(&u->lock);
    return open;
}

static bool is_stopped(upstream *u)
{
    (void) pthread_rwlock_rdlock(&u->lock);
    bool stopped = u->client == NULL;
    (void) pthread_rwlock_unlock(&u->lock);
    return stopped;
}

static status *stopping(void)
{
    status *failure = status_new(STATUS_UNAVAILABLE, "the gateway is stopping");
    failure->retry_delay_ms = 1000;
    return failure;
}

status *upstream_run(upstream *u, const upstream_call *call, upstream_reply_fn *on_reply,
                     void *data)
{
    pending p = {.on_reply = on_reply, .data = data};
    if (sem_init(&p.ended, 0, 0) != 0) {
        return status_errno(errno, "starting a call");
    }
    if (!start_call(u, call, &p)) {
        (void) sem_destroy(&p.ended);
        return stopping();
    }
    while (sem_wait(&p.ended) != 0) {
        // Interrupted by a signal.
    }
    (void) sem_destroy(&p.ended);
    if (status_code_of(p.failure) == STATUS_CANCELLED && is_stopped(u)) {
        status_free(p.failure);
        return stopping();
    }
    return p.failure;
}
