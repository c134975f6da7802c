// errand - liberrand: a client of an Errand server, and the worker's side of the protocol.
//
// Messages are those of the .proto files as protobuf-c makes them (errand/v1/job_service.pb-c.h and
// others). All functions may be called from any thread unless said otherwise.
#ifndef ERRAND_H
#define ERRAND_H

#include <protobuf-c/protobuf-c.h>

// A method of JobService has a name that C++ keeps for itself.
#ifdef __cplusplus
#define delete delete_job
#endif
#include <errand/v1/job_service.pb-c.h>
#ifdef __cplusplus
#undef delete
#endif
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
// errand_client_is_connected tells whether there is a connection now: for a caller that can choose
// between servers.
ERRAND_API bool errand_client_is_connected(errand_client *client);

typedef struct errand_call_options {
    int64_t timeout_ms;       // 0: the client's
    const char *request_id;   // NULL: a fresh one. The same id makes a repeated Submit safe
    const char *traceparent;  // NULL: none
    const char *token;        // NULL: the client's; "": none
    bool once;                // fail rather than send the request a second time
    const char *ends;  // request-id of a waiting call of this client whose answer nobody wants any
                       // more: the server ends it before it does this one. NULL: none
    bool prompt;       // it does not wait: with many under way, several may share a message, which
                       // is faster. Where it would wait, the server answers with what is known
} errand_call_options;

// errand_call makes any call of any service and waits for the answer, which is owned by the caller
// (protobuf_c_message_free_unpacked). method is a name such as "Submit". options may be NULL.
ERRAND_API errand_error *errand_call(errand_client *client,
                                     const ProtobufCServiceDescriptor *service, const char *method,
                                     const ProtobufCMessage *request,
                                     const errand_call_options *options,
                                     ProtobufCMessage **ret_reply);

// errand_start makes a call without waiting. done runs exactly once, must not block, and gets
// either the reply or the error, both borrowed. It runs on a thread of the library; for a call that
// can not be sent at all (a request over the cap, say) on the caller's, before errand_start
// returns: so no lock that done takes may be held meanwhile.
typedef void errand_done_fn(void *data, const ProtobufCMessage *reply, const errand_error *error);
ERRAND_API void errand_start(errand_client *client, const ProtobufCServiceDescriptor *service,
                             const char *method, const ProtobufCMessage *request,
                             const errand_call_options *options, errand_done_fn *done, void *data);

// ---- jobs ----
//
// Typed forms of the calls used most; any other goes by errand_call. The returned message is owned:
// errand__v1__job__free_unpacked(job, NULL) and the like.

// errand_submit waits at most 60 s for the job to end; wait_ms 0 does not wait.
ERRAND_API errand_error *errand_submit(errand_client *client, const Errand__V1__Job *job,
                                       int64_t wait_ms, const errand_call_options *options,
                                       Errand__V1__Job **ret);
// errand_submit_start submits without waiting. done is as with errand_start, and gets the job.
typedef void errand_job_fn(void *data, const Errand__V1__Job *job, const errand_error *error);
ERRAND_API void errand_submit_start(errand_client *client, const Errand__V1__Job *job,
                                    const errand_call_options *options, errand_job_fn *done,
                                    void *data);
// errand_submit_batch submits up to 10,000 jobs with one write. Each is judged alone: the answer
// has a job or an error for each, in order.
ERRAND_API errand_error *errand_submit_batch(errand_client *client,
                                             const Errand__V1__Job *const *jobs, size_t count,
                                             const errand_call_options *options,
                                             Errand__V1__BatchSubmitResponse **ret);
ERRAND_API errand_error *errand_get(errand_client *client, const char *id, Errand__V1__JobView view,
                                    Errand__V1__Job **ret);
// errand_result waits up to wait_ms (however long; calls of at most 60 s are repeated) for the end.
ERRAND_API errand_error *errand_result(errand_client *client, const char *id, int64_t wait_ms,
                                       Errand__V1__GetResultResponse **ret);
// errand_wait does, too, and gives the whole job, its state final or not.
ERRAND_API errand_error *errand_wait(errand_client *client, const char *id, int64_t wait_ms,
                                     Errand__V1__Job **ret);
