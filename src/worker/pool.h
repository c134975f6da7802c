// pool - the worker as errandd and errand-worker run it: with handlers for the kinds built in.
#ifndef ERRAND_WORKER_POOL_H
#define ERRAND_WORKER_POOL_H

#include "worker/http_handler.h"
#include "worker/worker.h"

typedef struct pool_options {
    worker_options worker;  // its handlers are the pool's affair
    http_settings http;
} pool_options;

void pool_options_init(pool_options *options);

// pool_start starts a worker; worker_drain and worker_stop end it.
status *pool_start(const pool_options *options, worker **ret);

#endif
