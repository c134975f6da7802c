// lane - one REQ context of the client: sends a call, waits for the answer, tries again.
//
//              sent                  answered
//    SENDING --------> RECEIVING ---------------> done, next call
//       ^                 |
//       |                 | connection broke, or server UNAVAILABLE, and there is time left
//       +---- PAUSING <---+
//
// nng's own resend is off: a broken connection ends the wait with NNG_ECONNRESET. A call that timed
// out is given up by its context alone; a late answer finds nobody and is dropped by nng.
#include "rpc/lane_internal.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "rpc/envelope.h"
#include "rpc/tls.h"

#include <stdlib.h>

#define FIRST_BACKOFF_MS   10
#define LONGEST_BACKOFF_MS 1000
#define US_PER_MS          1000
#define LONGEST_WAIT_MS    INT64_C(0x3fffffff)  // nng counts milliseconds in an int

// ---- time ----

static int64_t left_ms(const client_call *call)
{
    int64_t left_us = call->deadline_us - clock_mono_us(clock_system());
    int64_t left = (left_us + US_PER_MS - 1) / US_PER_MS;
    return left < LONGEST_WAIT_MS ? left : LONGEST_WAIT_MS;
}

// Of several calls the first whose time is over ends the wait of all.
static int64_t shortest_ms(const lane *l)
{
    int64_t shortest = left_ms(l->call);
    for (const client_call *call = l->call->next; call != NULL; call = call->next) {
        int64_t left = left_ms(call);
        shortest = left < shortest ? left : shortest;
    }
    return shortest;
}

// Between half of the backoff and all of it (xorshift is random enough to spread retries).
static int jittered(lane *l, int backoff_ms)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 17;
    l->random ^= l->random << 5;
    int half = backoff_ms / 2;
    return half + (int) (l->random % (uint32_t) (half + 1));
}

static status *deadline_passed(const lane *l)
{
    const client_call *call = l->call;
    const char *url = l->client->url;
    bool sending = l->phase == LANE_SENDING;
    if (!atomic_load(&l->client->ever_connected) || (sending && !client_is_connected(l->client))) {
        return status_new(STATUS_UNAVAILABLE, "could not connect to %s within %lld ms%s", url,
                          (long long) (call->timeout_ms - left_ms(call)),
                          tls_reason(l->client->dialer, url));
    }
    const char *reason = sending ? "took no call" : "did not answer";
    return status_new(STATUS_DEADLINE_EXCEEDED, "%s/%s: %s %s within %lld ms", call->service->name,
                      call->method->name, url, reason, (long long) call->timeout_ms);
}

// ---- sending ----

// Several calls as one message. NULL: there is no memory.
static nng_msg *put_together(const client_call *calls)
{
    nng_msg *parts[CLIENT_MOST_SHARE];
    size_t count = 0;
    for (; calls != NULL; calls = calls->next) {
        parts[count++] = calls->message;
    }
    return envelope_write_calls(parts, count);
}

// What is to go out: as it was, or put together. NULL: there is no memory.
static nng_msg *take_unsent(lane *l, int64_t wait_ms)
{
    client_call *call = l->call;
    nng_msg *message = l->unsent;
    l->unsent = NULL;
    if (message != NULL) {
        return message;
    }
    if (lane_sends_several(l)) {
        return put_together(call);
    }
    message = call->message;
    call->message = NULL;
    if (message == NULL) {
        slice stable = {call->stable, call->stable_size};
        status_free(envelope_write_again(stable, wait_ms, &message));
    }
    return message;
}