// errand_list lists jobs, newest first; request may be NULL. next_page_token of the answer goes
// into the next request, with the same filter.
ERRAND_API errand_error *errand_list(errand_client *client,
                                     const Errand__V1__ListJobsRequest *request,
                                     Errand__V1__ListJobsResponse **ret);
// Each answers with the job as it is then; ret may be NULL.
ERRAND_API errand_error *errand_cancel(errand_client *client, const char *id,
                                       Errand__V1__Job **ret);
ERRAND_API errand_error *errand_retry(errand_client *client, const char *id, Errand__V1__Job **ret);
ERRAND_API errand_error *errand_delete(errand_client *client, const char *id,
                                       Errand__V1__Job **ret);

// SUCCEEDED, FAILED, CANCELLED or EXPIRED: the job is over.
ERRAND_API bool errand_state_is_final(Errand__V1__Job__State state);

// ---- watching ----

typedef struct errand_watch errand_watch;

// errand_watch_open follows a job: errand_watch_next gives it as it is, then once for each change
// (of those that come close together only the last), and NULL after the final state. The job
// belongs to the caller. It waits up to timeout_ms for a change, below 0 without limit, 0 not at
// all, and fails with DEADLINE_EXCEEDED then; so it may be called again. One watch, one thread at a
// time; close it before the client.
ERRAND_API errand_error *errand_watch_open(errand_client *client, const char *id,
                                           errand_watch **ret);
ERRAND_API errand_error *errand_watch_next(errand_watch *watch, int64_t timeout_ms,
                                           Errand__V1__Job **ret);

// errand_watch_start follows a job without a thread of the caller's: changed runs on a thread of
// the library, must not block, and gets the job as it is, then each change. The call with a final
// state is the last one, as is one with an error.
ERRAND_API errand_error *errand_watch_start(errand_client *client, const char *id,
                                            errand_job_fn *changed, void *data, errand_watch **ret);

// errand_watch_close ends either; afterwards `changed` does not run any more. It may be called by
// `changed`, and after the client was closed. Accepts NULL.
ERRAND_API void errand_watch_close(errand_watch *watch);

// ---- JSON ----

// errand_value_from_json reads any JSON text, such as the args of a job; the value is for
// google__protobuf__value__free_unpacked(value, NULL).
ERRAND_API errand_error *errand_value_from_json(const char *json, Google__Protobuf__Value **ret);
// errand_to_json shows any message in the canonical mapping, on one line; free() the text.
ERRAND_API errand_error *errand_to_json(const ProtobufCMessage *message, char **ret);

// ---- workers ----
//
// A worker leases jobs of the kinds that it has functions for, runs them on threads of its own, as
// many at once as its concurrency says, and reports how they ended. It connects by itself and again
// whenever a link breaks, and keeps each outcome until the server has it on disk.

typedef struct errand_worker errand_worker;
typedef struct errand_context errand_context;

typedef struct errand_server {
    const char *url;          // of the RPC
    const char *results_url;  // of the result pipeline; NULL: the server is asked
} errand_server;

// What it points to has to live until errand_worker_start has returned.
typedef struct errand_worker_options {
    const errand_server *servers;  // NULL: one at ERRAND_DEFAULT_URL
    size_t server_count;           // at most 64
    const char *token;             // bearer token, or NULL
    int concurrency;               // jobs run at once; 0: as many as there are processors
    // Queues that are served, with a weight if several have jobs, such as "mail=3".
    const char *const *queues;
    size_t queue_count;        // 0: all
    size_t max_message_bytes;  // as the server's; 0: 32 MiB
    size_t max_result_bytes;   // cap on one result; 0: 16 MiB
    int64_t drain_timeout_ms;  // time for running jobs when it is stopped; 0: 30 s, below 0: none
    // connected runs on the worker's thread whenever a server has become reachable, and must not
    // block. May be NULL.
    void (*connected)(void *data, const char *url);
    void *data;
    const char *tls_ca;  // as in errand_client_options
    const char *tls_cert;
    const char *tls_key;
    const char *tls_server_name;
} errand_worker_options;

