// upstream_remote - calls to servers elsewhere, over liberrand; a client for each.
//
// The reply is turned into JSON on the library's thread, while it is borrowed: copying it for the
// waiting thread would cost as much again. Calls are started under a read lock, so that after stop
// has taken the lock for writing none can begin on a client that is being closed.
#include "gateway/upstream_remote.h"

#include "base/clock.h"
#include "base/uuid.h"
#include "errand/v1/server_service.pb-c.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define AVOIDED_US     1000000  // one that is connected and refuses is asked again after that
#define END_TIMEOUT_MS 5000     // of the word to a server that nobody waits for a call any more
#define SILENT_US      5000000  // one that answers nobody for so long may be dead
#define FIRST_PAUSE_MS 20       // when no server would take a call
#define LAST_PAUSE_MS  500

// ---- several servers ----

static bool is_connected(remote *r, const remote_server *server)
{
    (void) pthread_rwlock_rdlock(&r->lock);
    bool connected = !r->stopped && errand_client_is_connected(server->client);
    (void) pthread_rwlock_unlock(&r->lock);
    return connected;
}

static bool is_well(remote *r, const remote_server *server, int64_t now_us)
{
    return atomic_load_explicit(&server->avoid_until_us, memory_order_relaxed) <= now_us &&
           is_connected(r, server);
}

static void reconnect(remote *r, const remote_server *server)
{
    (void) pthread_rwlock_rdlock(&r->lock);
    if (!r->stopped) {
        errand_client_reconnect(server->client);
    }
    (void) pthread_rwlock_unlock(&r->lock);
}

// The first that is well; or else they take turns.
static remote_server *choose(remote *r, size_t turn)
{
    int64_t now_us = clock_mono_us(clock_system());
    assert(r->count > 0);
    for (size_t i = 0; i < r->count; i++) {
        if (is_well(r, &r->servers[i], now_us)) {
            return &r->servers[i];
        }
    }
    return &r->servers[turn % r->count];
}

// A link can be dead without a word. A server that answered nobody while a call waited long gets a
// fresh connection, or none if it is gone.
static void judge(remote *r, remote_server *server, const status *failure, int64_t start_us)
{
    int64_t now_us = clock_mono_us(clock_system());
    status_code code = status_code_of(failure);
    if (code == STATUS_UNAVAILABLE) {
        atomic_store(&server->avoid_until_us, now_us + AVOIDED_US);
    } else if (code != STATUS_DEADLINE_EXCEEDED && code != STATUS_CANCELLED) {
        atomic_store_explicit(&server->last_answer_us, now_us, memory_order_relaxed);
    } else if (code == STATUS_DEADLINE_EXCEEDED && now_us - start_us >= SILENT_US &&
               atomic_load(&server->last_answer_us) < start_us) {
        atomic_store(&server->avoid_until_us, now_us + AVOIDED_US);
        reconnect(r, server);
    }
}

static bool some_well(remote *r, int64_t now_us)
{
    for (size_t i = 0; i < r->count; i++) {
        if (is_well(r, &r->servers[i], now_us)) {
            return true;
        }
    }
    return false;
}

static void pause_ms(int64_t ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void) nanosleep(&time, NULL);
}

// Whether another try makes sense: at once on a server that is well, after a moment while one may
// still become so.
static bool may_try_again(remote *r, int64_t start_us, int64_t deadline_us, size_t turn)
{
    int64_t now_us = clock_mono_us(clock_system());
    if (remote_is_stopped(r) || now_us + 1000 >= deadline_us) {
        return false;
    }
    if (some_well(r, now_us)) {
        return true;
    }
    if (now_us - start_us >= r->connect_timeout_us) {
        return false;
    }
    int64_t most_ms = (deadline_us - now_us) / 2000;
    int64_t ms = turn < 5 ? FIRST_PAUSE_MS << turn : LAST_PAUSE_MS;
    pause_ms(ms < most_ms ? ms : most_ms);
    return true;
}

