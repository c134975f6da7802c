// codec - the canonical proto3 JSON mapping, driven by protobuf-c descriptors, both ways.
//
// Source of the mapping: protobuf.dev, "ProtoJSON Format". Covers all field types and Timestamp,
// Duration, FieldMask, Struct, Value, ListValue, the wrappers and Empty.
#ifndef ERRAND_JSON_CODEC_H
#define ERRAND_JSON_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#define JSON_MAX_DEPTH 100

// Messages that a google.protobuf.Value may consist of, one in another: wherever one stands in our
// messages, the whole is not deeper than the RPC takes it.
#define JSON_MAX_VALUE_LEVELS 98

// json_encode appends the message as JSON on one line: lowerCamelCase names, default values left
// out. INTERNAL when the message can not be shown (bad UTF-8, a Timestamp out of range) and
// RESOURCE_EXHAUSTED beyond the cap of out.
status *json_encode(const ProtobufCMessage *message, buf *out);

// json_encode_listing does so for an answer that is a list: its own empty lists are there, as [],
// so that a client can go through them without looking first.
status *json_encode_listing(const ProtobufCMessage *message, buf *out);

// json_decode reads one JSON document into a message that lives in the arena. INVALID_ARGUMENT with
// the position for text that is not JSON, or that no message could hold: invalid UTF-8, NUL in
// strings, the same key twice, nesting beyond JSON_MAX_DEPTH. INVALID_ARGUMENT with a violation
// naming the field (proto path such as http.url or retry.max_attempts), the value found and what
// was expected for anything else: unknown fields, wrong types, numbers out of range, two members of
// one oneof, a field under both its names, bad base64, Durations and Timestamps, unknown enum
// names, values beyond JSON_MAX_VALUE_LEVELS. Names are accepted in lowerCamelCase and in
// snake_case. RESOURCE_EXHAUSTED when the arena is full.
status *json_decode(const ProtobufCMessageDescriptor *descriptor, const char *text, size_t size,
                    arena *memory, ProtobufCMessage **ret);

// The members of a JSON object by their proto names, null ones among them; in the arena.
typedef struct json_given {
    const char **names;
    size_t count;
} json_given;

// json_decode_given is json_decode for a message whose absent fields mean something else than null
// ones. The message must be one that is an object in JSON.
status *json_decode_given(const ProtobufCMessageDescriptor *descriptor, const char *text,
                          size_t size, arena *memory, ProtobufCMessage **ret,
                          json_given *ret_given);

// json_decode_field sets one field, named as in JSON or proto (dotted for nested ones), from text
// such as a query parameter: strings, enums and Durations unquoted. Repeated scalars append.
status *json_decode_field(ProtobufCMessage *message, const char *name, const char *text,
                          arena *memory);

// json_append_string appends text as a JSON string; bytes that are no UTF-8 become U+FFFD.
void json_append_string(buf *out, const char *text);

#endif
