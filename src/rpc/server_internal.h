// server_internal - what server.c and call.c share.
#ifndef ERRAND_RPC_SERVER_INTERNAL_H
#define ERRAND_RPC_SERVER_INTERNAL_H

#include "rpc/envelope.h"
#include "rpc/methods.h"
#include "rpc/park.h"
#include "rpc/server.h"
#include "rpc/tls_listeners.h"

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>

// Contexts kept beyond max_calls, so that calls over the cap are told so.
#define SERVER_SPARE_CONTEXTS 64

struct rpc_server {
    rpc_server_options options;
    nng_socket socket;
    bool socket_open;
    tls_listeners tls;
    rpc_methods *methods;
    bool methods_lost;  // no memory for a service
    rpc_park *park;
    _Atomic bool stopping;    // no new calls
    _Atomic bool closing;     // nobody may enter nng any more; see gate.h
    _Atomic size_t contexts;  // in all
    _Atomic size_t at_work;   // calls from their reception until the answer has left
    _Atomic size_t memory;    // bytes of decoded requests, and of answers in bundles
    _Atomic size_t holders;   // the owner, and calls answered after stop

    // Leaf lock: nothing else is locked while it is held, but nng's own.
    pthread_mutex_t lock;
    pthread_cond_t changed;  // at_work or running fell while stopping
    size_t running;          // contexts whose chain of receive and send goes on
    rpc_call *calls;         // every context ever opened, newest first
    struct bundled_call *spares;
    size_t spare_count;
    bool stopped;
};

// server_grow opens more contexts, up to the limit; best effort.
void server_grow(rpc_server *server);
// server_call_done says that a call has left; server_context_ended that a context has, for good.
void server_call_done(rpc_server *server);
void server_context_ended(rpc_server *server);
// server_release lets go of the server; the last one frees it.
void server_release(rpc_server *server);

// ---- call.c ----

rpc_call *call_new(rpc_server *server, rpc_call *next);
rpc_call *call_next(const rpc_call *call);
// call_start makes the context receive.
void call_start(rpc_call *call);
// call_abandon leaves an unanswered call to whoever will answer it; false if it is not at work.
bool call_abandon(rpc_call *call);
// call_wait_outside waits until no thread is in nng on behalf of the context.
void call_wait_outside(rpc_call *call);
// call_stop waits for the context's last callback.
void call_stop(rpc_call *call);
// call_release frees the call, or leaves that to the late answer of an abandoned one.
void call_release(rpc_call *call);

#endif
