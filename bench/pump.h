// pump - connections that ask, take what comes back, and ask again; one thread drives all of them,
// so that the other side is measured and not this one.
#ifndef ERRAND_BENCH_PUMP_H
#define ERRAND_BENCH_PUMP_H

#include "base/buf.h"
#include "base/status.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct pump {
    const char *path;  // of the unix socket; NULL: port
    int port;          // of 127.0.0.1
    int connections;
    int64_t timeout_s;  // of it all
    void *data;
    // ask appends requests, and returns how many replies they have; 0: this connection is through.
    int (*ask)(void *data, int connection, buf *out);
    // take gets what has arrived. It returns the size of the first reply; 0: that is not whole yet;
    // -1: it is not what was expected.
    ssize_t (*take)(void *data, int connection, const char *bytes, size_t size);
} pump;

status *pump_run(const pump *what, double *ret_seconds);

#endif
