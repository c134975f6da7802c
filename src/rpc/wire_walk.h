// wire_walk - the walk behind wire_check and wire_decode; private to rpc.
#ifndef ERRAND_RPC_WIRE_WALK_H
#define ERRAND_RPC_WIRE_WALK_H

#include "base/status.h"
#include "rpc/wire_fill.h"

// wire_walk judges an encoded message as wire_check does. On its way it fills into, which is of
// that type and empty; NULL: nothing is filled. RESOURCE_EXHAUSTED when the room is used up.
status *wire_walk(const ProtobufCMessageDescriptor *descriptor, slice encoded,
                  ProtobufCMessage *into, wire_room *room);

#endif
