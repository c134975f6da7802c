// wrk - the load generator of that name, run and understood.
#ifndef ERRAND_BENCH_WRK_H
#define ERRAND_BENCH_WRK_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

bool wrk_is_installed(void);

typedef struct wrk_load {
    const char *url;
    const char *script;  // a Lua file that makes the requests; NULL: plain GETs
    int connections;     // kept alive
    int64_t time_ms;     // rounded up to whole seconds
} wrk_load;

typedef struct wrk_result {
    double requests;
    double rate;  // of a second
    double p50_s, p99_s;
} wrk_result;

// wrk_run fails when an answer was no success or a connection broke.
status *wrk_run(const wrk_load *load, wrk_result *ret);

// wrk_write_post writes a script that POSTs a job of kind bench with args of 100 bytes.
status *wrk_write_post(const char *path);

#endif
