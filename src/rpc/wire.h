// wire - protobuf messages from strangers: the walk before decoding, and decoding into an arena.
#ifndef ERRAND_RPC_WIRE_H
#define ERRAND_RPC_WIRE_H

#include "base/arena.h"
#include "base/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_DEPTH 100

// wire_check walks once over an encoded message and refuses, with INVALID_ARGUMENT naming the field
// path: truncated or undecodable bytes, groups, nesting deeper than WIRE_MAX_DEPTH, NUL or invalid
// UTF-8 in strings, duplicate map keys. It allocates nothing that the sender can make grow beyond
// the size of the message.
status *wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size);

// wire_decode checks and unpacks. The message lives in the arena: never free it by itself.
// RESOURCE_EXHAUSTED when the arena's cap is reached.
status *wire_decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                    arena *memory, ProtobufCMessage **ret);

// wire_allocator gives protobuf-c the arena's memory.
ProtobufCAllocator wire_allocator(arena *memory);

#endif
