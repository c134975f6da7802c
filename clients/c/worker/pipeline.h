// pipeline - the way of outcomes to the server: one PUSH socket, one message at a time.
//
// The only file of the worker that knows nng. What it took may still be lost with the connection.
// Used by one thread, but for the events.
#ifndef ERRAND_CLIENTS_C_WORKER_PIPELINE_H
#define ERRAND_CLIENTS_C_WORKER_PIPELINE_H

#include "base/buf.h"
#include "base/status.h"
#include "rpc/tls_files.h"

#include <stdbool.h>

typedef struct pipeline pipeline;

// All run on threads of nng and must only pass the word on.
typedef struct pipeline_events {
    void (*connected)(void *data);         // there is a connection
    void (*broken)(void *data);            // it is gone: pipeline_drop it at once
    void (*sent)(void *data, bool taken);  // the message given last is off, or was not taken
    void *data;
} pipeline_events;

// The names of files are borrowed until it is closed.
status *pipeline_open(const pipeline_events *events, const tls_files *tls, pipeline **ret);

// pipeline_dial starts dialing, until there is a connection; when that is broken it is called anew
// after pipeline_drop, which ends what is left. It may be called again when it fails.
// pipeline_drop accepts NULL.
status *pipeline_dial(pipeline *p, const char *url);
void pipeline_drop(pipeline *p);

// pipeline_send copies the message. Not before `sent` of the one before has run. False when the
// connection is broken or memory is short: then `sent` does not run.
bool pipeline_send(pipeline *p, slice message);

// pipeline_close waits until none of the events runs any more. Accepts NULL.
void pipeline_close(pipeline *p);

#endif
