// wire - protobuf messages from strangers: the walk before decoding, and decoding into an arena.
#ifndef ERRAND_RPC_WIRE_H
#define ERRAND_RPC_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_DEPTH 100

// wire_check walks once over an encoded message and refuses, with INVALID_ARGUMENT naming the field
// path: truncated or undecodable bytes, groups, nesting deeper than WIRE_MAX_DEPTH, NUL or invalid
// UTF-8 in strings, duplicate map keys, a single message field that comes twice. It allocates
// nothing that the sender can make grow beyond the size of the message.
status *wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size);

// wire_decode refuses what wire_check does, and decodes the rest. The message lives in the arena:
// never free it by itself. RESOURCE_EXHAUSTED when the arena's cap is reached.
status *wire_decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                    arena *memory, ProtobufCMessage **ret);

// wire_decode_within is wire_decode with a cap on the memory of this one message (0: none), for
// arenas that go on to be used for other things. ret_used is what the message took.
status *wire_decode_within(const ProtobufCMessageDescriptor *descriptor, slice encoded,
                           arena *memory, size_t cap, size_t *ret_used, ProtobufCMessage **ret);

// wire_text_problem says what keeps bytes from being a protobuf string; NULL if nothing does.
const char *wire_text_problem(const uint8_t *bytes, size_t size);

// wire_allocator gives protobuf-c the arena's memory.
ProtobufCAllocator wire_allocator(arena *memory);

#endif
