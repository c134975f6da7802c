// decode_field - one field of a message from plain text, such as a query parameter.
#include "json/codec.h"

#include "base/utf8.h"
#include "json/decode.h"
#include "json/names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME_PART 128  // no field of ours has a longer name

// The value as JSON would have it: true and false for a bool, a string for everything else, since
// numbers are accepted in strings.
static json_t *text_value(const ProtobufCFieldDescriptor *field, const char *text)
{
    bool wants_bool = field->type == PROTOBUF_C_TYPE_BOOL;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessageDescriptor *inner = field->descriptor;
        wants_bool = wellknown_kind_of(inner) == WELLKNOWN_WRAPPER &&
                     inner->fields[0].type == PROTOBUF_C_TYPE_BOOL;
    }
    if (wants_bool && strcmp(text, "true") == 0) {
        return json_true();
    }
    if (wants_bool && strcmp(text, "false") == 0) {
        return json_false();
    }
    return json_string_nocheck(text);
}

static bool fits_in_text(const ProtobufCFieldDescriptor *field)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return true;
    }
    switch (wellknown_kind_of(field->descriptor)) {
    case WELLKNOWN_TIMESTAMP:
    case WELLKNOWN_DURATION:
    case WELLKNOWN_FIELD_MASK:
    case WELLKNOWN_WRAPPER:
        return true;
    case WELLKNOWN_NONE:
    case WELLKNOWN_STRUCT:
    case WELLKNOWN_VALUE:
    case WELLKNOWN_LIST_VALUE:
        break;
    }
    return false;
}

static status *append_element(const ProtobufCFieldDescriptor *field, json_t *value,
                              const path *where, arena *memory, ProtobufCMessage *message)
{
    size_t *count = (size_t *) ((uint8_t *) message + field->quantifier_offset);
    void **slots = (void **) ((uint8_t *) message + field->offset);
    size_t slot_size = names_slot_size(field->type);
    uint8_t *grown = arena_alloc(memory, (*count + 1) * slot_size);
    if (grown == NULL) {
        return decode_no_memory();
    }
    if (*count > 0) {
        memcpy(grown, *slots, *count * slot_size);
    }
    path step = {where, PATH_INDEX, NULL, *count, 1};
    status *failure = decode_element(field, value, &step, memory, grown + *count * slot_size);
    if (failure == NULL) {
        *slots = grown;
        ++*count;
    }
    return failure;
}

static status *set_from_text(const ProtobufCFieldDescriptor *field, const char *text,
                             const path *where, arena *memory, ProtobufCMessage *message)
{
    if (!fits_in_text(field)) {
        return path_fail(where, "can not be given as text");
    }
    if (!utf8_valid(text, strlen(text))) {
        return path_fail(where, "is not UTF-8");
    }
    json_t *value = text_value(field, text);
    if (value == NULL) {
        return decode_no_memory();
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return append_element(field, value, where, memory, message);
    }
    return decode_field(field, value, where, memory, message);
}

// The message that a field holds, made when it is not there yet.
static status *descend(const ProtobufCFieldDescriptor *field, const path *where, arena *memory,
                       ProtobufCMessage *message, ProtobufCMessage **ret)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED ||
        wellknown_kind_of(field->descriptor) != WELLKNOWN_NONE) {
        return path_fail(where, "has no fields");
    }
    ProtobufCMessage **slot = (ProtobufCMessage **) ((uint8_t *) message + field->offset);
    const int *chosen = (const int *) ((uint8_t *) message + field->quantifier_offset);
    bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (is_oneof ? *chosen != (int) field->id : *slot == NULL) {
        json_t *empty = json_object();
        status *failure =
            empty == NULL ? decode_no_memory() : decode_field(field, empty, where, memory, message);
        if (failure != NULL) {
            return failure;
        }
    }
    *ret = *slot;
    return NULL;
}

static status *set_named(ProtobufCMessage *message, const char *name, const char *text,
                         const path *where, arena *memory)
{
    char part[MAX_NAME_PART];
    size_t size = strcspn(name, ".");
    size_t taken = size < sizeof part ? size : 0;
    memcpy(part, name, taken);
    part[taken] = '\0';
    const ProtobufCFieldDescriptor *field = names_find_field(message->descriptor, part);
    path step = {where, PATH_FIELD, field != NULL ? field->name : name, 0, 1};
    if (field == NULL) {
        return path_fail(&step, "no such field");
    }
    if (name[size] == '\0') {
        return set_from_text(field, text, &step, memory, message);
    }
    ProtobufCMessage *inner = NULL;
    status *failure = descend(field, &step, memory, message, &inner);
    if (failure != NULL) {
        return failure;
    }
    return inner == NULL ? decode_no_memory()
                         : set_named(inner, name + size + 1, text, &step, memory);
}

status *json_decode_field(ProtobufCMessage *message, const char *name, const char *text,
                          arena *memory)
{
    decode_use_arena(memory);
    status *failure = set_named(message, name, text, NULL, memory);
    decode_use_arena(NULL);
    return failure;
}
