// local_run - a local call from the side of the thread that makes it.
#include "rpc/local_internal.h"

#include "base/clock.h"
#include "rpc/convert.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define YIELDS 2  // more gain nothing

// ---- calling ----

static local_call *take_spare(rpc_local *local, bool *ret_stopped)
{
    pthread_mutex_lock(&local->lock);
    local->under_way++;
    local_call *l = local->spare;
    if (l != NULL) {
        local->spare = l->next;
    }
    *ret_stopped = local->stopped;
    pthread_mutex_unlock(&local->lock);
    return l != NULL ? l : local_call_new(local);
}

// The lock is held.
static void end_one(rpc_local *local)
{
    local->under_way--;
    if (local->stopped && local->under_way == 0) {
        pthread_cond_signal(&local->idle);
    }
}

static void end_without_spare(rpc_local *local)
{
    pthread_mutex_lock(&local->lock);
    end_one(local);
    pthread_mutex_unlock(&local->lock);
}

// The next call finds the latest one, whose memory the processor still has.
static void put_spare(local_call *l)
{
    rpc_local *local = l->local;
    pthread_mutex_lock(&local->lock);
    end_one(local);
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
    l->request_bytes = arena_bytes(request->memory);
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
    if (l == NULL ||
        strlen(request->service->name) + strlen(request->method) + 3 > LOCAL_MAX_METHOD) {
        end_without_spare(local);
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
    if (local->closed) {
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
            l->late = local_leave(l);
            if (l->late) {
                return;
            }
            deadline.tv_sec++;
        }
    }
}

void rpc_local_wait(rpc_local_call *call)
{
    // With many callers the answer is often there once the others had their turn: that spares
    // both sides the way into sleep and out of it. With few it costs next to nothing.
    for (int i = 0; i < YIELDS && !rpc_local_is_answered(call); i++) {
        (void) sched_yield();
    }
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
    end_without_spare(l->local);
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
