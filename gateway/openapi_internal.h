// openapi_internal - what the files of the OpenAPI document share.
#ifndef ERRAND_GATEWAY_OPENAPI_INTERNAL_H
#define ERRAND_GATEWAY_OPENAPI_INTERNAL_H

#include "base/buf.h"
#include "gateway/routes.h"

#include <protobuf-c/protobuf-c.h>

// What the answer of a route is, beyond its RPC's reply.
typedef enum openapi_answer {
    OPENAPI_REPLY,   // 200 with the reply
    OPENAPI_SUBMIT,  // or 201 with Location
    OPENAPI_TAGGED,  // or 304 without it
    OPENAPI_RESULT,  // or 202 with the state so far
    OPENAPI_OUTPUT,  // any type
    OPENAPI_EVENTS,
    OPENAPI_STATUS,  // {"status": ...}
    OPENAPI_METRICS,
    OPENAPI_OBJECT,
    OPENAPI_PAGE,
    OPENAPI_SCRIPT,
    OPENAPI_STYLE,
} openapi_answer;

// What the route table does not say.
typedef struct openapi_note {
    const char *method;
    const char *pattern;
    const char *summary;
    openapi_answer answer;
    const char *request;  // example, JSON; NULL: none
    const char *reply;    // likewise
} openapi_note;

// openapi_note_of is never NULL.
const openapi_note *openapi_note_of(const route *r);  // openapi_notes.c

// The messages that the document has named so far.
#define OPENAPI_MAX_TYPES 160
typedef struct openapi_types {
    const ProtobufCMessageDescriptor *messages[OPENAPI_MAX_TYPES];
    size_t message_count;
} openapi_types;

// openapi_append_ref appends the schema of a message: a reference, or what it is in JSON.
void openapi_append_ref(buf *out, openapi_types *types, const ProtobufCMessageDescriptor *message);
// openapi_append_field appends the schema of a field.
void openapi_append_field(buf *out, openapi_types *types, const ProtobufCMessageDescriptor *parent,
                          const ProtobufCFieldDescriptor *field);
// openapi_append_schemas appends the members of components.schemas: all messages named so far, and
// those that they name.
void openapi_append_schemas(buf *out, openapi_types *types);

#endif
