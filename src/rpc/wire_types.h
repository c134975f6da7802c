// wire_types - how each type of field stands on the wire and in memory; private to rpc.
#ifndef ERRAND_RPC_WIRE_TYPES_H
#define ERRAND_RPC_WIRE_TYPES_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wire_type {
    uint8_t on_wire;    // ProtobufCWireType
    uint8_t in_memory;  // bytes of a value in protobuf-c's structures
} wire_type;

// clang-format off
#define WIRE_TYPE(type, on_wire, in_memory)                                                        \
    [PROTOBUF_C_TYPE_##type] = {PROTOBUF_C_WIRE_TYPE_##on_wire, in_memory}

static const wire_type wire_types[] = {
    WIRE_TYPE(INT32,    VARINT,          4),
    WIRE_TYPE(SINT32,   VARINT,          4),
    WIRE_TYPE(SFIXED32, 32BIT,           4),
    WIRE_TYPE(INT64,    VARINT,          8),
    WIRE_TYPE(SINT64,   VARINT,          8),
    WIRE_TYPE(SFIXED64, 64BIT,           8),
    WIRE_TYPE(UINT32,   VARINT,          4),
    WIRE_TYPE(FIXED32,  32BIT,           4),
    WIRE_TYPE(UINT64,   VARINT,          8),
    WIRE_TYPE(FIXED64,  64BIT,           8),
    WIRE_TYPE(FLOAT,    32BIT,           4),
    WIRE_TYPE(DOUBLE,   64BIT,           8),
    WIRE_TYPE(BOOL,     VARINT,          sizeof(protobuf_c_boolean)),
    WIRE_TYPE(ENUM,     VARINT,          4),
    WIRE_TYPE(STRING,   LENGTH_PREFIXED, sizeof(char *)),
    WIRE_TYPE(BYTES,    LENGTH_PREFIXED, sizeof(ProtobufCBinaryData)),
    WIRE_TYPE(MESSAGE,  LENGTH_PREFIXED, sizeof(void *)),
};
// clang-format on

static inline uint8_t wire_type_of(ProtobufCType type)
{
    return wire_types[type].on_wire;
}

// Texts, bytes and messages: many of them are never packed into one value.
static inline bool wire_type_is_counted(ProtobufCType type)
{
    return wire_type_of(type) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

#endif
