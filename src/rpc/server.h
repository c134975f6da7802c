// server - protobuf services over nng request/reply.
//
// Each call is received on one of nng's threads, checked, decoded into an arena of its own and
// given to the service's method (protobuf-c's own dispatch: `service->invoke`). The method may
// answer at once or later, from any thread, exactly once: by calling the closure with the reply, or
// rpc_call_fail. Until then the request message and the call's arena stay alive.
#ifndef ERRAND_RPC_SERVER_H
#define ERRAND_RPC_SERVER_H

#include "base/arena.h"
#include "base/status.h"
#include "rpc/tls_files.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rpc_server rpc_server;
typedef struct rpc_call rpc_call;

// Who calls. Both are borrowed for the life of the server.
typedef struct rpc_caller {
    const char *name;   // "" without tokens
    const void *grant;  // what the caller may do, for the methods; NULL: everything
} rpc_caller;

// rpc_authorize_fn decides who calls, and whether they may. authorization is the metadata value or
// NULL. Runs on nng threads, many at once.
typedef status *rpc_authorize_fn(void *data, const char *method, const char *authorization,
                                 rpc_caller *ret);

// rpc_together_fn is called with true before and with false after several calls that came in one
// message are given to their methods, by the same thread: what one of them starts may wait for the
// others.
typedef void rpc_together_fn(void *data, bool begins);

typedef struct rpc_server_options {
    size_t max_message_bytes;     // cap on a request; the socket's own limit is four times this
    size_t max_calls;             // calls at work or parked at one time
    size_t reserved_calls;        // of max_calls, kept for calls that do not wait
    size_t max_parked_per_peer;   // parked calls of one connection
    size_t max_memory_bytes;      // of all requests, and of answers that wait to go with others;
                                  // beyond: RESOURCE_EXHAUSTED
    int send_timeout_ms;          // a peer that takes no answer for so long loses its connection
    rpc_authorize_fn *authorize;  // NULL: everybody may do everything
    void *authorize_data;
    rpc_together_fn *together;  // NULL: nobody wants to know
    void *together_data;
    tls_files tls;  // of tls+tcp://; read by each listen
} rpc_server_options;

void rpc_server_options_init(
    rpc_server_options *options);  // defaults: 32 MiB, 16384, 1024, 8192, 1 GiB, 20 s

status *rpc_server_new(const rpc_server_options *options, rpc_server **ret);

// rpc_server_add registers all methods of a service, before the first listen. The service object is
// borrowed until rpc_server_free.
void rpc_server_add(rpc_server *server, ProtobufCService *service);

// rpc_server_listen binds tcp://HOST:PORT (0: any port), tls+tcp://HOST:PORT, ipc://PATH or
// inproc://NAME and writes the real URL, owned by the caller. The first listen starts the service.
status *rpc_server_listen(rpc_server *server, const char *url, char **ret_url);

// rpc_server_renew_tls reads the certificates again, for connections to come; on failure all stays
// as it was. Not while it listens or stops.
status *rpc_server_renew_tls(rpc_server *server);

// rpc_server_stop takes no new calls, runs the gone function of every parked call, waits until
// all calls are answered (at most wait_ms, then closes all the same).
void rpc_server_stop(rpc_server *server, int wait_ms);
void rpc_server_free(rpc_server *server);  // after stop; accepts NULL

// Calls parked now.
size_t rpc_server_parked(const rpc_server *server);

// ---- for methods: closure_data of an invoked method is the rpc_call ----

static inline rpc_call *rpc_call_of(void *closure_data)
{
    return (rpc_call *) closure_data;
}

arena *rpc_call_arena(rpc_call *call);              // freed when the call is answered
const char *rpc_call_caller(const rpc_call *call);  // name and
const void *rpc_call_grant(const rpc_call *call);   // grant as rpc_authorize_fn said
const char *rpc_call_metadata(const rpc_call *call, const char *key);  // NULL if absent
const char *rpc_call_request_id(const rpc_call *call);                 // NULL if absent

// Deadline on CLOCK_MONOTONIC in microseconds; INT64_MAX without one.
int64_t rpc_call_deadline_us(const rpc_call *call);

// rpc_call_is_encoded: the answer goes out as bytes, so that a reply may hold fields as such
// (protobuf-c's unknown ones). Else whoever calls reads the reply itself.
bool rpc_call_is_encoded(const rpc_call *call);

// rpc_call_fail answers with a failure, which it takes.
void rpc_call_fail(rpc_call *call, status *failure);

// rpc_call_answer is what the typed closures do: encodes the reply and sends it. A reply over the
// message cap becomes RESOURCE_EXHAUSTED.
void rpc_call_answer(rpc_call *call, const ProtobufCMessage *reply);

// rpc_call_answer_kept is the same for a reply that lives in the call's arena or request, all of
// it: a caller in this process may take it as it is.
void rpc_call_answer_kept(rpc_call *call, const ProtobufCMessage *reply);

// rpc_call_reply_closure is the closure passed to methods; exposed for methods that forward a call.
void rpc_call_reply_closure(const ProtobufCMessage *reply, void *closure_data);

typedef enum rpc_gone_reason {
    RPC_GONE_LEFT,      // nobody waits for the answer any more
    RPC_GONE_REPLACED,  // the same call came again, and waits in its place: what is known will do
} rpc_gone_reason;

// rpc_call_park says that the call will wait. False when parked calls are capped out or the server
// stops: then answer at once with what is known. When the connection goes, the server stops, or the
// caller repeats the call (same connection, request-id, method and name), gone(data, ticket,
// reason) runs once, on any thread, under a lock of the server and only while the call is not yet
// answered: it must only pass the word on (never answer the call from inside). The call still has
// to be answered after that; when nobody is there the answer is dropped silently.
typedef void rpc_gone_fn(void *data, uint64_t ticket, rpc_gone_reason reason);
bool rpc_call_park(rpc_call *call, rpc_gone_fn *gone, void *data, uint64_t ticket);

#endif
