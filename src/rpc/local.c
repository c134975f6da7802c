// local - calls without a connection.
//
//             answered by any thread               reply written, or put by
//    AT_WORK -----------------------> ANSWERING ---------------------------> ANSWERED
//       |
//       | deadline, rpc_local_leave, rpc_local_stop
//       v
//    LEFT: the method's answer, when it comes, only frees the call
//
// A call has two holders: the thread that waits, and the method until its answer. What the method
// may still read of a call that was left, its request above all, lives until both have let go.
#include "rpc/local.h"

#include "base/clock.h"
#include "rpc/call_internal.h"
#include "rpc/convert.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_PEER UINT32_C(0x80000000)  // nng's own numbers of connections are positive ints
#define MAX_METHOD 128
#define ENTRIES    3

typedef enum local_state { LOCAL_AT_WORK, LOCAL_ANSWERING, LOCAL_ANSWERED, LOCAL_LEFT } local_state;

typedef struct local_call local_call;

struct local_call {
    rpc_call call;  // what methods see
    rpc_local *local;
    local_call *previous, *next;  // among those that wait; next: among the spare ones too
    _Atomic local_state state;
    _Atomic int holders;
    sem_t ended;
    rpc_local_reply_fn *on_reply;
    void *data;
    const ProtobufCMessage *reply;  // kept in the arena, for the thread that waits
    status *failure;
    arena *request_memory;
    arena *shared;  // it again, once the call was left
    bool late;      // left because of its deadline
    char method[MAX_METHOD];
    envelope_entry entries[ENTRIES];
};

struct rpc_local {
    rpc_server *server;
    char *authorization;
    uint32_t peer;
    _Atomic int holders;   // the owner, and calls that were left
    pthread_mutex_t lock;  // of what follows; taken before the park's
    bool stopped;
    local_call *waiting;
    local_call *spare;
};

// ---- life ----

static void local_call_free(local_call *l)
{
    (void) sem_destroy(&l->ended);
    arena_free(l->call.memory);
    arena_free(l->shared);
    status_free(l->failure);
    free(l);
}

static local_call *local_call_make(rpc_local *local)
{
    local_call *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->local = local;
    l->call.server = local->server;
    l->call.local = l;
    l->call.pipe.id = local->peer;
    l->call.memory = arena_new(0);
    if (l->call.memory == NULL || sem_init(&l->ended, 0, 0) != 0) {
        arena_free(l->call.memory);
        free(l);
        return NULL;
    }
    return l;
}

static void local_destroy(rpc_local *local)
{
    while (local->spare != NULL) {
        local_call *next = local->spare->next;
        local_call_free(local->spare);
        local->spare = next;
    }
    rpc_park_pipe_went(local->server->park, local->peer);
    server_release(local->server);
    pthread_mutex_destroy(&local->lock);
    free(local->authorization);
    free(local);
}

static void local_release(rpc_local *local)
{
    if (atomic_fetch_sub(&local->holders, 1) == 1) {
        local_destroy(local);
    }
}

