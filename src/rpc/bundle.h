// bundle - several calls that came in one message, and whose answers go back in one.
//
// A message costs either side a good part of what a small call does, so callers with many calls put
// them together. To the methods each of them is a call like any other.
#ifndef ERRAND_RPC_BUNDLE_H
#define ERRAND_RPC_BUNDLE_H

#include "base/status.h"

#include <nng/nng.h>

typedef struct rpc_call rpc_call;
typedef struct rpc_server rpc_server;
typedef struct bundled_call bundled_call;

// bundle_check refuses a message with too many calls, one that is a call itself, and one that came
// with others.
status *bundle_check(const rpc_call *carrier);

// bundle_serve serves the calls in the message, which it takes, of a carrier that was read.
void bundle_serve(rpc_call *carrier, nng_msg *message);

// bundle_answered is what sending is for the others: NULL when there is no memory for an answer.
void bundle_answered(rpc_call *call, nng_msg *answer);

// bundle_free_spares comes with the end of the server.
void bundle_free_spares(rpc_server *server);

#endif
