// decode - the parts that JSON decoding is made of; private to this folder.
//
// The jansson tree lives in the same arena as the message, so strings are borrowed from it and
// nothing is ever freed. All functions leave their output untouched on failure.
#ifndef ERRAND_JSON_DECODE_H
#define ERRAND_JSON_DECODE_H

#include "base/arena.h"
#include "base/status.h"
#include "json/path.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

// ---- decode_parse.c: text to jansson tree ----

// decode_parse checks the depth before anything recurses, and parses.
status *decode_parse(const char *text, size_t size, arena *memory, json_t **ret);

// decode_use_arena makes jansson of this thread allocate from the arena until called with NULL.
void decode_use_arena(arena *memory);

// decode_fail is path_fail with ", found VALUE" behind.
status *decode_fail(const path *where, const json_t *found, const char *expected)
    __attribute__((warn_unused_result));
status *decode_no_memory(void) __attribute__((warn_unused_result));

// ---- decode.c: messages and their fields ----

status *decode_message(const ProtobufCMessageDescriptor *descriptor, json_t *value,
                       const path *where, arena *memory, ProtobufCMessage **ret);
ProtobufCMessage *decode_new_message(const ProtobufCMessageDescriptor *descriptor, arena *memory);

// decode_element reads one value of the field's type, a list's element for a repeated field.
status *decode_element(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                       arena *memory, void *ret_slot);
// decode_field reads the value of a field of the message: a list, a map or a single one.
status *decode_field(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                     arena *memory, ProtobufCMessage *message);
status *decode_list(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                    arena *memory, ProtobufCMessage *message);
// Google's Value is the one type of which null is a value.
bool decode_takes_null(const ProtobufCFieldDescriptor *field);

// ---- decode_map.c ----

status *decode_map(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                   arena *memory, ProtobufCMessage *message);

// ---- decode_scalar.c ----

status *decode_scalar(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                      arena *memory, void *ret_slot);

// ---- decode_wellknown.c ----

// decode_wellknown reads into a fresh message of a kind other than WELLKNOWN_NONE.
status *decode_wellknown(json_t *value, const path *where, arena *memory,
                         ProtobufCMessage *message);

#endif
