// pool - the workers as errandd and errand-worker run them: with handlers for the kinds built in.
//
// Commands have a worker of their own beside that of http jobs, which leases as many of them as it
// may run at once: so no command waits in a worker while another one has room.
#ifndef ERRAND_WORKER_POOL_H
#define ERRAND_WORKER_POOL_H

#include "worker/exec_command.h"
#include "worker/http_handler.h"
#include "worker/worker.h"

typedef struct pool_options {
    worker_options worker;  // its handlers are the pool's affair
    http_settings http;
    const exec_commands *commands;  // must outlive the pool; NULL or none: no jobs of kind exec
    int processes;                  // commands run at once; 0: as many as there are cores
    const uuid *exec_id;            // like worker.id, of the worker that runs commands
    const char *const *kinds;       // served kinds out of pool_kinds
    size_t kind_count;              // 0: all
} pool_options;

typedef struct pool pool;

extern const char *const pool_kinds[];  // of what is built in; ends with NULL

void pool_options_init(pool_options *options);

// pool_start starts the workers.
status *pool_start(const pool_options *options, pool **ret);

// pool_stop drains both at the same time, waits for them, and frees; see worker_stop. Accepts NULL.
void pool_stop(pool *p, bool now);

#endif
