// connect_internal - what the files of the Connect protocol share.
#ifndef ERRAND_GATEWAY_CONNECT_INTERNAL_H
#define ERRAND_GATEWAY_CONNECT_INTERNAL_H

#include "gateway/connect.h"
#include "gateway/gateway_internal.h"
#include "gateway/routes.h"

typedef enum connect_codec { CONNECT_JSON, CONNECT_PROTO } connect_codec;

typedef struct connect_method {
    const ProtobufCServiceDescriptor *service;
    const ProtobufCMethodDescriptor *descriptor;
    bool reads;    // `idempotency_level = NO_SIDE_EFFECTS`: GET does
    bool streams;  // answers with a stream
    bool is_long;  // does as much as there is to do
} connect_method;

typedef struct connect_call {
    api_call call;
    connect_method method;
    connect_codec codec;
    bool in_stream;  // failures are told by the end of the stream
} connect_call;

// ---- connect_methods.c ----

// connect_find finds the method of a path; false: there is none.
bool connect_find(const char *path, connect_method *ret);

// ---- connect_error.c ----

// connect_append_error appends a failure as the protocol's error object.
void connect_append_error(buf *out, const status *failure);

// connect_write_failure is the exchange_failure_fn; its data is the connect_call.
void connect_write_failure(exchange *x, int http_status, const status *failure);

// connect_refuse answers what is not a call at all, with an HTTP status of its own.
void connect_refuse(exchange *x, int http_status, const char *code, const char *message);

// ---- connect_head.c ----

// connect_read_codec reads the codec from the Content-Type, or for GET from the query. False:
// refused.
bool connect_read_codec(connect_call *c);

// connect_read_head reads protocol version, timeout and encodings. False: refused.
bool connect_read_head(connect_call *c);

// ---- connect_get.c ----

// connect_get_codec is the codec of a GET; false: another one, or none.
bool connect_get_codec(const exchange *x, connect_codec *ret);

// connect_get_message puts the message of a GET into x->body. False: refused.
bool connect_get_message(const connect_call *c);

// ---- connect_codec.c ----

// connect_decode makes the request of the call from bytes. False: refused.
bool connect_decode(connect_call *c, slice bytes);

// connect_encode appends a reply; the buffer has failed when there is no memory for it.
status *connect_encode(connect_codec codec, const ProtobufCMessage *reply, buf *out);

// ---- connect_stream.c ----

void connect_run_stream(connect_call *c);

// connect_append_end appends the end of a stream, with the failure unless it is NULL.
void connect_append_end(buf *out, const status *failure);

#endif