// UNAVAILABLE says that the call was not done, or that nobody knows: the request-id makes it safe
// to ask another server of the same store.
static status *call_one_after_another(remote *r, upstream_call *call, upstream_reply_fn *on_reply,
                                      void *data)
{
    int64_t start_us = clock_mono_us(clock_system());
    int64_t deadline_us = start_us + call->timeout_ms * 1000;
    for (size_t turn = 0;; turn++) {
        remote_server *server = choose(r, turn);
        int64_t try_us = clock_mono_us(clock_system());
        status *failure = remote_try(r, server, call, on_reply, data);
        judge(r, server, failure, try_us);
        if (status_code_of(failure) != STATUS_UNAVAILABLE ||
            !may_try_again(r, start_us, deadline_us, turn)) {
            return failure;
        }
        status_free(failure);
        call->timeout_ms = (deadline_us - clock_mono_us(clock_system())) / 1000 + 1;
    }
}

static void ignore_end(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    (void) data;
    (void) reply;
    (void) error;
}

// No server need keep a call that was left. Any other call tells it.
static void tell_left(remote *r, const upstream_call *call)
{
    const Errand__V1__GetInfoRequest request = ERRAND__V1__GET_INFO_REQUEST__INIT;
    const errand_call_options options = {
        .timeout_ms = END_TIMEOUT_MS, .token = call->token, .once = true, .ends = call->request_id};
    (void) pthread_rwlock_rdlock(&r->lock);
    for (size_t i = 0; !r->stopped && i < r->count; i++) {
        errand_start(r->servers[i].client, &errand__v1__server_service__descriptor, "GetInfo",
                     &request.base, &options, ignore_end, NULL);
    }
    (void) pthread_rwlock_unlock(&r->lock);
}

// A call that may be left has an id of its own: one that the client chose may be on others too.
static status *run(void *backend, const upstream_call *call, upstream_reply_fn *on_reply,
                   void *data)
{
    remote *r = backend;
    upstream_call copy = *call;
    char fresh[UUID_TEXT_SIZE];
    bool own_id = call->request_id == NULL && (call->cancel != NULL || r->count > 1);
    if (own_id) {
        uuid id = uuid_new_v7(clock_wall_us(clock_system()));
        copy.request_id = uuid_format(&id, fresh);
    }
    status *failure = r->count == 1 ? remote_try(r, &r->servers[0], &copy, on_reply, data)
                                    : call_one_after_another(r, &copy, on_reply, data);
    if (own_id && status_code_of(failure) == STATUS_CANCELLED) {
        tell_left(r, &copy);
    }
    return failure;
}

// ---- life ----

static void stop(void *backend)
{
    remote *r = backend;
    (void) pthread_rwlock_wrlock(&r->lock);
    bool first = !r->stopped;
    r->stopped = true;
    (void) pthread_rwlock_unlock(&r->lock);
    // Nobody looks at a client any more but those whose calls are ended by this.
    for (size_t i = 0; first && i < r->count; i++) {
        errand_client_close(r->servers[i].client);
    }
}

static void remote_free(void *backend)
{
    remote *r = backend;
    (void) pthread_rwlock_destroy(&r->lock);
    free(r);
}

static const upstream_ops ops = {.run = run, .stop = stop, .free = remote_free};

static status *open_clients(remote *r, const upstream_options *servers)
{
    int64_t share_ms = servers->connect_timeout_ms / (int64_t) servers->url_count;
    errand_client_options options = {
        .token = servers->token,
        .tls_ca = servers->tls.ca,
        .tls_cert = servers->tls.cert,
        .tls_key = servers->tls.key,
        .tls_server_name = servers->tls.server_name,
        .max_message_bytes = servers->max_message_bytes,
        .max_in_flight = servers->max_calls,
        .connect_timeout_ms = share_ms > 0 ? share_ms : servers->connect_timeout_ms,
    };
    errand_error *error = NULL;
    while (error == NULL && r->count < servers->url_count) {
        options.url = servers->urls[r->count];
        error = errand_client_open(&options, &r->servers[r->count].client);
        r->count += error == NULL;
    }
    status *failure = error != NULL ? remote_status_of(error) : NULL;
    errand_error_free(error);
    return failure;
}

status *upstream_open(const upstream_options *servers, upstream **ret)
{
    remote *r = calloc(1, sizeof *r + servers->url_count * sizeof r->servers[0]);
    if (r == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (pthread_rwlock_init(&r->lock, NULL) != 0) {
        free(r);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "no lock to be had");
    }
    r->connect_timeout_us = servers->connect_timeout_ms * 1000;
    status *failure = open_clients(r, servers);
    if (failure != NULL) {
        stop(r);
        remote_free(r);
        return failure;
    }
    return upstream_new(&ops, r, ret);
}
