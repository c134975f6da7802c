// echo - the raw speed of nng request/reply on this machine, which calls are compared with.
#ifndef ERRAND_BENCH_ECHO_H
#define ERRAND_BENCH_ECHO_H

#include "base/status.h"
#include "bench/child.h"

#include <stddef.h>
#include <stdint.h>

#define ECHO_MAX_IN_FLIGHT 512

typedef struct echo_load {
    const char *url;
    size_t message_bytes;
    int in_flight;    // ECHO_MAX_IN_FLIGHT at most
    int64_t count;    // round trips at most
    int64_t time_ms;  // no new ones after this
} echo_load;

typedef struct echo_result {
    int64_t count;
    double seconds;
    double client_cpu_s;
} echo_result;

// echo_run sends messages from plain nng contexts of one socket, each its next one as soon as
// the last came back.
status *echo_run(const echo_load *load, echo_result *ret);

// echo_start starts a server process that listens on `url` and sends every message back.
status *echo_start(const char *url, child **ret);

// echo_serve is that process; it returns after SIGTERM.
int echo_serve(int argc, char **argv);

#endif
