// errand - liberrand: a client of an Errand server, and the worker's side of the protocol.
//
// Messages are those of the .proto files as protobuf-c makes them (errand/v1/job_service.pb-c.h and
// others). All functions may be called from any thread unless said otherwise.
#ifndef ERRAND_H
#define ERRAND_H

#include <errand/v1/job_service.pb-c.h>
#include <errand/v1/queue_service.pb-c.h>
#include <errand/v1/server_service.pb-c.h>
#include <errand/v1/worker_service.pb-c.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ERRAND_API __attribute__((visibility("default")))
#else
#define ERRAND_API
#endif

#define ERRAND_DEFAULT_URL "tcp://127.0.0.1:6710"

typedef struct errand_client errand_client;

// Why a call failed. code has gRPC's numbers (Errand__Rpc__V1__Code).
typedef struct errand_error {
    int code;
    const char *message;     // one sentence
    int64_t retry_delay_ms;  // -1: not said
    size_t violation_count;
    const char *const *fields;        // violation_count field paths
    const char *const *descriptions;  // and what is wrong with each
} errand_error;

ERRAND_API void errand_error_free(errand_error *error);  // accepts NULL

typedef struct errand_client_options {
    const char *url;           // NULL: ERRAND_DEFAULT_URL
    const char *token;         // bearer token, or NULL
    size_t max_message_bytes;  // 0: 32 MiB
    size_t max_in_flight;      // 0: 4096
    int64_t timeout_ms;        // of calls that name none; 0: 30 s
    // A call that finds no connection fails with UNAVAILABLE after that time. 0: it waits for one
    // all its own time.
    int64_t connect_timeout_ms;
    // For tls+tcp:// URLs: names of PEM files, read by errand_client_open.
    const char *tls_ca;    // who signs the server's certificate; NULL: those this system trusts
    const char *tls_cert;  // shown to a server that wants one; NULL: none
    const char *tls_key;   // its private key
    const char *tls_server_name;  // the name in the server's certificate; NULL: the URL's host
} errand_client_options;

// errand_client_open starts connecting and returns at once; calls wait for the connection and are
// retried, safely, until their time is over. options may be NULL. NULL on success.
ERRAND_API errand_error *errand_client_open(const errand_client_options *options,
                                            errand_client **ret);
// errand_client_close fails calls under way. Accepts NULL.
ERRAND_API void errand_client_close(errand_client *client);
// errand_client_reconnect drops the connection and makes a fresh one: for a caller whose call was
// not answered in its time, since a dead link may go unnoticed for long.
ERRAND_API void errand_client_reconnect(errand_client *client);

typedef struct errand_call_options {
    int64_t timeout_ms;       // 0: the client's
    const char *request_id;   // NULL: a fresh one. The same id makes a repeated Submit safe
    const char *traceparent;  // NULL: none
    const char *token;        // NULL: the client's; "": none
    bool once;                // fail rather than send the request a second time
} errand_call_options;

// errand_call makes any call of any service and waits for the answer, which is owned by the caller
// (protobuf_c_message_free_unpacked). method is a name such as "Submit". options may be NULL.
ERRAND_API errand_error *errand_call(errand_client *client,
                                     const ProtobufCServiceDescriptor *service, const char *method,
                                     const ProtobufCMessage *request,
                                     const errand_call_options *options,
                                     ProtobufCMessage **ret_reply);

// errand_start makes a call without waiting. done runs exactly once on a thread of the library,
// must not block, and gets either the reply or the error, both borrowed.
typedef void errand_done_fn(void *data, const ProtobufCMessage *reply, const errand_error *error);
ERRAND_API void errand_start(errand_client *client, const ProtobufCServiceDescriptor *service,
                             const char *method, const ProtobufCMessage *request,
                             const errand_call_options *options, errand_done_fn *done, void *data);

// Typed forms of the calls used most. The returned message is owned: *__free_unpacked(m, NULL).
// errand_submit waits at most 60 s for the job to end; wait_ms 0 does not wait.
ERRAND_API errand_error *errand_submit(errand_client *client, const Errand__V1__Job *job,
                                       int64_t wait_ms, const errand_call_options *options,
                                       Errand__V1__Job **ret);
ERRAND_API errand_error *errand_get(errand_client *client, const char *id, Errand__V1__JobView view,
                                    Errand__V1__Job **ret);
// errand_result waits up to wait_ms (however long; calls of at most 60 s are repeated) for the end.
ERRAND_API errand_error *errand_result(errand_client *client, const char *id, int64_t wait_ms,
                                       Errand__V1__GetResultResponse **ret);

#ifdef __cplusplus
}
#endif

#endif
