// peer - a job server as the scenario `peers` sees it: 100-byte jobs go in and come out.
#ifndef ERRAND_BENCH_PEER_H
#define ERRAND_BENCH_PEER_H

#include "base/status.h"
#include "bench/options.h"

#include <stdint.h>

#define PEER_PAYLOAD_BYTES 100

// How jobs go in or out.
typedef struct peer_task {
    int clients;        // each with one call, or one batch, in flight
    int batch;          // jobs in one call, or sent before the first answer is waited for
    int64_t jobs;       // a multiple of clients times batch
    int64_t timeout_s;  // of it all
} peer_task;

typedef struct peer_result {
    double seconds;
    double server_cpu_s;
    double client_cpu_s;
} peer_result;

typedef struct peer {
    const char *name;
    const char *durable;   // what is on disk before an answer
    int64_t share;         // of the jobs in batches, 1 / share: it is slow
    const char *programs;  // that have to be installed, and their package; NULL: none
    const char *program;   // one of them; NULL: none
    status *(*start)(const bench_options *options, void **ret_own);
    void (*stop)(void *own);  // accepts NULL
    status *(*enqueue)(void *own, const peer_task *task, peer_result *ret);
    // drain takes jobs and marks each as done; with the mark of one the next is asked for.
    status *(*drain)(void *own, const peer_task *task, peer_result *ret);
} peer;

extern const peer peer_errand;
extern const peer peer_beanstalkd;
extern const peer peer_redis;
extern const peer peer_postgres;

// The payload: text without characters that a protocol would have to escape.
extern const char peer_payload[PEER_PAYLOAD_BYTES + 1];

#endif
