// worker - leases jobs from one server, runs them, and reports how they ended.
//
// One thread with a libuv loop drives everything: the parked Lease, heartbeats, handlers, the
// result pipeline. The same code runs inside errandd (over inproc) and in errand-worker.
#ifndef ERRAND_WORKER_WORKER_H
#define ERRAND_WORKER_WORKER_H

#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct worker worker;

typedef struct worker_options {
    const char *rpc_url;
    const char *results_url;
    const uuid *id;             // NULL: fresh for this start
    const char *token;          // bearer token or NULL
    int concurrency;            // jobs run at once
    const char *const *queues;  // served queues
    size_t queue_count;         // 0: all
    size_t max_message_bytes;   // as the server's
    size_t max_result_bytes;    // cap on one result
    size_t max_unacked_bytes;   // cap on outcomes not yet acknowledged: 64 MiB
    // Cap on results under way and outcomes not yet acknowledged, together: 512 MiB. Beyond it no
    // jobs are leased, and responses are read one at a time.
    size_t max_held_bytes;
    size_t max_per_host;           // transfers at once to one host; 0: no limit
    bool allow_private_addresses;  // http to loopback and private ranges; link-local never
    int64_t drain_timeout_us;      // time for running jobs when stopped
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

// The worker's id as text; borrowed.
const char *worker_id(const worker *w);

#endif
