// client - calls protobuf services over nng request/reply. One client, one server.
//
// Retries are the client's, not nng's: a call whose connection breaks or that finds the server
// UNAVAILABLE is sent again, with the same request-id, until its deadline. All functions may be
// called from any thread.
#ifndef ERRAND_RPC_CLIENT_H
#define ERRAND_RPC_CLIENT_H

#include "base/status.h"
#include "rpc/tls_files.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rpc_client rpc_client;

typedef struct rpc_client_options {
    const char *url;            // tcp://, tls+tcp://, ipc:// or inproc://
    const char *authorization;  // metadata value sent with each call, or NULL
    size_t max_message_bytes;   // cap on requests and replies
    size_t max_in_flight;       // calls on the socket at one time; further ones queue in the client
    int64_t default_timeout_ms;  // of calls that name none
    int64_t connect_timeout_ms;  // a call waits that long for a connection; 0: all its time
    tls_files tls;               // of tls+tcp://; read by rpc_client_open
} rpc_client_options;

void rpc_client_options_init(rpc_client_options *options);  // 32 MiB, 4096, 30 s

// rpc_client_open starts dialing and returns at once; calls wait for the connection.
status *rpc_client_open(const rpc_client_options *options, rpc_client **ret);

// rpc_client_close fails what is under way with CANCELLED, runs its callbacks, and frees.
// Must not be called from a callback. Accepts NULL.
void rpc_client_close(rpc_client *client);

typedef struct rpc_call_options {
    int64_t timeout_ms;         // 0: the client's default; also told to the server
    const char *request_id;     // NULL: a fresh UUID version 7; the same on every retry
    const char *traceparent;    // NULL: none
    const char *authorization;  // NULL: the client's own; "" sends none
    bool once;                  // do not retry
    bool prompt;                // it does not wait: may share a message with others like it
    const char *ends;  // request-id of a call of this client that waits: nobody does any more
} rpc_call_options;

// rpc_done_fn gets the reply (borrowed, NULL on failure) or the failure (borrowed, NULL on
// success). Runs on any thread, exactly once, and must not block.
typedef void rpc_done_fn(void *data, const ProtobufCMessage *reply, const status *failure);

// rpc_client_start sends a call without waiting. method names a method of service, such as
// "Submit". The request is encoded before the function returns. options may be NULL.
void rpc_client_start(rpc_client *client, const ProtobufCServiceDescriptor *service,
                      const char *method, const ProtobufCMessage *request,
                      const rpc_call_options *options, rpc_done_fn *done, void *data);

// rpc_client_call sends a call and waits. ret_reply is owned: protobuf_c_message_free_unpacked.
status *rpc_client_call(rpc_client *client, const ProtobufCServiceDescriptor *service,
                        const char *method, const ProtobufCMessage *request,
                        const rpc_call_options *options, ProtobufCMessage **ret_reply);

// rpc_client_stub makes an object for protobuf-c's typed stubs
// (errand__v1__job_service__submit(stub, &request, closure, data)); the closure gets NULL on
// failure. Free with rpc_stub_free before the client.
ProtobufCService *rpc_client_stub(rpc_client *client, const ProtobufCServiceDescriptor *service);
void rpc_stub_free(ProtobufCService *stub);

// rpc_client_reconnect drops the connection, so that a fresh one is dialed; for a caller whose
// call outlived its deadline on a dead link.
void rpc_client_reconnect(rpc_client *client);

// rpc_client_is_connected tells whether there is a connection now.
bool rpc_client_is_connected(rpc_client *client);

#endif
