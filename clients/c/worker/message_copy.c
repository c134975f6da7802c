// message_copy - a message, and all that hangs on it, in other memory.
//
// To encode a message and to decode it again comes to the same, and costs several times as much.
// Copied byte by byte a message shares with the first one what it points to; that is then replaced,
// by the descriptor.
#include "worker/message_copy.h"

#include "json/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool copy_text(char **text, arena *memory)
{
    if (*text == NULL) {
        return true;
    }
    *text =
        **text == '\0' ? (char *) (uintptr_t) protobuf_c_empty_string : arena_strdup(memory, *text);
    return *text != NULL;
}

static bool copy_bytes(ProtobufCBinaryData *bytes, arena *memory)
{
    bytes->data = bytes->len == 0 ? NULL : arena_copy(memory, bytes->data, bytes->len);
    return bytes->data != NULL || bytes->len == 0;
}

static bool copy_message(ProtobufCMessage **message, arena *memory)
{
    if (*message == NULL) {
        return true;
    }
    *message = message_copy(*message, memory);
    return *message != NULL;
}

static bool holds_pointer(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES ||
           field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static bool copy_value(const ProtobufCFieldDescriptor *field, void *value, arena *memory)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return copy_text((char **) value, memory);
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return copy_bytes((ProtobufCBinaryData *) value, memory);
    }
    return copy_message((ProtobufCMessage **) value, memory);
}

static bool copy_list(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message,
                      arena *memory)
{
    size_t count, size = names_slot_size(field->type);
    uint8_t **list = (uint8_t **) (void *) ((uint8_t *) message + field->offset);
    memcpy(&count, (uint8_t *) message + field->quantifier_offset, sizeof count);
    if (count == 0) {
        *list = NULL;
        return true;
    }
    *list = arena_copy(memory, *list, count * size);
    bool copied = *list != NULL;
    for (size_t i = 0; copied && holds_pointer(field) && i < count; i++) {
        copied = copy_value(field, *list + i * size, memory);
    }
    return copied;
}

// Of the members of a oneof only one is in the place of all.
static bool is_there(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
    uint32_t which;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        return true;
    }
    memcpy(&which, (const uint8_t *) message + field->quantifier_offset, sizeof which);
    return which == field->id;
}

static bool copy_field(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message,
                       arena *memory)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return copy_list(field, message, memory);
    }
    if (!holds_pointer(field) || !is_there(field, message)) {
        return true;
    }
    return copy_value(field, (uint8_t *) message + field->offset, memory);
}

ProtobufCMessage *message_copy(const ProtobufCMessage *message, arena *memory)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    ProtobufCMessage *copy = arena_copy(memory, message, descriptor->sizeof_message);
    bool copied = copy != NULL;
    for (unsigned i = 0; copied && i < descriptor->n_fields; i++) {
        copied = copy_field(&descriptor->fields[i], copy, memory);
    }
    if (!copied) {
        return NULL;
    }
    copy->n_unknown_fields = 0;
    copy->unknown_fields = NULL;
    return copy;
}
