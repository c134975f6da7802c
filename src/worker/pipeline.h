// pipeline - the way of outcomes to the server: one PUSH socket, one message at a time.
//
// The only file of the worker that knows nng. What it took may still be lost with the connection.
#ifndef ERRAND_WORKER_PIPELINE_H
#define ERRAND_WORKER_PIPELINE_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>

typedef struct pipeline pipeline;

// Both run on threads of nng and must only pass the word on.
typedef struct pipeline_events {
    void (*connected)(void *data);         // a connection was made, maybe again
    void (*sent)(void *data, bool taken);  // the message given last is off, or was not taken
    void *data;
} pipeline_events;

// pipeline_open starts dialing, and dials again whenever the connection breaks.
status *pipeline_open(const char *url, const pipeline_events *events, pipeline **ret);

// pipeline_send copies the message. Not before `sent` of the one before has run. False when memory
// is short: then `sent` does not run.
bool pipeline_send(pipeline *p, slice message);

// pipeline_close waits until neither event runs any more. Accepts NULL.
void pipeline_close(pipeline *p);

#endif
