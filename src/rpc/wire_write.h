// wire_write - the smallest steps of writing protobuf bytes, where there is room for them.
#ifndef ERRAND_RPC_WIRE_WRITE_H
#define ERRAND_RPC_WIRE_WRITE_H

#include "base/varint.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Each wire_put returns the byte behind what it wrote. wire_put_number leaves a zero out, as proto3
// does.
static inline uint8_t *wire_put_number(uint8_t *at, uint32_t field, int64_t value)
{
    if (value == 0) {
        return at;
    }
    at = varint_put(at, field << 3 | PROTOBUF_C_WIRE_TYPE_VARINT);
    return varint_put(at, (uint64_t) value);
}

// wire_put_head begins a field of so many bytes.
static inline uint8_t *wire_put_head(uint8_t *at, uint32_t field, size_t size)
{
    at = varint_put(at, field << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    return varint_put(at, size);
}

static inline uint8_t *wire_put_bytes(uint8_t *at, uint32_t field, const void *bytes, size_t size)
{
    at = wire_put_head(at, field, size);
    memcpy(at, bytes, size);
    return at + size;
}

#endif
