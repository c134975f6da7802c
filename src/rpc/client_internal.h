// client_internal - what the files of the client share.
#ifndef ERRAND_RPC_CLIENT_INTERNAL_H
#define ERRAND_RPC_CLIENT_INTERNAL_H

#include "rpc/client.h"

#include "base/arena.h"

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>

// As many calls share a message at most, of so many bytes together; a larger one has its own.
#define CLIENT_MOST_SHARE          64
#define CLIENT_SHARE_BYTES         ((size_t) 256 * 1024)
#define CLIENT_SHARE_CALL_BYTES    ((size_t) 16 * 1024)
// Calls that may share go out at once while fewer of them than this are under way, and on as many
// lanes at most.
#define CLIENT_SHARING_LANES       4
// When none of those lanes took others for so long, what they carry does wait after all: other
// lanes take their place.
#define CLIENT_SHARING_PATIENCE_US INT64_C(250000)

// client_call is one call, from start until its callback has run.
typedef struct client_call {
    struct client_call *next;  // in a queue, in a message, or among those kept for reuse
    const ProtobufCServiceDescriptor *service;
    const ProtobufCMethodDescriptor *method;
    nng_msg *message;  // encoded and not yet sent; NULL otherwise
    uint8_t *stable;   // all of the message but its timeout, for retries
    size_t stable_size;
    size_t stable_capacity;
    int64_t timeout_ms;
    int64_t deadline_us;
    int backoff_ms;
    bool once;
    bool shares;               // may share a message with others
    bool heap_reply;           // the reply is malloc'ed and given to done for good
    rpc_done_fn *done;         // this or
    ProtobufCClosure closure;  // that
    void *data;
} client_call;

typedef struct call_queue {
    client_call *first;
    client_call **end;
    size_t length;
} call_queue;

// Calls that may share a message; see client_share.c.
typedef struct call_sharing {
    call_queue waiting;
    size_t lanes;         // that carry such calls
    size_t under_way;     // calls on them
    int64_t patience_us;  // CLIENT_SHARING_PATIENCE_US
    int64_t stuck_us;     // when the lanes count as stuck, while there are calls that wait
} call_sharing;

// A lane carries one message at a time over a context of its own; see lane.c.
typedef struct lane lane;

struct rpc_client {
    rpc_client_options options;
    char *url;
    char *authorization;
    nng_socket socket;
    nng_dialer dialer;
    bool socket_open;
    _Atomic bool ever_connected;
    _Atomic bool shut;   // nobody may enter nng any more; see gate.h
    _Atomic bool alone;  // the server wants one call in a message

    // Leaf lock: nothing else is locked while it is held, but nng's own. No callback runs under it.
    pthread_mutex_t lock;
    pthread_cond_t idle;  // busy fell to 0 while closing
    bool closing;
    nng_pipe pipe;  // the connection, for rpc_client_reconnect
    bool connected;
    lane *lanes;       // all of them
    lane *free_lanes;  // those without a call
    size_t lane_count;
    size_t busy;       // lanes with a call
    call_queue queue;  // without a lane
    call_sharing sharing;
    nng_aio *queue_timer;  // wakes at the first deadline in the queues
    bool timer_set;
    int64_t timer_us;
    client_call *spare_calls;
    size_t spare_count;
};

// ---- client_queue.c ----

// client_submit hands a call with an encoded message over: to a lane, or into the queue.
void client_submit(rpc_client *client, client_call *call);
// client_resend hands a call over that went out with others and has to be sent again, alone: at
// once, or after a pause if it ended with that failure, which is taken.
void client_resend(rpc_client *client, client_call *call, status *failure);
// client_stop_sharing: the lane goes on alone, and so does whoever waits for a lane like it.
void client_stop_sharing(rpc_client *client, lane *l);
// client_next gives a lane that has become free its next calls; NULL: the lane is put by.
client_call *client_next(rpc_client *client, lane *free_lane);
client_call *client_call_new(rpc_client *client);
// client_finish runs the callback of a call that failed and lets the call go.
void client_finish(rpc_client *client, client_call *call, status *failure);
// client_recycle lets a call go whose callback has run.
void client_recycle(rpc_client *client, client_call *call);
void client_call_done(const client_call *call, const ProtobufCMessage *reply,
                      const status *failure);
status *client_closed(void);
bool client_is_connected(rpc_client *client);
// client_sending_ms is how long a call with wait_ms left may take to be sent.
nng_duration client_sending_ms(const rpc_client *client, int64_t wait_ms);
void client_on_queue_timer(void *client);
// client_shut_queue fails what is queued and lets nothing more in.
void client_shut_queue(rpc_client *client);
void client_free_spares(rpc_client *client);

void call_queue_append(call_queue *queue, client_call *call);
client_call *call_queue_take(call_queue *queue);  // the first; NULL: it is empty
client_call *call_queue_take_all(call_queue *queue);

// ---- client_share.c; the client's lock is held ----

// share_may_go tells whether there is to be a message now, with one more call.
bool share_may_go(const rpc_client *client);
// share_put makes a call wait for others.
void share_put(rpc_client *client, client_call *call);
// share_take gives a lane a message of those that wait; NULL: there are none.
client_call *share_take(rpc_client *client, lane *l);
// share_join gives a lane the call, with those that wait if it may share.
client_call *share_join(rpc_client *client, lane *l, client_call *call);
// share_leave: what the lane carried is over, or does not count any more.
void share_leave(rpc_client *client, lane *l);
// share_give_up takes all calls that wait; share_take_stuck does so if the lanes are stuck, and
// counts those no longer.
client_call *share_give_up(rpc_client *client);
client_call *share_take_stuck(rpc_client *client);

// ---- lane.c ----

lane *lane_new(rpc_client *client, lane *next);
lane *lane_next(const lane *l);
lane *lane_next_free(const lane *l);
void lane_set_next_free(lane *l, lane *next);
// How many calls it carries that may share; guarded by the client.
size_t lane_shared(const lane *l);
void lane_set_shared(lane *l, size_t count);
// lane_run carries the call, and then those that client_next gives. failure: what the call ended
// with last time, which is taken; or NULL.
void lane_run(lane *l, client_call *call, status *failure);
void lane_cancel(lane *l);        // ends a pause between two tries
void lane_wait_outside(lane *l);  // until no thread is in nng on its behalf
void lane_stop(lane *l);
void lane_free(lane *l);

#endif
