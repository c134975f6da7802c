// upstream - calls to the server, each made by a thread that waits for its answer.
//
// What carries them is behind a table of functions: connections to servers elsewhere
// (upstream_remote.c), or the methods of a server in this process (upstream_local.c).
#ifndef ERRAND_GATEWAY_UPSTREAM_H
#define ERRAND_GATEWAY_UPSTREAM_H

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/status.h"
#include "rpc/tls_files.h"

#include <protobuf-c/protobuf-c.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct upstream upstream;

// ---- ending a call from outside ----

// An upstream_cancel belongs to whoever makes calls, one at a time, and outlives them; another
// thread may end the call under way with it, and with it all later ones.
typedef struct upstream_cancel {
    pthread_mutex_t lock;  // held while wake runs: a leaf but for what that locks
    bool fired;
    void (*wake)(void *data);  // ends the call under way; NULL: there is none
    void *data;
} upstream_cancel;

void upstream_cancel_init(upstream_cancel *c);
void upstream_cancel_fini(upstream_cancel *c);

// upstream_cancel_fire may be called from any thread, at any time: the call fails with CANCELLED.
void upstream_cancel_fire(upstream_cancel *c);
// upstream_cancel_reset lets calls be made again.
void upstream_cancel_reset(upstream_cancel *c);

// For backends. upstream_cancel_enter says how to end what now begins to wait; false: it was
// cancelled before. After upstream_cancel_leave wake does not run any more. Both accept NULL.
bool upstream_cancel_enter(upstream_cancel *c, void (*wake)(void *data), void *data);
void upstream_cancel_leave(upstream_cancel *c);
status *upstream_cancelled(void);
status *upstream_stopping(void);

// ---- calls ----

typedef struct upstream_call {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    ProtobufCMessage *request;  // a server in this process may change it
    arena *memory;  // where the request lives; shared when a call is left before its answer
    int64_t timeout_ms;
    const char *request_id;   // NULL: a fresh one
    const char *traceparent;  // NULL: none
    const char *token;        // NULL: the gateway's own; "": none
    upstream_cancel *cancel;  // NULL: nobody ends it
    bool prompt;              // it is over at once: others may be sent together with it
} upstream_call;

// upstream_reply_fn gets the reply, borrowed, on any thread while the calling thread waits. It must
// not block.
typedef void upstream_reply_fn(void *data, const ProtobufCMessage *reply);

// upstream_run makes a call and waits for its end.
status *upstream_run(upstream *u, const upstream_call *call, upstream_reply_fn *on_reply,
                     void *data);

// ---- what carries them ----

typedef struct upstream_ops {
    // run is upstream_run. After stop it fails with upstream_stopping.
    status *(*run)(void *backend, const upstream_call *call, upstream_reply_fn *on_reply,
                   void *data);
    // stop fails the calls under way.
    void (*stop)(void *backend);
    void (*free)(void *backend);  // after all callers are gone
} upstream_ops;

// upstream_new takes the backend, also when it fails.
status *upstream_new(const upstream_ops *ops, void *backend, upstream **ret);

typedef struct upstream_options {
    // Servers that share one store: a call goes to the first one that is connected and well.
    const char *const *urls;
    size_t url_count;
    const char *token;  // the gateway's own; NULL: none
    tls_files tls;      // of tls+tcp://
    size_t max_message_bytes;
    size_t max_calls;            // under way at once; further ones wait. 0: as the library has it
    int64_t connect_timeout_ms;  // without a connection for that long, calls fail with UNAVAILABLE
} upstream_options;

// upstream_open makes calls to servers elsewhere.
status *upstream_open(const upstream_options *servers, upstream **ret);

// upstream_open_local makes calls to the server of this process, which outlives it.
struct rpc_server;
status *upstream_open_local(struct rpc_server *server, const char *token, upstream **ret);

// upstream_stop fails the calls under way and all later ones with UNAVAILABLE.
void upstream_stop(upstream *u);
void upstream_free(upstream *u);  // after all callers are gone; accepts NULL
DEFINE_AUTO(upstream, upstream_free)

#endif
