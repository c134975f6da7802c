// message_copy - a message, and all that hangs on it, in other memory.
#ifndef ERRAND_CLIENTS_C_WORKER_MESSAGE_COPY_H
#define ERRAND_CLIENTS_C_WORKER_MESSAGE_COPY_H

#include "base/arena.h"

#include <protobuf-c/protobuf-c.h>

// message_copy leaves behind the fields that this program does not know. NULL when memory is short.
ProtobufCMessage *message_copy(const ProtobufCMessage *message, arena *memory);

#endif
