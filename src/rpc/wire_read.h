// wire_read - the smallest steps over protobuf bytes.
#ifndef ERRAND_RPC_WIRE_READ_H
#define ERRAND_RPC_WIRE_READ_H

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VARINT_BYTES 10
#define WIRE_HEAD_BYTES   5  // longest tag or length that protobuf-c accepts

// wire_read_varint returns the byte behind the varint; NULL when it is cut off or longer than
// max_bytes.
static inline const uint8_t *wire_read_varint(const uint8_t *at, const uint8_t *end, int max_bytes,
                                              uint64_t *ret)
{
    uint64_t value = 0;
    for (int i = 0; i < max_bytes && at < end; i++) {
        uint8_t byte = *at++;
        value |= (uint64_t) (byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *ret = value;
            return at;
        }
    }
    return NULL;
}

// wire_read_bytes reads a length and the bytes that it counts.
static inline const uint8_t *wire_read_bytes(const uint8_t *at, const uint8_t *end, slice *ret)
{
    uint64_t size;
    at = wire_read_varint(at, end, WIRE_HEAD_BYTES, &size);
    if (at == NULL || size > (uint64_t) (end - at)) {
        return NULL;
    }
    *ret = (slice){at, (size_t) size};
    return at + size;
}

// One field as it stands in the bytes: its number and either a number or bytes.
typedef struct wire_field {
    uint32_t id;
    uint8_t wire_type;
    uint64_t number;
    slice bytes;
} wire_field;

// wire_read_tag reads field number and wire type; number 0 and oversized numbers are refused.
static inline const uint8_t *wire_read_tag(const uint8_t *at, const uint8_t *end, wire_field *ret)
{
    uint64_t tag;
    at = wire_read_varint(at, end, WIRE_HEAD_BYTES, &tag);
    if (at == NULL || tag > UINT32_MAX || tag >> 3 == 0) {
        return NULL;
    }
    ret->id = (uint32_t) (tag >> 3);
    ret->wire_type = tag & 7;
    return at;
}

// wire_read_value reads what follows a tag; NULL for truncated values and for groups. Fixed-size
// numbers are left in `bytes`.
static inline const uint8_t *wire_read_value(const uint8_t *at, const uint8_t *end, wire_field *ret)
{
    size_t fixed = ret->wire_type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    switch (ret->wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return wire_read_varint(at, end, WIRE_VARINT_BYTES, &ret->number);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return wire_read_bytes(at, end, &ret->bytes);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        ret->bytes = (slice){at, fixed};
        return (size_t) (end - at) < fixed ? NULL : at + fixed;
    default:
        return NULL;
    }
}

// wire_read_field reads a tag and what follows it.
static inline const uint8_t *wire_read_field(const uint8_t *at, const uint8_t *end, wire_field *ret)
{
    at = wire_read_tag(at, end, ret);
    return at == NULL ? NULL : wire_read_value(at, end, ret);
}

// wire_next_field does so with the first of the fields that are left of a message; false at the
// end, or where they are damaged.
static inline bool wire_next_field(slice *left, wire_field *ret)
{
    const uint8_t *end = left->bytes + left->size;
    const uint8_t *at = left->size == 0 ? NULL : wire_read_field(left->bytes, end, ret);
    if (at == NULL) {
        return false;
    }
    *left = (slice){at, (size_t) (end - at)};
    return true;
}

#endif
