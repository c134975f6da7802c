// names - proto names and their lowerCamelCase forms, and what kind of message a descriptor is.
#ifndef ERRAND_JSON_NAMES_H
#define ERRAND_JSON_NAMES_H

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

// Messages of google.protobuf whose JSON is not an object with their fields.
typedef enum wellknown_kind {
    WELLKNOWN_NONE,
    WELLKNOWN_TIMESTAMP,
    WELLKNOWN_DURATION,
    WELLKNOWN_FIELD_MASK,
    WELLKNOWN_STRUCT,
    WELLKNOWN_VALUE,
    WELLKNOWN_LIST_VALUE,
    WELLKNOWN_WRAPPER,
} wellknown_kind;

wellknown_kind wellknown_kind_of(const ProtobufCMessageDescriptor *descriptor);

// names_append_camel appends the lowerCamelCase form of a proto name.
void names_append_camel(buf *out, const char *name);

// names_append_snake appends the proto form of a lowerCamelCase name; false when it is none.
bool names_append_snake(buf *out, const char *name, size_t size);

// names_find_field finds a field by its proto name or its lowerCamelCase name; NULL if there is
// none.
const ProtobufCFieldDescriptor *names_find_field(const ProtobufCMessageDescriptor *descriptor,
                                                 const char *name);

// names_is_camel tells whether a text is the lowerCamelCase form of a proto name.
bool names_is_camel(const char *camel, const char *name);

// names_is_map tells whether a repeated message field is a map: protobuf-c does not say so itself.
bool names_is_map(const ProtobufCMessageDescriptor *parent, const ProtobufCFieldDescriptor *field);

// names_slot_size is the size of one value of a type in a message or a list.
size_t names_slot_size(ProtobufCType type);

#endif