// NULL: under way.
static status *send_call(lane *l)
{
    l->phase = LANE_SENDING;
    int64_t wait_ms = shortest_ms(l);
    if (wait_ms <= 0) {
        return deadline_passed(l);
    }
    nng_msg *message = take_unsent(l, wait_ms);
    if (message == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (!gate_enter(&l->inside, &l->client->shut)) {
        nng_msg_free(message);
        return client_closed();
    }
    nng_aio_set_msg(l->aio, message);
    nng_aio_set_timeout(l->aio, client_sending_ms(l->client, wait_ms));
    nng_ctx_send(l->context, l->aio);
    gate_leave(&l->inside);
    return NULL;
}

// Several calls are sent again, each alone, but those whose time is over.
static void scatter(lane *l)
{
    client_call *calls = l->call;
    while (calls != NULL) {
        client_call *call = l->call = calls;
        calls = call->next;
        if (left_ms(call) <= 0) {
            client_finish(l->client, call, deadline_passed(l));
        } else {
            client_resend(l->client, call, NULL);
        }
    }
}

// Ends the calls, without turning to others.
static void end(lane *l, status *failure)
{
    nng_msg_free(l->unsent);
    l->unsent = NULL;
    if (lane_sends_several(l)) {
        status_free(failure);
        scatter(l);
    } else {
        client_finish(l->client, l->call, failure);
    }
    l->call = NULL;
}

static void finish(lane *l, status *failure)
{
    end(l, failure);
    lane_carry(l, client_next(l->client, l));
}

// Loops over calls that can not even be sent, so that many of them do not recurse.
void lane_carry(lane *l, client_call *calls)
{
    while (calls != NULL) {
        l->call = calls;
        status *failure = send_call(l);
        if (failure == NULL) {
            return;
        }
        end(l, failure);
        calls = client_next(l->client, l);
    }
}

// ---- trying again ----

// nng 1.5 never forgets of an aio that it has slept to the end: all later timeouts of it would come
// as successes. One that is timed out of a longer sleep is as before.
static void sleep_until_timeout(lane *l, int delay_ms)
{
    nng_aio_set_timeout(l->aio, delay_ms);
    nng_sleep_aio(delay_ms + 1, l->aio);
}

// Under the client's lock, so that rpc_client_close either sees the pause or prevents it.
static bool pause_for(lane *l, int delay_ms)
{
    pthread_mutex_lock(&l->client->lock);
    bool open = !l->client->closing;
    if (open) {
        l->phase = LANE_PAUSING;
        sleep_until_timeout(l, delay_ms);
    }
    pthread_mutex_unlock(&l->client->lock);
    return open;
}

void lane_try_again(lane *l, status *failure)
{
    client_call *call = l->call;
    client_stop_sharing(l->client, l);
    if (lane_sends_several(l)) {
        finish(l, failure);
        return;
    }
    int backoff_ms = call->backoff_ms == 0 ? FIRST_BACKOFF_MS : call->backoff_ms;
    int64_t delay_ms = jittered(l, backoff_ms);
    if (failure->retry_delay_ms > delay_ms) {
        delay_ms = failure->retry_delay_ms;
    }
    if (call->once || delay_ms >= left_ms(call)) {
        finish(l, failure);
        return;
    }
    call->backoff_ms = backoff_ms * 2 < LONGEST_BACKOFF_MS ? backoff_ms * 2 : LONGEST_BACKOFF_MS;
    status_free(failure);
    if (!pause_for(l, (int) delay_ms)) {
        finish(l, client_closed());
    }
}

void lane_run(lane *l, client_call *call, status *failure)
{
    if (failure == NULL) {
        lane_carry(l, call);
        return;
    }
    l->call = call;
    lane_try_again(l, failure);
}

static void on_error(lane *l, int error)
{
    const char *url = l->client->url;
    client_stop_sharing(l->client, l);
    switch (error) {
    case NNG_ETIMEDOUT:
        finish(l, deadline_passed(l));
        return;
    case NNG_ECLOSED:
    case NNG_ECANCELED:
        finish(l, client_closed());
        return;
    case NNG_ENOMEM:
        finish(l, status_new(STATUS_RESOURCE_EXHAUSTED, "%s", nng_strerror(error)));
        return;
    default:
        lane_try_again(l, status_new(STATUS_UNAVAILABLE, "the connection to %s broke: %s", url,
                                     nng_strerror(error)));
        return;
    }
}

// ---- the chain ----

static void on_sent(lane *l)
{
    int64_t wait_ms = shortest_ms(l);
    if (!gate_enter(&l->inside, &l->client->shut)) {
        finish(l, client_closed());
        return;
    }
    l->phase = LANE_RECEIVING;
    nng_aio_set_timeout(l->aio, wait_ms > 0 ? (nng_duration) wait_ms : 1);
    nng_ctx_recv(l->context, l->aio);
    gate_leave(&l->inside);
}

static void on_pause_over(lane *l, int error)
{
    status *failure = error == NNG_ETIMEDOUT ? send_call(l) : client_closed();
    if (failure != NULL) {
        finish(l, failure);
    }
}

static nng_msg *take_message(lane *l)
{
    nng_msg *message = nng_aio_get_msg(l->aio);
    nng_aio_set_msg(l->aio, NULL);
    return message;
}

// A connection that is there, but busy with other calls, is waited for.
static void on_not_sent(lane *l, int error)
{
    nng_msg *message = take_message(l);
    if (error != NNG_ETIMEDOUT || !client_is_connected(l->client)) {
        nng_msg_free(message);
        on_error(l, error);
        return;
    }
    l->unsent = message;
    status *failure = send_call(l);
    if (failure != NULL) {
        finish(l, failure);
    }
}

static void on_aio(void *data)
{
    lane *l = data;
    int error = nng_aio_result(l->aio);
    switch (l->phase) {
    case LANE_SENDING:
        if (error == 0) {
            on_sent(l);
            return;
        }
        on_not_sent(l, error);
        return;
    case LANE_RECEIVING:
        if (error == 0) {
            lane_answered(l, take_message(l));
        } else {
            on_error(l, error);
        }
        return;
    case LANE_PAUSING:
        on_pause_over(l, error);
        return;
    }
}

// ---- life ----

lane *lane_new(rpc_client *client, lane *next)
{
    lane *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->client = client;
    l->next = next;
    crypto_random(&l->random, sizeof l->random);
    l->random |= 1;  // xorshift stays at zero
    l->memory = arena_new(0);
    if (l->memory == NULL || nng_aio_alloc(&l->aio, on_aio, l) != 0) {
        arena_free(l->memory);
        free(l);
        return NULL;
    }
    if (nng_ctx_open(&l->context, client->socket) != 0) {
        lane_free(l);
        return NULL;
    }
    return l;
}

lane *lane_next(const lane *l)
{
    return l->next;
}

lane *lane_next_free(const lane *l)
{
    return l->next_free;
}

void lane_set_next_free(lane *l, lane *next)
{
    l->next_free = next;
}

size_t lane_shared(const lane *l)
{
    return l->shared;
}

void lane_set_shared(lane *l, size_t count)
{
    l->shared = count;
}

void lane_cancel(lane *l)
{
    nng_aio_cancel(l->aio);
}

void lane_wait_outside(lane *l)
{
    gate_wait(&l->inside);
}

void lane_stop(lane *l)
{
    nng_aio_stop(l->aio);
}

void lane_free(lane *l)
{
    nng_aio_free(l->aio);
    arena_free(l->memory);
    free(l);
}
