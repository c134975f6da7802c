// origin - a local HTTP server that answers every request with the same body.
#ifndef ERRAND_BENCH_ORIGIN_H
#define ERRAND_BENCH_ORIGIN_H

#include "base/status.h"
#include "bench/child.h"

#include <stdint.h>

// origin_start starts it as a process of its own; child_url(c, "origin", 0) is its URL.
status *origin_start(int64_t body_bytes, int64_t delay_ms, child **ret);

// origin_serve is that process: BODY_BYTES DELAY_MS. It returns after SIGTERM.
int origin_serve(int argc, char **argv);

#endif
