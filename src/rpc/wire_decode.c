// wire_decode - unpacks checked bytes into an arena, counting what they take.
#include "rpc/wire.h"

#include <stdbool.h>
#include <stdint.h>

// protobuf-c's allocator for one message.
typedef struct meter {
    arena *memory;
    size_t used;
    size_t cap;
    bool failed;  // so that "no memory" can be told from "can not be read"
} meter;

static void *metered_alloc(void *data, size_t size)
{
    meter *m = data;
    void *memory = NULL;
    if (size <= m->cap - m->used) {
        memory = arena_alloc(m->memory, size);
    }
    m->failed |= memory == NULL;
    m->used += memory == NULL ? 0 : size;
    return memory;
}

static void metered_free(void *data, void *pointer)
{
    (void) data;
    (void) pointer;  // the arena frees all at once
}

status *wire_decode_within(const ProtobufCMessageDescriptor *descriptor, slice encoded,
                           arena *memory, size_t cap, size_t *ret_used, ProtobufCMessage **ret)
{
    status *failure = wire_check(descriptor, encoded.bytes, encoded.size);
    if (failure != NULL) {
        return failure;
    }
    meter m = {.memory = memory, .cap = cap == 0 ? SIZE_MAX : cap};
    ProtobufCAllocator allocator = {metered_alloc, metered_free, &m};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, encoded.size, encoded.bytes);
    if (message != NULL) {
        *ret_used = m.used;
        *ret = message;
        return NULL;
    }
    if (m.failed) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "%s of %zu bytes takes too much memory",
                          descriptor->short_name, encoded.size);
    }
    return status_new(STATUS_INVALID_ARGUMENT, "%s can not be decoded", descriptor->short_name);
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
