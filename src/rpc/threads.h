// threads - how many threads nng runs callbacks on.
//
// nng 1.5 starts two for each processor and has no setting for it. Each message is handed from one
// to another several times, and whoever finds nothing to do goes to sleep and has to be woken for
// the next. Measured on 2 processors, half of the threads answer a fifth more Submits for less
// processor time (docs/performance.md).
#ifndef ERRAND_RPC_THREADS_H
#define ERRAND_RPC_THREADS_H

#include "base/status.h"

typedef struct rpc_threads rpc_threads;

// rpc_threads_halve keeps half of nng's threads idle, for the whole process, but leaves at least
// two. For servers: a program that only calls gains nothing.
status *rpc_threads_halve(rpc_threads **ret);

// rpc_threads_restore gives them back; accepts NULL.
void rpc_threads_restore(rpc_threads *threads);

#endif
