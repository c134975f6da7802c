// client_queue - hands calls to lanes, and keeps those for which there is no lane yet.
#include "rpc/client_internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define US_PER_MS         1000
#define LONGEST_SLEEP_MS  INT64_C(3600000)
#define SPARE_CALLS       1024
#define KEPT_STABLE_BYTES ((size_t) 64 * 1024)  // larger buffers are not kept for reuse

status *client_closed(void)
{
    return status_new(STATUS_CANCELLED, "the client was closed");
}

bool client_is_connected(rpc_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool connected = client->connected;
    pthread_mutex_unlock(&client->lock);
    return connected;
}

nng_duration client_sending_ms(const rpc_client *client, int64_t wait_ms)
{
    int64_t cap_ms = client->options.connect_timeout_ms;
    return (nng_duration) (cap_ms > 0 && cap_ms < wait_ms ? cap_ms : wait_ms);
}

// ---- calls ----

client_call *client_call_new(rpc_client *client)
{
    pthread_mutex_lock(&client->lock);
    client_call *call = client->spare_calls;
    if (call != NULL) {
        client->spare_calls = call->next;
        client->spare_count--;
    }
    pthread_mutex_unlock(&client->lock);
    return call != NULL ? call : calloc(1, sizeof *call);
}

static void call_free(client_call *call)
{
    nng_msg_free(call->message);
    free(call->stable);
    free(call);
}

void client_recycle(rpc_client *client, client_call *call)
{
    if (call->stable_capacity > KEPT_STABLE_BYTES) {
        call_free(call);
        return;
    }
    nng_msg_free(call->message);
    *call = (client_call){.stable = call->stable, .stable_capacity = call->stable_capacity};
    pthread_mutex_lock(&client->lock);
    bool keep = client->spare_count < SPARE_CALLS;
    if (keep) {
        call->next = client->spare_calls;
        client->spare_calls = call;
        client->spare_count++;
    }
    pthread_mutex_unlock(&client->lock);
    if (!keep) {
        call_free(call);
    }
}

void client_call_done(const client_call *call, const ProtobufCMessage *reply, const status *failure)
{
    if (call->closure != NULL) {
        call->closure(reply, call->data);
    } else {
        call->done(call->data, reply, failure);
    }
}

void client_finish(rpc_client *client, client_call *call, status *failure)
{
    client_call_done(call, NULL, failure);
    status_free(failure);
    client_recycle(client, call);
}

// ---- lanes and queue ----

static lane *take_lane(rpc_client *client)
{
    lane *l = client->free_lanes;
    if (l != NULL) {
        client->free_lanes = lane_next_free(l);
    } else if (client->lane_count < client->options.max_in_flight) {
        l = lane_new(client, client->lanes);
        if (l != NULL) {
            client->lanes = l;
            client->lane_count++;
        }
    }
    client->busy += l != NULL;
    return l;
}

// A timer that is set for later is woken, to be set anew.
static void set_timer(rpc_client *client, int64_t at_us)
{
    if (client->timer_set) {
        if (at_us < client->timer_us) {
            nng_aio_cancel(client->queue_timer);
        }
        return;
    }
    int64_t wait_ms = (at_us - clock_mono_us(clock_system())) / US_PER_MS + 1;
    wait_ms = wait_ms < 1 ? 1 : wait_ms;
    client->timer_set = true;
    client->timer_us = at_us;
    nng_sleep_aio((nng_duration) (wait_ms < LONGEST_SLEEP_MS ? wait_ms : LONGEST_SLEEP_MS),
                  client->queue_timer);
}

static void enqueue(rpc_client *client, client_call *call)
{
    call->next = NULL;
    *client->queue_end = call;
    client->queue_end = &call->next;
    set_timer(client, call->deadline_us);
}

void client_submit(rpc_client *client, client_call *call)
{
    pthread_mutex_lock(&client->lock);
    bool closing = client->closing;
    lane *l = closing ? NULL : take_lane(client);
    bool lost = l == NULL && client->lane_count == 0;  // nobody would ever take it from the queue
    if (!closing && l == NULL && !lost) {
        enqueue(client, call);
    }
    pthread_mutex_unlock(&client->lock);
    if (closing) {
        client_finish(client, call, client_closed());
    } else if (l != NULL) {
        lane_run(l, call);
    } else if (lost) {
        client_finish(client, call, status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
    }
}

client_call *client_next(rpc_client *client, lane *free_lane)
{
    pthread_mutex_lock(&client->lock);
    client_call *call = client->queue;
    if (call != NULL) {
        client->queue = call->next;
        if (client->queue == NULL) {
            client->queue_end = &client->queue;
        }
    } else {
        lane_set_next_free(free_lane, client->free_lanes);
        client->free_lanes = free_lane;
        client->busy--;
        if (client->closing && client->busy == 0) {
            pthread_cond_broadcast(&client->idle);
        }
    }
    pthread_mutex_unlock(&client->lock);
    return call;
}

// Takes the calls out of the queue whose deadline is over (all: every call), oldest first;
// ret_next_us is the earliest deadline of the others.
static client_call *take_expired(rpc_client *client, bool all, int64_t *ret_next_us)
{
    int64_t now = clock_mono_us(clock_system());
    client_call *expired = NULL;
    client_call **expired_end = &expired;
    client_call **at = &client->queue;
    *ret_next_us = INT64_MAX;
    while (*at != NULL) {
        client_call *call = *at;
        if (all || call->deadline_us <= now) {
            *at = call->next;
            call->next = NULL;
            *expired_end = call;
            expired_end = &call->next;
            continue;
        }
        *ret_next_us = call->deadline_us < *ret_next_us ? call->deadline_us : *ret_next_us;
        at = &call->next;
    }
    client->queue_end = at;
    return expired;
}

static void fail_queued(rpc_client *client, client_call *calls, bool closed)
{
    while (calls != NULL) {
        client_call *call = calls;
        calls = call->next;
        status *failure = closed ? client_closed()
                                 : status_new(STATUS_DEADLINE_EXCEEDED,
                                              "%s/%s waited %lld ms behind other calls to %s",
                                              call->service->name, call->method->name,
                                              (long long) call->timeout_ms, client->url);
        client_finish(client, call, failure);
    }
}

void client_on_queue_timer(void *data)
{
    rpc_client *client = data;
    int64_t next_us;
    pthread_mutex_lock(&client->lock);
    client->timer_set = false;
    client_call *expired = take_expired(client, false, &next_us);
    if (client->queue != NULL && !client->closing) {
        set_timer(client, next_us);
    }
    pthread_mutex_unlock(&client->lock);
    fail_queued(client, expired, false);
}

void client_shut_queue(rpc_client *client)
{
    int64_t next_us;
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    client_call *queued = take_expired(client, true, &next_us);
    pthread_mutex_unlock(&client->lock);
    fail_queued(client, queued, true);
}

void client_free_spares(rpc_client *client)
{
    while (client->spare_calls != NULL) {
        client_call *call = client->spare_calls;
        client->spare_calls = call->next;
        call_free(call);
    }
}
