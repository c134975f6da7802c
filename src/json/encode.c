// encode - messages to JSON, driven by their descriptors, straight into the buffer.
#include "json/codec.h"

#include "json/encode.h"
#include "json/names.h"

#include <string.h>

#define MAX_MESSAGE_DEPTH 400  // each level of a Struct takes three messages

static const void *member(const ProtobufCMessage *message, unsigned offset)
{
    return (const uint8_t *) message + offset;
}

bool encode_fail(json_writer *w, const char *format, ...)
{
    if (w->failure == NULL) {
        va_list args;
        va_start(args, format);
        w->failure = status_new_v(STATUS_INTERNAL, format, args);
        va_end(args);
    }
    return false;
}

bool encode_element(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slot)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return encode_scalar(w, field, slot);
    }
    return encode_message(w, *(const ProtobufCMessage *const *) slot);
}

bool encode_list(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slots,
                 size_t count)
{
    size_t size = names_slot_size(field->type);
    buf_append_char(w->out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_char(w->out, ',');
        }
        if (!encode_element(w, field, (const uint8_t *) slots + i * size)) {
            return false;
        }
    }
    buf_append_char(w->out, ']');
    return true;
}

// Keys are strings in JSON: what is written without quotes as a value gets them here.
static bool encode_key(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slot)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return encode_scalar(w, field, slot);
    }
    size_t start = w->out->size;
    if (!encode_scalar(w, field, slot) || w->out->failed || w->out->bytes[start] == '"') {
        return w->failure == NULL;
    }
    if (buf_append_text(w->out, "\"\"")) {
        memmove(w->out->bytes + start + 1, w->out->bytes + start, w->out->size - start - 2);
        w->out->bytes[start] = '"';
    }
    return true;
}

bool encode_map(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slots,
                size_t count)
{
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    const ProtobufCMessage *const *entries = slots;
    buf_append_char(w->out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_char(w->out, ',');
        }
        if (!encode_key(w, &entry->fields[0], member(entries[i], entry->fields[0].offset))) {
            return false;
        }
        buf_append_char(w->out, ':');
        const ProtobufCFieldDescriptor *value = &entry->fields[1];
        const void *slot = member(entries[i], value->offset);
        if (value->type == PROTOBUF_C_TYPE_MESSAGE && *(void *const *) slot == NULL) {
            buf_append_text(w->out, "{}");
        } else if (!encode_element(w, value, slot)) {
            return false;
        }
    }
    buf_append_char(w->out, '}');
    return true;
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *slot)
{
    static const uint8_t zeros[8];
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *) slot;
        return text == NULL || *text == '\0';
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return ((const ProtobufCBinaryData *) slot)->len == 0;
    }
    return memcmp(slot, zeros, names_slot_size(field->type)) == 0;
}

static bool is_present(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *quantifier = member(message, field->quantifier_offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const size_t *) quantifier > 0;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        return *(const unsigned *) quantifier == field->id;
    }
    if (field->label == PROTOBUF_C_LABEL_REQUIRED) {
        return true;
    }
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0) {
        return *(const protobuf_c_boolean *) quantifier != 0;
    }
    return !is_default(field, member(message, field->offset));
}

static bool is_written(const json_writer *w, const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field)
{
    bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
    return (is_list && w->with_lists && w->depth == 1) || is_present(message, field);
}

static bool encode_field(json_writer *w, const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field)
{
    const void *slot = member(message, field->offset);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        return encode_element(w, field, slot);
    }
    size_t count = *(const size_t *) member(message, field->quantifier_offset);
    const void *slots = *(const void *const *) slot;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && names_is_map(message->descriptor, field)) {
        return encode_map(w, field, slots, count);
    }
    return encode_list(w, field, slots, count);
}

static bool encode_object(json_writer *w, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    char before = '{';
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (!is_written(w, message, field)) {
            continue;
        }
        buf_append_char(w->out, before);
        before = ',';
        buf_append_char(w->out, '"');
        names_append_camel(w->out, field->name);
        buf_append(w->out, "\":", 2);
        if (!encode_field(w, message, field)) {
            return false;
        }
    }
    if (before == '{') {
        buf_append_char(w->out, '{');
    }
    buf_append_char(w->out, '}');
    return true;
}

bool encode_message(json_writer *w, const ProtobufCMessage *message)
{
    if (message == NULL) {
        return encode_fail(w, "a message is missing");
    }
    if (w->depth >= MAX_MESSAGE_DEPTH) {
        return encode_fail(w, "%s is nested too deep", message->descriptor->name);
    }
    w->depth++;
    bool ok = wellknown_kind_of(message->descriptor) == WELLKNOWN_NONE
                  ? encode_object(w, message)
                  : encode_wellknown(w, message);
    w->depth--;
    return ok;
}

static status *encode(json_writer *w, const ProtobufCMessage *message)
{
    if (!encode_message(w, message)) {
        return w->failure;
    }
    if (w->out->failed) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the answer as JSON is larger than allowed");
    }
    return NULL;
}

status *json_encode(const ProtobufCMessage *message, buf *out)
{
    return encode(&(json_writer){.out = out}, message);
}

status *json_encode_listing(const ProtobufCMessage *message, buf *out)
{
    return encode(&(json_writer){.out = out, .with_lists = true}, message);
}