// A function that runs jobs of one kind. It may block; it says how it ended by one of
// errand_context_succeed_... or errand_context_fail, of which the last one counts. Saying nothing
// is success with the value null. The context is gone when it has returned.
typedef void errand_handler(errand_context *context, void *data);

ERRAND_API errand_error *errand_worker_new(const errand_worker_options *options,
                                           errand_worker **ret);
// errand_worker_handle registers a function for a kind, before the worker is started.
ERRAND_API errand_error *errand_worker_handle(errand_worker *worker, const char *kind,
                                              errand_handler *run, void *data);

// errand_worker_start starts the threads and returns; errand_worker_stop takes no more jobs, waits
// up to drain_timeout for those that run, cancels the rest and gives them back, and returns when
// all is reported. now: it does not wait for jobs. In either case it waits for functions to return,
// since a thread can not be taken away from them: they should look at their cancellation.
ERRAND_API errand_error *errand_worker_start(errand_worker *worker);
ERRAND_API void errand_worker_stop(errand_worker *worker, bool now);

// errand_worker_run starts, waits for errand_worker_quit, and stops. errand_worker_quit may be
// called from any thread, also before, and from a signal handler.
ERRAND_API errand_error *errand_worker_run(errand_worker *worker);
ERRAND_API void errand_worker_quit(errand_worker *worker);

// errand_worker_free stops first (at once) if that was not done. Accepts NULL. Neither this nor
// errand_worker_stop may be called by a function or by `connected`.
ERRAND_API void errand_worker_free(errand_worker *worker);

// ---- within a function ----
//
// All may be called from any thread until the function returns, but those that say how it ended:
// from one at a time.

// The job with its input; lives as long as the context.
ERRAND_API const Errand__V1__Job *errand_context_job(const errand_context *context);
// The number of this attempt; the first is 1.
ERRAND_API int errand_context_attempt(const errand_context *context);
// What is left of attempt_timeout.
ERRAND_API int64_t errand_context_time_left_ms(const errand_context *context);

// errand_context_progress tells how far the work is; total 0: not known, message may be NULL; of a
// longer one the first 255 bytes are told. It may be called as often as one likes: the server hears
// of it about once a second.
ERRAND_API void errand_context_progress(errand_context *context, int64_t done, int64_t total,
                                        const char *message);

// True once the function should come to its end, because what it does is of no use any more: the
// job was cancelled, its time is over, its lease was lost, or the worker stops.
ERRAND_API bool errand_context_cancelled(errand_context *context);
// errand_context_wait waits for that, up to timeout_ms, below 0 without limit: a sleep that ends
// when it should.
ERRAND_API bool errand_context_wait(errand_context *context, int64_t timeout_ms);
// A descriptor that is readable from then on, for poll() and the like. Not to be read or closed.
// -1: there are no more descriptors.
ERRAND_API int errand_context_fd(errand_context *context);

// Success, with a value given as JSON text or as a message, or with bytes (content_type NULL:
// application/octet-stream). All is copied. An error is a last word, too: unless the function says
// something else, the attempt has failed for good.
ERRAND_API errand_error *errand_context_succeed_json(errand_context *context, const char *json);
ERRAND_API errand_error *errand_context_succeed_value(errand_context *context,
                                                      const Google__Protobuf__Value *value);
ERRAND_API errand_error *errand_context_succeed_data(errand_context *context,
                                                     const char *content_type, const void *bytes,
                                                     size_t size);

typedef struct errand_failure {
    int code;                // with gRPC's numbers; 0: UNKNOWN
    const char *message;     // one sentence, for those who look why the job failed
    bool permanent;          // another attempt would not help
    int64_t retry_after_ms;  // no attempt before; 0: as the job's retry policy says
} errand_failure;

ERRAND_API void errand_context_fail(errand_context *context, const errand_failure *failure);

// What the library's workers have to say goes to standard error, one line per event, from this
// level on: "debug", "info", "warn" (the default) or "error". False: no such level.
ERRAND_API bool errand_log_level(const char *level);

#ifdef __cplusplus
}
#endif

#endif
