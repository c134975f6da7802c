// upstream - calls to the server, each made by a thread that waits for its answer.
#ifndef ERRAND_GATEWAY_UPSTREAM_H
#define ERRAND_GATEWAY_UPSTREAM_H

#include "base/cleanup.h"
#include "base/status.h"
#include "rpc/tls_files.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

typedef struct upstream upstream;

typedef struct upstream_call {
    const ProtobufCServiceDescriptor *service;
    const char *method;
    const ProtobufCMessage *request;
    int64_t timeout_ms;
    const char *request_id;   // NULL: a fresh one
    const char *traceparent;  // NULL: none
    const char *token;        // NULL: the gateway's own; "": none
} upstream_call;

// upstream_reply_fn gets the reply, borrowed, on a thread of the client library while the calling
// thread waits. It must not block.
typedef void upstream_reply_fn(void *data, const ProtobufCMessage *reply);

typedef struct upstream_options {
    const char *url;
    const char *token;  // the gateway's own; NULL: none
    tls_files tls;      // of tls+tcp://
    size_t max_message_bytes;
    int64_t connect_timeout_ms;  // without a connection for that long, calls fail with UNAVAILABLE
} upstream_options;

status *upstream_open(const upstream_options *server, upstream **ret);

// upstream_stop fails the calls under way and all later ones with UNAVAILABLE.
void upstream_stop(upstream *u);
void upstream_free(upstream *u);  // after all callers are gone; accepts NULL
DEFINE_AUTO(upstream, upstream_free)

// upstream_run makes a call and waits for its end.
status *upstream_run(upstream *u, const upstream_call *call, upstream_reply_fn *on_reply,
                     void *data);

#endif