status *rpc_local_open(rpc_server *server, const char *authorization, rpc_local **ret)
{
    static _Atomic uint32_t last_peer;
    rpc_local *local = calloc(1, sizeof *local);
    char *own = authorization != NULL ? strdup(authorization) : NULL;
    if (local == NULL || (authorization != NULL && own == NULL)) {
        free(local);
        free(own);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    local->server = server;
    local->authorization = own;
    local->peer = FIRST_PEER | atomic_fetch_add(&last_peer, 1);
    atomic_init(&local->holders, 1);
    pthread_mutex_init(&local->lock, NULL);
    atomic_fetch_add(&server->holders, 1);
    rpc_park_pipe_came(server->park, local->peer);
    *ret = local;
    return NULL;
}

void rpc_local_free(rpc_local *local)
{
    if (local != NULL) {
        rpc_local_stop(local);
        local_release(local);
    }
}

// A call that was left goes with its second holder.
static void local_call_release(local_call *l)
{
    rpc_local *local = l->local;
    if (atomic_fetch_sub(&l->holders, 1) == 1) {
        local_call_free(l);
        local_release(local);
    }
}

// ---- leaving ----

// False: the answer is there, or on its way.
static bool leave(local_call *l)
{
    local_state expected = LOCAL_AT_WORK;
    rpc_local *local = l->local;
    atomic_fetch_add(&local->holders, 1);
    if (!atomic_compare_exchange_strong(&l->state, &expected, LOCAL_LEFT)) {
        atomic_fetch_sub(&local->holders, 1);
        return false;
    }
    rpc_park_leave(local->server->park, &l->call.place);
    return true;
}

void rpc_local_leave(rpc_local_call *call)
{
    if (leave(call)) {
        sem_post(&call->ended);
    }
}

void rpc_local_stop(rpc_local *local)
{
    pthread_mutex_lock(&local->lock);
    local->stopped = true;
    for (local_call *at = local->waiting; at != NULL; at = at->next) {
        rpc_local_leave(at);
    }
    pthread_mutex_unlock(&local->lock);
}

// ---- answers ----

static bool begin_answer(local_call *l, status_code code)
{
    local_state expected = LOCAL_AT_WORK;
    call_count_ended(&l->call, code);
    call_forget_request(&l->call);
    if (atomic_compare_exchange_strong(&l->state, &expected, LOCAL_ANSWERING)) {
        return true;
    }
    server_call_done(l->local->server);
    local_call_release(l);
    return false;
}

// The call may be another one as soon as this is told.
static void end_answer(local_call *l)
{
    atomic_store_explicit(&l->state, LOCAL_ANSWERED, memory_order_release);
    sem_post(&l->ended);
}

void local_fail(rpc_call *call, status *failure)
{
    local_call *l = call->local;
    if (!begin_answer(l, failure->code)) {
        status_free(failure);
        return;
    }
    convert_status_clean(failure);
    l->failure = failure;
    end_answer(l);
}

// What is kept is no larger than the memory it is in.
static status *check_size(const local_call *l, const ProtobufCMessage *reply, bool kept)
{
    size_t cap = l->local->server->options.max_message_bytes;
    size_t memory = arena_bytes(l->call.memory) + arena_bytes(l->request_memory);
    if (kept && memory <= cap) {
        return NULL;
    }
    size_t size = protobuf_c_message_get_packed_size(reply);
    return size <= cap
               ? NULL
               : status_new(STATUS_RESOURCE_EXHAUSTED,
                            "reply of %zu bytes is larger than the cap of %zu bytes", size, cap);
}

void local_answer(rpc_call *call, const ProtobufCMessage *reply, bool kept)
{
    local_call *l = call->local;
    status *failure = check_size(l, reply, kept);
    if (failure != NULL) {
        local_fail(call, failure);
        return;
    }
    if (!begin_answer(l, STATUS_OK)) {
        return;
    }
    if (kept) {
        l->reply = reply;
    } else {
        l->on_reply(l->data, reply);
    }
    end_answer(l);
}

// ---- calling ----

static local_call *take_spare(rpc_local *local, bool *ret_stopped)
{
    pthread_mutex_lock(&local->lock);
    local_call *l = local->spare;
    if (l != NULL) {
        local->spare = l->next;
    }
    *ret_stopped = local->stopped;
    pthread_mutex_unlock(&local->lock);
    return l != NULL ? l : local_call_make(local);
}

// The next call finds the latest one, whose memory the processor still has.
static void put_spare(local_call *l)
{
    rpc_local *local = l->local;
    pthread_mutex_lock(&local->lock);
    l->next = local->spare;
    local->spare = l;
    pthread_mutex_unlock(&local->lock);
}

static void add_entry(local_call *l, size_t place, const char *key, const char *value)
{
    if (value != NULL && *value != '\0') {
        l->entries[place] = (envelope_entry){key, value, l->call.request.metadata};
        l->call.request.metadata = &l->entries[place];
    }
}

static void fill(local_call *l, const rpc_local_request *request)
{
    rpc_call *call = &l->call;
    const char *authorization =
        request->authorization != NULL ? request->authorization : l->local->authorization;
    char *end = stpcpy(stpcpy(l->method, "/"), request->service->name);
    size_t size = (size_t) (stpcpy(stpcpy(end, "/"), request->method) - l->method);
    call->request = (envelope_request){
        .method = {(const uint8_t *) l->method, size},
        .has_timeout = true,
        .timeout_us = request->timeout_ms * 1000,
    };
    add_entry(l, 0, ENVELOPE_AUTHORIZATION, authorization);
    add_entry(l, 1, ENVELOPE_REQUEST_ID, request->request_id);
    add_entry(l, 2, ENVELOPE_TRACEPARENT, request->traceparent);
    call->method = NULL;
    call->request_id = NULL;
    call->start_us = clock_mono_us(clock_system());
    call->place = (rpc_parked){.parked = false};
    l->request_memory = request->memory;
    l->reply = NULL;
    l->late = false;
    atomic_store_explicit(&l->state, LOCAL_AT_WORK, memory_order_relaxed);
    atomic_store_explicit(&l->holders, 2, memory_order_relaxed);
}

// The size of a message is looked at only when it might be too large.
static status *check_load(local_call *l, const rpc_local_request *request)
{
    rpc_server *server = l->local->server;
    size_t bytes = arena_bytes(request->memory);
    size_t taken = atomic_load_explicit(&server->memory, memory_order_relaxed);
    size_t size = bytes <= server->options.max_message_bytes
                      ? 0
                      : protobuf_c_message_get_packed_size(request->message);
    status *failure = call_check_load(&l->call, size);
    if (failure == NULL && bytes + taken > server->options.max_memory_bytes) {
        failure = status_new(STATUS_RESOURCE_EXHAUSTED, "requests under way take too much memory");
    }
    if (failure == NULL) {
        l->call.memory_bytes = bytes;
        atomic_fetch_add_explicit(&server->memory, bytes, memory_order_relaxed);
    }
    return failure;
}

static status *admit(local_call *l, const rpc_local_request *request)
{
    status *failure = check_load(l, request);
    failure = failure == NULL ? call_admit(&l->call) : failure;
    if (failure != NULL) {
        call_count_ended(&l->call, failure->code);
        call_forget_request(&l->call);
        convert_status_clean(failure);
    }
    return failure;
}

status *rpc_local_start(rpc_local *local, const rpc_local_request *request,
                        rpc_local_reply_fn *on_reply, void *data, rpc_local_call **ret)
{
    bool stopped = false;
    local_call *l = take_spare(local, &stopped);
    if (l == NULL || strlen(request->service->name) + strlen(request->method) + 3 > MAX_METHOD) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    fill(l, request);
    l->on_reply = on_reply;
    l->data = data;
    atomic_fetch_add(&local->server->at_work, 1);
    status *failure = stopped ? status_new(STATUS_CANCELLED, "the caller has stopped") : NULL;
    failure = failure == NULL ? admit(l, request) : failure;
    if (failure != NULL) {
        server_call_done(local->server);
        put_spare(l);
        return failure;
    }
    *ret = l;
    const rpc_method *method = l->call.method;
    method->service->invoke(method->service, method->index, request->message,
                            rpc_call_reply_closure, &l->call);
    return NULL;
}

bool rpc_local_is_answered(const rpc_local_call *call)
{
    return atomic_load_explicit(&call->state, memory_order_acquire) == LOCAL_ANSWERED;
}

// ---- waiting ----

static void list(local_call *l)
{
    rpc_local *local = l->local;
    pthread_mutex_lock(&local->lock);
    l->previous = NULL;
    l->next = local->waiting;
    if (l->next != NULL) {
        l->next->previous = l;
    }
    local->waiting = l;
    if (local->stopped) {
        rpc_local_leave(l);
    }
    pthread_mutex_unlock(&local->lock);
}

static void unlist(local_call *l)
{
    rpc_local *local = l->local;
    pthread_mutex_lock(&local->lock);
    if (l->previous != NULL) {
        l->previous->next = l->next;
    } else {
        local->waiting = l->next;
    }
    if (l->next != NULL) {
        l->next->previous = l->previous;
    }
    pthread_mutex_unlock(&local->lock);
}

// Before the deadline, or as it comes: it may find the answer being written.
static void wait_until(local_call *l)
{
    struct timespec deadline = {.tv_sec = l->call.deadline_us / 1000000,
                                .tv_nsec = l->call.deadline_us % 1000000 * 1000};
    while (sem_clockwait(&l->ended, CLOCK_MONOTONIC, &deadline) != 0) {
        if (errno == ETIMEDOUT) {
            l->late = leave(l);
            if (l->late) {
                return;
            }
            deadline.tv_sec++;
        }
    }
}

void rpc_local_wait(rpc_local_call *call)
{
    if (rpc_local_is_answered(call)) {
        while (sem_wait(&call->ended) != 0 && errno == EINTR) {
            // It is posted, or about to be.
        }
        return;
    }
    list(call);
    wait_until(call);
    unlist(call);
}

static status *finish_left(local_call *l)
{
    bool late = l->late;
    l->shared = arena_share(l->request_memory);
    local_call_release(l);
    return late ? status_new(STATUS_DEADLINE_EXCEEDED, "the server did not answer in time")
                : status_new(STATUS_CANCELLED, "the caller has left");
}

status *rpc_local_finish(rpc_local_call *call)
{
    if (atomic_load_explicit(&call->state, memory_order_acquire) == LOCAL_LEFT) {
        return finish_left(call);
    }
    if (call->reply != NULL) {
        call->on_reply(call->data, call->reply);
    }
    status *failure = call->failure;
    call->failure = NULL;
    arena_reset(call->call.memory);
    server_call_done(call->local->server);
    put_spare(call);
    return failure;
}
