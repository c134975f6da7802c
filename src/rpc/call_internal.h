// call_internal - one call of the server; shared by the files that carry it.
#ifndef ERRAND_RPC_CALL_INTERNAL_H
#define ERRAND_RPC_CALL_INTERNAL_H

#include "rpc/gate.h"
#include "rpc/server_internal.h"

typedef enum phase { RECEIVING, AT_WORK, SENDING, ABANDONED } phase;

struct rpc_call {
    rpc_server *server;
    rpc_call *next;  // in the server's list
    nng_ctx context;
    nng_aio *aio;
    arena *memory;
    gate inside;  // threads in nng on behalf of this context
    _Atomic phase phase;
    _Atomic int holders;  // the server and, once abandoned, the late answer
    nng_pipe pipe;
    envelope_request request;
    const rpc_method *method;
    rpc_caller caller;
    const char *request_id;
    int64_t deadline_us;
    int64_t start_us;  // monotonic: when it was received
    size_t memory_bytes;
    rpc_parked place;
    struct local_call *local;  // of this process: answered by local.c, and has no context; or NULL
    struct bundled_call
        *bundled;  // came with others: answered with them, and has no context; or NULL
};

// ---- call.c ----

// call_begin reads a request; false: it was refused. The bytes are not needed afterwards.
bool call_begin(rpc_call *call, nng_pipe pipe, slice encoded, ProtobufCMessage **ret);
// call_invoke gives it to its method.
void call_invoke(rpc_call *call, const ProtobufCMessage *input);
// call_send sends the answer; NULL when there is no memory for any.
void call_send(rpc_call *call, nng_msg *message);

// ---- call_open.c ----

// call_check_load refuses what is too large or too much.
status *call_check_load(const rpc_call *call, size_t size);
// call_admit finds the method and whether the caller may call it. method, timeout and metadata of
// call->request and call->start_us are there.
status *call_admit(rpc_call *call);

// call_open checks and decodes a request into the call. What it needs of the bytes is copied. Of
// one that carries others only the envelope is read.
status *call_open(rpc_call *call, slice encoded, ProtobufCMessage **ret);

// call_forget_request gives back what the request holds of the server, but for the arena.
void call_forget_request(rpc_call *call);
void call_count_ended(const rpc_call *call, status_code code);

// ---- local.c ----

// local_answer and local_fail are rpc_call_answer and rpc_call_fail. kept: the reply lives in the
// call's arena.
void local_answer(rpc_call *call, const ProtobufCMessage *reply, bool kept);
void local_fail(rpc_call *call, status *failure);

#endif
