// local - calls of a server's methods by threads of its own process.
//
// The calling thread hands its message to the method as it is, and waits for the answer: no socket,
// no encoding, no hand-over to other threads but the method's own. All else is as over a
// connection: who may call what, deadlines, caps, metrics, waiting calls that are told when their
// caller goes. An rpc_local is to the server what a connection is.
#ifndef ERRAND_RPC_LOCAL_H
#define ERRAND_RPC_LOCAL_H

#include "rpc/server.h"

typedef struct rpc_local rpc_local;
typedef struct local_call rpc_local_call;

// rpc_local_open: authorization is sent with calls that bring none; NULL: nothing.
status *rpc_local_open(rpc_server *server, const char *authorization, rpc_local **ret);

// rpc_local_stop ends the waits of the calls under way, and with CANCELLED all that have no answer
// soon after, and all later calls.
void rpc_local_stop(rpc_local *local);
void rpc_local_free(rpc_local *local);  // stops; after all callers are gone; accepts NULL

typedef struct rpc_local_request {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    // Good UTF-8 without NULs, nested no deeper than WIRE_MAX_DEPTH. Of a call that is left before
    // its answer the arena is shared, until that comes.
    ProtobufCMessage *message;
    arena *memory;
    int64_t timeout_ms;
    const char *request_id;     // NULL: none
    const char *traceparent;    // NULL: none
    const char *authorization;  // NULL: the local's own; "": none
} rpc_local_request;

// rpc_local_reply_fn gets the reply, borrowed, on any thread, before rpc_local_finish returns. It
// must not block.
typedef void rpc_local_reply_fn(void *data, const ProtobufCMessage *reply);

// rpc_local_start runs the method, which may answer at once or later. What it fails with, the call
// ended with; else rpc_local_wait and rpc_local_finish have to follow, on the same thread.
status *rpc_local_start(rpc_local *local, const rpc_local_request *request,
                        rpc_local_reply_fn *on_reply, void *data, rpc_local_call **ret);

bool rpc_local_is_answered(const rpc_local_call *call);

// rpc_local_wait waits until it is answered or left; rpc_local_leave, from any thread before
// rpc_local_finish, makes it end with CANCELLED.
void rpc_local_wait(rpc_local_call *call);
void rpc_local_leave(rpc_local_call *call);

// rpc_local_finish, after the wait, takes the outcome.
status *rpc_local_finish(rpc_local_call *call);

#endif
