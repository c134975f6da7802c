// lane_answer - what a lane does with the answer to its call.
#include "rpc/lane_internal.h"

#include "rpc/envelope.h"
#include "rpc/wire.h"

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

static status *read_reply(lane *l, slice encoded, ProtobufCMessage **ret, status **ret_remote)
{
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

// NULL: the call is over. Else the server asks to be called again.
static status *settle(lane *l, slice encoded)
{
    client_call *call = l->call;
    ProtobufCMessage *reply = NULL;
    status *remote = NULL;
    status *failure = read_reply(l, encoded, &reply, &remote);
    if (failure == NULL && remote != NULL && remote->code == STATUS_UNAVAILABLE) {
        arena_reset(l->memory);
        return remote;
    }
    l->call = NULL;
    if (failure == NULL && remote == NULL) {
        client_call_done(call, reply, NULL);
        client_recycle(l->client, call);
    } else {
        client_finish(l->client, call, failure != NULL ? blame_server(l, failure) : remote);
    }
    arena_reset(l->memory);
    return NULL;
}

static void one_answered(lane *l, nng_msg *message)
{
    slice encoded = {nng_msg_body(message), nng_msg_len(message)};
    status *unavailable = settle(l, encoded);
    nng_msg_free(message);
    if (unavailable != NULL) {
        lane_try_again(l, unavailable);
    } else {
        lane_carry(l, client_next(l->client, l));
    }
}

// ---- several in one message ----

// True: the server took them. They are asked for again if not, each alone.
static bool took_them(lane *l, slice encoded)
{
    slice payload;
    status *remote = NULL;
    AUTO(status) failure = envelope_read_reply(encoded, l->memory, &payload, &remote);
    bool taken = failure == NULL && remote == NULL;
    if (status_code_of(remote) == STATUS_UNIMPLEMENTED) {
        atomic_store(&l->client->alone, true);  // an older server
    }
    status_free(remote);
    arena_reset(l->memory);
    return taken;
}

static void settle_one(lane *l, client_call *call, slice encoded)
{
    l->call = call;
    status *unavailable = settle(l, encoded);
    if (unavailable != NULL) {
        client_resend(l->client, call, unavailable);
    }
}

static void several_answered(lane *l, nng_msg *message)
{
    slice left = {nng_msg_body(message), nng_msg_len(message)};
    client_call *calls = l->call;
    slice encoded;
    bool taken = took_them(l, left);
    while (taken && calls != NULL && envelope_next_answer(&left, &encoded)) {
        client_call *call = calls;
        calls = call->next;
        settle_one(l, call, encoded);
    }
    nng_msg_free(message);
    while (calls != NULL) {
        client_call *call = calls;
        calls = call->next;
        client_resend(l->client, call, NULL);
    }
    l->call = NULL;
    lane_carry(l, client_next(l->client, l));
}

void lane_answered(lane *l, nng_msg *message)
{
    if (lane_sends_several(l)) {
        several_answered(l, message);
    } else {
        one_answered(l, message);
    }
}
