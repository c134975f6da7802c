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
#include "rpc/client_internal.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "rpc/envelope.h"
#include "rpc/gate.h"
#include "rpc/tls.h"
#include "rpc/wire.h"

#include <stdlib.h>

#define FIRST_BACKOFF_MS   10
#define LONGEST_BACKOFF_MS 1000
#define US_PER_MS          1000
#define LONGEST_WAIT_MS    INT64_C(0x3fffffff)  // nng counts milliseconds in an int
typedef enum lane_phase { LANE_SENDING, LANE_RECEIVING, LANE_PAUSING } lane_phase;

struct lane {
    rpc_client *client;
    lane *next;       // among all lanes
    lane *next_free;  // among those without a call
    nng_ctx context;
    nng_aio *aio;
    gate inside;    // threads in nng on behalf of this context
    arena *memory;  // for replies
    lane_phase phase;
    client_call *call;
    uint32_t random;  // state of the jitter
};

// ---- time ----

static int64_t left_ms(const client_call *call)
{
    int64_t left_us = call->deadline_us - clock_mono_us(clock_system());
    int64_t left = (left_us + US_PER_MS - 1) / US_PER_MS;
    return left < LONGEST_WAIT_MS ? left : LONGEST_WAIT_MS;
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

// NULL: under way.
static status *send_call(lane *l)
{
    client_call *call = l->call;
    l->phase = LANE_SENDING;
    int64_t wait_ms = left_ms(call);
    if (wait_ms <= 0) {
        return deadline_passed(l);
    }
    nng_msg *message = call->message;
    call->message = NULL;
    if (message == NULL) {
        slice stable = {call->stable, call->stable_size};
        status *failure = envelope_write_again(stable, wait_ms, &message);
        if (failure != NULL) {
            return failure;
        }
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

static void carry(lane *l, client_call *call);

// Ends the call and turns to the next.
static void finish(lane *l, status *failure)
{
    client_call *call = l->call;
    l->call = NULL;
    client_finish(l->client, call, failure);
    carry(l, client_next(l->client, l));
}

// Loops over calls that can not even be sent, so that many of them do not recurse.
static void carry(lane *l, client_call *call)
{
    while (call != NULL) {
        l->call = call;
        status *failure = send_call(l);
        if (failure == NULL) {
            return;
        }
        l->call = NULL;
        client_finish(l->client, call, failure);
        call = client_next(l->client, l);
    }
}

void lane_run(lane *l, client_call *call)
{
    carry(l, call);
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

static void try_again(lane *l, status *failure)
{
    client_call *call = l->call;
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

static void on_error(lane *l, int error)
{
    const char *url = l->client->url;
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
        try_again(l, status_new(STATUS_UNAVAILABLE, "the connection to %s broke: %s", url,
                                nng_strerror(error)));
        return;
    }
}

// ---- answers ----

static status *decode_on_heap(const ProtobufCMessageDescriptor *descriptor, slice payload,
                              ProtobufCMessage **ret)
{
    status *failure = wire_check(descriptor, payload.bytes, payload.size);
    if (failure != NULL) {
        return failure;
    }
    *ret = protobuf_c_message_unpack(descriptor, NULL, payload.size, payload.bytes);
    return *ret != NULL ? NULL : status_new(STATUS_INTERNAL, "the reply can not be decoded");
}

static status *read_reply(lane *l, nng_msg *message, ProtobufCMessage **ret, status **ret_remote)
{
    slice encoded = {nng_msg_body(message), nng_msg_len(message)};
    if (encoded.size > l->client->options.max_message_bytes) {
        return status_new(STATUS_RESOURCE_EXHAUSTED,
                          "reply of %zu bytes is larger than the cap of %zu bytes", encoded.size,
                          l->client->options.max_message_bytes);
    }
    slice payload;
    status *failure = envelope_read_reply(encoded, l->memory, &payload, ret_remote);
    if (failure != NULL || *ret_remote != NULL) {
        return failure;
    }
    const ProtobufCMessageDescriptor *output = l->call->method->output;
    if (l->call->heap_reply) {
        return decode_on_heap(output, payload, ret);
    }
    return wire_decode(output, payload.bytes, payload.size, l->memory, ret);
}

// A reply that can not be read is the server's fault, not the caller's.
static status *blame_server(const lane *l, status *failure)
{
    if (status_code_of(failure) != STATUS_INVALID_ARGUMENT) {
        return failure;
    }
    status *blamed = status_new(STATUS_INTERNAL, "%s sent a damaged reply: %s", l->client->url,
                                failure->message);
    status_free(failure);
    return blamed;
}

static void succeed(lane *l, const ProtobufCMessage *reply)
{
    client_call *call = l->call;
    l->call = NULL;
    client_call_done(call, reply, NULL);
    client_recycle(l->client, call);
    arena_reset(l->memory);
    carry(l, client_next(l->client, l));
}

static void on_answer(lane *l, nng_msg *message)
{
    ProtobufCMessage *reply = NULL;
    status *remote = NULL;
    status *failure = read_reply(l, message, &reply, &remote);
    nng_msg_free(message);
    if (failure == NULL && remote == NULL) {
        succeed(l, reply);
        return;
    }
    arena_reset(l->memory);
    if (failure != NULL) {
        finish(l, blame_server(l, failure));
    } else if (remote->code == STATUS_UNAVAILABLE) {
        try_again(l, remote);
    } else {
        finish(l, remote);
    }
}

// ---- the chain ----

static void on_sent(lane *l)
{
    int64_t wait_ms = left_ms(l->call);
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
    l->call->message = message;
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
            on_answer(l, take_message(l));
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
