// load - the same call again and again, so many of them in flight.
#ifndef ERRAND_BENCH_LOAD_H
#define ERRAND_BENCH_LOAD_H

#include "base/status.h"
#include "rpc/client.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct load {
    rpc_client *client;
    const ProtobufCServiceDescriptor *service;
    const char *method;
    const ProtobufCMessage *request;
    const ProtobufCMessage *const *requests;  // instead of the one: taken in turns
    size_t request_count;
    int in_flight;
    bool waits;         // the calls wait at the server: each has a message of its own
    int64_t count;      // calls at most
    int64_t time_ms;    // no new ones after this; 0: no limit
    int64_t timeout_s;  // of one call
} load;

typedef struct load_result {
    int64_t count;
    double seconds;       // from the first call to the last reply
    double client_cpu_s;  // of this process meanwhile
} load_result;

// load_run ends early, with the failure, when a call fails or a job of a batch is refused. Each
// call gets a request-id of its own.
status *load_run(const load *what, load_result *ret);

#endif
