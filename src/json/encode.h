// encode - the parts that JSON encoding is made of; private to this folder.
#ifndef ERRAND_JSON_ENCODE_H
#define ERRAND_JSON_ENCODE_H

#include "base/buf.h"
#include "base/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One encoding under way. Functions return false once something went wrong, and keep the first
// failure; a full buffer is found at the end.
typedef struct json_writer {
    buf *out;
    size_t depth;
    bool with_lists;  // the outermost message's empty lists are written too
    status *failure;
} json_writer;

bool encode_fail(json_writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- encode.c ----

bool encode_message(json_writer *w, const ProtobufCMessage *message);
// encode_element writes the value in the slot: a scalar or a message.
bool encode_element(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slot);
bool encode_map(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slots,
                size_t count);
bool encode_list(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slots,
                 size_t count);

// ---- encode_text.c ----

bool encode_string(json_writer *w, const char *text);
bool encode_scalar(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slot);

// ---- encode_wellknown.c ----

bool encode_wellknown(json_writer *w, const ProtobufCMessage *message);

#endif
