// client_share - which calls go out together.
//
// A message costs either side more than a small call does. Few calls go out at once, each in a
// message of its own. Others wait until those are answered, or until they fill a message: the more
// there are, the larger the messages, and nobody waits for calls that may never come.
#include "rpc/client_internal.h"

#include "base/clock.h"
#include "rpc/envelope.h"

_Static_assert(CLIENT_SHARING_LANES > 1, "or else there is none for those that do not share");

static void lanes_go_on(call_sharing *s)
{
    s->stuck_us = clock_mono_us(clock_system()) + s->patience_us;
}

bool share_may_go(const rpc_client *client)
{
    const call_sharing *s = &client->sharing;
    return s->under_way < CLIENT_SHARING_LANES ||
           (s->waiting.length + 1 >= CLIENT_MOST_SHARE && s->lanes < CLIENT_SHARING_LANES);
}

void share_put(rpc_client *client, client_call *call)
{
    call_sharing *s = &client->sharing;
    if (s->waiting.first == NULL) {
        lanes_go_on(s);
    }
    call_queue_append(&s->waiting, call);
}

static void carries(rpc_client *client, lane *l, size_t count)
{
    lane_set_shared(l, count);
    client->sharing.under_way += count;
    client->sharing.lanes += count > 0;
}

static size_t shared_bytes(const client_call *call)
{
    return nng_msg_len(call->message) + ENVELOPE_CALL_HEAD_BYTES;
}

// What stands first, and what follows as far as it fits into the same message.
client_call *share_take(rpc_client *client, lane *l)
{
    call_sharing *s = &client->sharing;
    size_t cap = client->options.max_message_bytes;
    size_t room = cap < CLIENT_SHARE_BYTES ? cap : CLIENT_SHARE_BYTES;
    client_call *first = call_queue_take(&s->waiting);
    client_call *last = first;
    size_t count = first != NULL;
    size_t bytes = first != NULL ? shared_bytes(first) : 0;
    while (last != NULL && s->waiting.first != NULL && count < CLIENT_MOST_SHARE &&
           (bytes += shared_bytes(s->waiting.first)) <= room) {
        last->next = call_queue_take(&s->waiting);
        last = last->next;
        count++;
    }
    carries(client, l, count);
    lanes_go_on(s);
    return first;
}

client_call *share_join(rpc_client *client, lane *l, client_call *call)
{
    if (!call->shares) {
        return call;
    }
    share_put(client, call);
    return share_take(client, l);
}

void share_leave(rpc_client *client, lane *l)
{
    size_t count = lane_shared(l);
    lane_set_shared(l, 0);
    client->sharing.under_way -= count;
    client->sharing.lanes -= count > 0;
}

client_call *share_give_up(rpc_client *client)
{
    return call_queue_take_all(&client->sharing.waiting);
}

client_call *share_take_stuck(rpc_client *client)
{
    const call_sharing *s = &client->sharing;
    if (s->waiting.first == NULL || clock_mono_us(clock_system()) < s->stuck_us) {
        return NULL;
    }
    for (lane *l = client->lanes; l != NULL; l = lane_next(l)) {
        share_leave(client, l);
    }
    return share_give_up(client);
}
