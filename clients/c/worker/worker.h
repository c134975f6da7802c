// worker - leases jobs from one server or several, runs them, and reports how they ended.
//
// One thread with a libuv loop drives everything: the parked Lease, heartbeats, handlers, the
// result pipeline. The same code runs inside errandd (over inproc), in errand-worker, and in
// programs that use liberrand.
#ifndef ERRAND_CLIENTS_C_WORKER_WORKER_H
#define ERRAND_CLIENTS_C_WORKER_WORKER_H

#include "base/status.h"
#include "base/uuid.h"
#include "rpc/tls_files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct worker worker;

// Who runs the jobs of one kind. What ops wants of settings, it takes while the worker starts.
typedef struct worker_handler {
    const char *kind;
    const struct handler_ops *ops;  // attempt.h
    const void *settings;           // for ops->open
} worker_handler;

#define WORKER_MAX_SERVERS 64

typedef struct worker_server {
    const char *rpc_url;
    const char *results_url;  // NULL: the server is asked
} worker_server;

typedef struct worker_options {
    const worker_server *servers;
    size_t server_count;  // 1 to WORKER_MAX_SERVERS
    const uuid *id;       // by which the first server knows it; NULL: fresh for this start
    const char *token;    // bearer token or NULL
    tls_files tls;        // for tls+tcp:// addresses
    // Jobs run at once, shared between the servers that have jobs.
    int concurrency;
    const char *const *queues;  // served queues
    size_t queue_count;         // 0: all
    size_t max_message_bytes;   // as the server's
    size_t max_result_bytes;    // cap on one result
    size_t max_unacked_bytes;   // cap on outcomes not yet acknowledged by one server: 64 MiB
    // Cap on results under way and outcomes not yet acknowledged, together: 512 MiB. Beyond it no
    // jobs are leased, and responses are read one at a time.
    size_t max_held_bytes;
    int64_t drain_timeout_us;        // time for running jobs when stopped
    const worker_handler *handlers;  // of the kinds that are served
    size_t handler_count;            // at least one
    // connected is told, on the worker's thread, when both sockets of a server have become usable;
    // NULL: nobody asks.
    void (*connected)(void *data, const char *rpc_url);
    void *data;
} worker_options;

void worker_options_init(worker_options *options);

// worker_start starts the thread; it connects by itself and again whenever the link breaks.
status *worker_start(const worker_options *options, worker **ret);

// worker_drain stops leasing; running jobs go on up to drain_timeout, then they are given back
// (released). Returns at once.
void worker_drain(worker *w);

// worker_stop drains if that was not done, waits for the thread, and frees. now: do not wait for
// running jobs. Accepts NULL.
void worker_stop(worker *w, bool now);

// The id by which the first server knows it, as text; borrowed.
const char *worker_id(const worker *w);

#endif
