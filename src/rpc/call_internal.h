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
};

// call_open checks and decodes a request into the call. What it needs of the message is copied.
status *call_open(rpc_call *call, nng_msg *message, ProtobufCMessage **ret);

#endif
