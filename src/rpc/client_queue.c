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

void call_queue_append(call_queue *queue, client_call *call)
{
    call->next = NULL;
    if (queue->first == NULL) {
        queue->end = &queue->first;
    }
    *queue->end = call;
    queue->end = &call->next;
    queue->length++;
}

client_call *call_queue_take(call_queue *queue)
{
    client_call *call = queue->first;
    if (call != NULL) {
        queue->first = call->next;
        call->next = NULL;
        queue->length--;
    }
    return call;
}

client_call *call_queue_take_all(call_queue *queue)
{
    client_call *calls = queue->first;
    *queue = (call_queue){.first = NULL};
    return calls;
}

static void enqueue(rpc_client *client, client_call *call, bool shares)
{
    int64_t wake_us = call->deadline_us;
    if (shares) {
        share_put(client, call);
        wake_us = clock_earlier(wake_us, client->sharing.stuck_us);
    } else {
        call_queue_append(&client->queue, call);
    }
    set_timer(client, wake_us);
}

// The lane for a call, which may come with others that waited; or none: then it waits itself, if a
// lane will ever come.
static lane *find_lane(rpc_client *client, client_call **call, bool *ret_lost)
{
    bool waits = (*call)->shares && !share_may_go(client);
    lane *l = waits ? NULL : take_lane(client);
    *ret_lost = l == NULL && client->lane_count == 0;
    if (l != NULL) {
        *call = share_join(client, l, *call);
    } else if (!*ret_lost) {
        enqueue(client, *call, waits);
    }
    return l;
}

// failure: what it ended with last time, or NULL.
static void submit(rpc_client *client, client_call *call, status *failure)
{
    bool lost = false;
    call->next = NULL;  // of any list that it comes from: a lane would take them all
    pthread_mutex_lock(&client->lock);
    bool closing = client->closing;
    call->shares = call->shares && client->connected && !atomic_load(&client->alone);
    lane *l = closing ? NULL : find_lane(client, &call, &lost);
    pthread_mutex_unlock(&client->lock);
    if (l != NULL) {
        lane_run(l, call, failure);
        return;
    }
    status_free(failure);
    if (closing) {
        client_finish(client, call, client_closed());
    } else if (lost) {
        client_finish(client, call, status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
    }
}

void client_submit(rpc_client *client, client_call *call)
{
    submit(client, call, NULL);
}

static void submit_each(rpc_client *client, client_call *calls, bool may_share)
{
    while (calls != NULL) {
        client_call *call = calls;
        calls = call->next;
        call->shares = call->shares && may_share;
        client_submit(client, call);
    }
}

// What was written before tells of more time than is left.
void client_resend(rpc_client *client, client_call *call, status *failure)
{
    nng_msg_free(call->message);
    call->message = NULL;
    call->shares = false;
    submit(client, call, failure);
}

void client_stop_sharing(rpc_client *client, lane *l)
{
    client_call *calls = NULL;
    pthread_mutex_lock(&client->lock);
    if (lane_shared(l) > 0) {
        share_leave(client, l);
        calls = share_give_up(client);
    }
    pthread_mutex_unlock(&client->lock);
    submit_each(client, calls, false);
}

// A lane whose calls share goes on with such calls while there are any. But where lanes are short,
// one of them is enough for those, so that the others get their turn.
static client_call *next_calls(rpc_client *client, lane *l)
{
    bool shared = lane_shared(l) > 0;
    share_leave(client, l);
    bool stays = shared && (client->queue.first == NULL || client->sharing.lanes == 0);
    client_call *calls = stays && share_may_go(client) ? share_take(client, l) : NULL;
    if (calls == NULL && (calls = call_queue_take(&client->queue)) != NULL) {
        calls = share_join(client, l, calls);
    }
    return calls;
}

client_call *client_next(rpc_client *client, lane *free_lane)
{
    pthread_mutex_lock(&client->lock);
    client_call *calls = next_calls(client, free_lane);
    if (calls == NULL) {
        lane_set_next_free(free_lane, client->free_lanes);
        client->free_lanes = free_lane;
        client->busy--;
        if (client->closing && client->busy == 0) {
            pthread_cond_broadcast(&client->idle);
        }
    }
    pthread_mutex_unlock(&client->lock);
    return calls;
}

// Moves the calls whose deadline is over (all: every call) to the others in ret, oldest first;
// ret_next_us becomes the earliest deadline of those that stay.
static void take_expired(call_queue *queue, bool all, call_queue *ret, int64_t *ret_next_us)
{
    int64_t now = clock_mono_us(clock_system());
    client_call *calls = call_queue_take_all(queue);
    while (calls != NULL) {
        client_call *call = calls;
        calls = call->next;
        bool expired = all || call->deadline_us <= now;
        call_queue_append(expired ? ret : queue, call);
        if (!expired) {
            *ret_next_us = clock_earlier(call->deadline_us, *ret_next_us);
        }
    }
}

// Of both queues.
static client_call *take_all_expired(rpc_client *client, bool all, int64_t *ret_next_us)
{
    call_queue expired = {.first = NULL};
    *ret_next_us = INT64_MAX;
    take_expired(&client->queue, all, &expired, ret_next_us);
    take_expired(&client->sharing.waiting, all, &expired, ret_next_us);
    return expired.first;
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
    client_call *expired = take_all_expired(client, false, &next_us);
    client_call *stuck = share_take_stuck(client);
    if (client->sharing.waiting.first != NULL) {
        next_us = clock_earlier(next_us, client->sharing.stuck_us);
    }
    if (next_us < INT64_MAX && !client->closing) {
        set_timer(client, next_us);
    }
    pthread_mutex_unlock(&client->lock);
    fail_queued(client, expired, false);
    submit_each(client, stuck, true);
}

void client_shut_queue(rpc_client *client)
{
    int64_t next_us;
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    client_call *queued = take_all_expired(client, true, &next_us);
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
