// function - runs jobs by C functions, on a bounded pool of threads: the handler behind the public
// errand_worker.
#ifndef ERRAND_CLIENTS_C_WORKER_FUNCTION_H
#define ERRAND_CLIENTS_C_WORKER_FUNCTION_H

#include "errand.h"
#include "worker/attempt.h"

typedef struct function_pool function_pool;

// One pool serves all kinds of one worker. NULL when memory is short.
function_pool *function_pool_new(int32_t max_threads);
// function_pool_free comes after the worker has stopped. Accepts NULL.
void function_pool_free(function_pool *pool);

typedef struct function_settings {
    function_pool *pool;
    errand_handler *run;
    void *data;
} function_settings;

// Its settings are function_settings, which must outlive the worker.
extern const handler_ops function_handler;

#endif
