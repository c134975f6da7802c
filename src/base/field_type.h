// field_type - how each type of protobuf field stands on the wire and in memory.
#ifndef ERRAND_BASE_FIELD_TYPE_H
#define ERRAND_BASE_FIELD_TYPE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct field_type {
    uint8_t on_wire;    // ProtobufCWireType
    uint8_t in_memory;  // bytes of a value in protobuf-c's structures
} field_type;

// clang-format off
#define FIELD_TYPE(type, on_wire, in_memory)                                                       \
    [PROTOBUF_C_TYPE_##type] = {PROTOBUF_C_WIRE_TYPE_##on_wire, in_memory}

static const field_type field_types[] = {
    FIELD_TYPE(INT32,    VARINT,          4),
    FIELD_TYPE(SINT32,   VARINT,          4),
    FIELD_TYPE(SFIXED32, 32BIT,           4),
    FIELD_TYPE(INT64,    VARINT,          8),
    FIELD_TYPE(SINT64,   VARINT,          8),
    FIELD_TYPE(SFIXED64, 64BIT,           8),
    FIELD_TYPE(UINT32,   VARINT,          4),
    FIELD_TYPE(FIXED32,  32BIT,           4),
    FIELD_TYPE(UINT64,   VARINT,          8),
    FIELD_TYPE(FIXED64,  64BIT,           8),
    FIELD_TYPE(FLOAT,    32BIT,           4),
    FIELD_TYPE(DOUBLE,   64BIT,           8),
    FIELD_TYPE(BOOL,     VARINT,          sizeof(protobuf_c_boolean)),
    FIELD_TYPE(ENUM,     VARINT,          4),
    FIELD_TYPE(STRING,   LENGTH_PREFIXED, sizeof(char *)),
    FIELD_TYPE(BYTES,    LENGTH_PREFIXED, sizeof(ProtobufCBinaryData)),
    FIELD_TYPE(MESSAGE,  LENGTH_PREFIXED, sizeof(void *)),
};
// clang-format on

static inline uint8_t field_wire_type(ProtobufCType type)
{
    return field_types[type].on_wire;
}

// Texts, bytes and messages: many of them are never packed into one value.
static inline bool field_is_counted(ProtobufCType type)
{
    return field_wire_type(type) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

#endif
