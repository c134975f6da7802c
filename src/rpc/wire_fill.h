// wire_fill - values of a message that is being walked, put where protobuf-c has them; private to
// rpc.
//
// Only for proto3: no field has a default of its own or says whether it is there. The walk has
// found each value to be sound before it comes here.
#ifndef ERRAND_RPC_WIRE_FILL_H
#define ERRAND_RPC_WIRE_FILL_H

#include "base/arena.h"
#include "rpc/wire_read.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The memory that one message may take.
typedef struct wire_room {
    arena *memory;
    size_t used;
    size_t cap;
} wire_room;

// wire_fill_new makes an empty message; NULL when there is no room, as with all that follow.
ProtobufCMessage *wire_fill_new(const ProtobufCMessageDescriptor *descriptor, wire_room *room);

// wire_fill_value puts a value into its field. left begins with the field's tag and goes on to the
// end of the message: the first element of many makes room for all of them.
bool wire_fill_value(ProtobufCMessage *into, const ProtobufCFieldDescriptor *field,
                     const wire_field *value, slice left, wire_room *room);

// wire_fill_message does so with a message that is empty yet, and returns that.
ProtobufCMessage *wire_fill_message(ProtobufCMessage *into, const ProtobufCFieldDescriptor *field,
                                    slice left, wire_room *room);

// wire_fill_unknown keeps a field that into does not have; value is all that follows its tag.
bool wire_fill_unknown(ProtobufCMessage *into, const wire_field *field, slice value, slice left,
                       wire_room *room);

#endif
