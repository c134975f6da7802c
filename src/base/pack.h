// pack - protobuf messages to bytes, in one pass.
//
// The length of a message stands before it, and is known behind it. So bytes are written from the
// last to the first: nothing has to be measured beforehand. They are those that protobuf-c writes,
// in the same order. Only for proto3.
#ifndef ERRAND_BASE_PACK_H
#define ERRAND_BASE_PACK_H

#include "base/arena.h"
#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_FIRST_BYTES 4096  // most messages are smaller

typedef struct packer {
    uint8_t *start;  // of the room
    uint8_t *at;     // first of the bytes written so far; they go up to end
    uint8_t *end;
    arena *memory;  // NULL: they are in the first bytes
    bool failed;    // there was no memory
    uint8_t first[PACK_FIRST_BYTES];
} packer;

void packer_init(packer *p);
void packer_fini(packer *p);

// pack_message writes a message before what was written so far. False: there is no memory.
bool pack_message(packer *p, const ProtobufCMessage *message);

// pack_bytes is what was written: until the next is, or the packer ends.
slice pack_bytes(const packer *p);

#endif
