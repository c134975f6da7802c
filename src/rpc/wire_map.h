// wire_map - keys of protobuf maps, looked at in encoded bytes; private to rpc.
#ifndef ERRAND_RPC_WIRE_MAP_H
#define ERRAND_RPC_WIRE_MAP_H

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

// wire_map_is tells whether a field is a map. protobuf-c drops the option that says so; what is
// left is the shape of the entry message and its name, which protoc derives from the field's.
bool wire_map_is(const ProtobufCFieldDescriptor *field);

typedef enum wire_map_verdict {
    WIRE_MAP_UNIQUE,
    WIRE_MAP_DUPLICATE,
    WIRE_MAP_NO_MEMORY,
} wire_map_verdict;

// wire_map_check looks for a key that stands twice in the map with field number id. message has
// been walked already. Keys are compared as they are encoded; ours are all strings.
wire_map_verdict wire_map_check(slice message, uint32_t id);

#endif
