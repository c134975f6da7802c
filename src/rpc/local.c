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
#include "rpc/local_internal.h"

#include "rpc/convert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_PEER UINT32_C(0x80000000)  // nng's own numbers of connections are positive ints
#define ANSWER_S   3  // for methods that have an answer although the wait is over

// ---- life ----

static void local_call_free(local_call *l)
{
    (void) sem_destroy(&l->ended);
    arena_free(l->call.memory);
    arena_free(l->shared);
    status_free(l->failure);
    free(l);
}

local_call *local_call_new(rpc_local *local)
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
    pthread_cond_destroy(&local->idle);
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

static void init_idle(rpc_local *local)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&local->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    init_idle(local);
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

void local_call_release(local_call *l)
{
    rpc_local *local = l->local;
    if (atomic_fetch_sub(&l->holders, 1) == 1) {
        local_call_free(l);
        local_release(local);
    }
}

// ---- leaving ----

bool local_leave(local_call *l)
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
    if (local_leave(call)) {
        sem_post(&call->ended);
    }
}

// The lock is held.
static void wait_for_answers(rpc_local *local)
{
    struct timespec until;
    int error = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ANSWER_S;
    while (local->under_way > 0 && error == 0) {
        error = pthread_cond_timedwait(&local->idle, &local->lock, &until);
    }
}

// As over a connection that goes, calls that are parked end first: some have an answer all the
// same, such as a Submit, whose job is stored.
void rpc_local_stop(rpc_local *local)
{
    pthread_mutex_lock(&local->lock);
    local->stopped = true;
    rpc_park_pipe_went(local->server->park, local->peer);
    wait_for_answers(local);
    local->closed = true;
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
    size_t memory = arena_bytes(l->call.memory) + l->request_bytes;
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
