// wire_decode - messages in an arena, which may take so much of it.
#include "rpc/wire.h"

#include "rpc/wire_walk.h"

// What is damaged is refused as such, however much memory it would take.
static status *too_large(const ProtobufCMessageDescriptor *descriptor, slice encoded)
{
    status *failure = wire_check(descriptor, encoded.bytes, encoded.size);
    if (failure != NULL) {
        return failure;
    }
    return status_new(STATUS_RESOURCE_EXHAUSTED, "%s of %zu bytes takes too much memory",
                      descriptor->short_name, encoded.size);
}

status *wire_decode_within(const ProtobufCMessageDescriptor *descriptor, slice encoded,
                           arena *memory, size_t cap, size_t *ret_used, ProtobufCMessage **ret)
{
    wire_room room = {.memory = memory, .cap = cap == 0 ? SIZE_MAX : cap};
    ProtobufCMessage *message = wire_fill_new(descriptor, &room);
    if (message == NULL) {
        return too_large(descriptor, encoded);
    }
    status *failure = wire_walk(descriptor, encoded, message, &room);
    if (status_code_of(failure) == STATUS_RESOURCE_EXHAUSTED) {
        status_free(failure);
        return too_large(descriptor, encoded);
    }
    if (failure == NULL) {
        *ret_used = room.used;
        *ret = message;
    }
    return failure;
}

status *wire_decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
                    arena *memory, ProtobufCMessage **ret)
{
    size_t used;
    return wire_decode_within(descriptor, (slice){bytes, size}, memory, 0, &used, ret);
}

ProtobufCAllocator wire_allocator(arena *memory)
{
    return (ProtobufCAllocator){arena_alloc_hook, arena_free_hook, memory};
}
