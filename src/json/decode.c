// decode - JSON to messages, driven by their descriptors.
#include "json/codec.h"

#include "json/decode.h"
#include "json/names.h"

#include <stdbool.h>
#include <string.h>

static void *member(ProtobufCMessage *message, unsigned offset)
{
    return (uint8_t *) message + offset;
}

ProtobufCMessage *decode_new_message(const ProtobufCMessageDescriptor *descriptor, arena *memory)
{
    ProtobufCMessage *message = arena_alloc(memory, descriptor->sizeof_message);
    if (message != NULL) {
        protobuf_c_message_init(descriptor, message);
    }
    return message;
}

status *decode_element(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                       arena *memory, void *ret_slot)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return decode_scalar(field, value, where, memory, ret_slot);
    }
    return decode_message(field->descriptor, value, where, memory, ret_slot);
}

bool decode_takes_null(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE &&
           wellknown_kind_of(field->descriptor) == WELLKNOWN_VALUE;
}

status *decode_list(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                    arena *memory, ProtobufCMessage *message)
{
    if (!json_is_array(value)) {
        return decode_fail(where, value, "a list");
    }
    size_t count = json_array_size(value);
    size_t slot_size = names_slot_size(field->type);
    uint8_t *slots = arena_alloc(memory, count * slot_size);
    if (slots == NULL) {
        return decode_no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        path step = {where, PATH_INDEX, NULL, i, path_levels(where) + PATH_LIST_LEVELS};
        json_t *element = json_array_get(value, i);
        if (json_is_null(element) && !decode_takes_null(field)) {
            return path_fail(&step, "null can not stand in a list");
        }
        status *failure = decode_element(field, element, &step, memory, slots + i * slot_size);
        if (failure != NULL) {
            return failure;
        }
    }
    *(size_t *) member(message, field->quantifier_offset) = count;
    *(void **) member(message, field->offset) = slots;
    return NULL;
}

static const char *oneof_member_name(const ProtobufCMessageDescriptor *descriptor, int id)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(descriptor, (unsigned) id);
    return field != NULL ? field->name : "another";
}

static status *claim_oneof(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message,
                           const path *where)
{
    int *chosen = member(message, field->quantifier_offset);
    if (*chosen != 0) {
        return path_fail(where, "can not be set together with %s",
                         oneof_member_name(message->descriptor, *chosen));
    }
    *chosen = (int) field->id;
    return NULL;
}

static status *decode_single(const ProtobufCFieldDescriptor *field, json_t *value,
                             const path *where, arena *memory, ProtobufCMessage *message)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        status *failure = claim_oneof(field, message, where);
        if (failure != NULL) {
            return failure;
        }
    } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0) {
        *(protobuf_c_boolean *) member(message, field->quantifier_offset) = 1;
    }
    return decode_element(field, value, where, memory, member(message, field->offset));
}

status *decode_field(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                     arena *memory, ProtobufCMessage *message)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        return decode_single(field, value, where, memory, message);
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && names_is_map(message->descriptor, field)) {
        return decode_map(field, value, where, memory, message);
    }
    return decode_list(field, value, where, memory, message);
}

static bool mark_seen(uint8_t *seen, size_t index)
{
    uint8_t bit = (uint8_t) (1U << (index % 8));
    bool again = (seen[index / 8] & bit) != 0;
    seen[index / 8] |= bit;
    return !again;
}

static status *decode_member(const char *key, json_t *value, const path *where, arena *memory,
                             ProtobufCMessage *message, uint8_t *seen)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    const ProtobufCFieldDescriptor *field = names_find_field(descriptor, key);
    path step = {where, PATH_FIELD, field != NULL ? field->name : key, 0, 1};
    if (field == NULL) {
        step.step = PATH_UNKNOWN;
        return path_fail(&step, "no such field in %s", descriptor->short_name);
    }
    if (!mark_seen(seen, (size_t) (field - descriptor->fields))) {
        return path_fail(&step, "given twice");
    }
    if (json_is_null(value) && !decode_takes_null(field)) {
        return NULL;
    }
    return decode_field(field, value, &step, memory, message);
}

static status *decode_members(json_t *object, const path *where, arena *memory,
                              ProtobufCMessage *message)
{
    uint8_t *seen = arena_zalloc(memory, message->descriptor->n_fields / 8 + 1);
    if (seen == NULL) {
        return decode_no_memory();
    }
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        status *failure = decode_member(key, value, where, memory, message, seen);
        if (failure != NULL) {
            return failure;
        }
    }
    return NULL;
}

status *decode_message(const ProtobufCMessageDescriptor *descriptor, json_t *value,
                       const path *where, arena *memory, ProtobufCMessage **ret)
{
    ProtobufCMessage *message = decode_new_message(descriptor, memory);
    if (message == NULL) {
        return decode_no_memory();
    }
    status *failure;
    if (wellknown_kind_of(descriptor) != WELLKNOWN_NONE) {
        failure = decode_wellknown(value, where, memory, message);
    } else if (!json_is_object(value)) {
        failure = decode_fail(where, value, "an object");
    } else {
        failure = decode_members(value, where, memory, message);
    }
    if (failure == NULL) {
        *ret = message;
    }
    return failure;
}

status *json_decode(const ProtobufCMessageDescriptor *descriptor, const char *text, size_t size,
                    arena *memory, ProtobufCMessage **ret)
{
    json_t *tree = NULL;
    status *failure = decode_parse(text, size, memory, &tree);
    if (failure == NULL) {
        failure = decode_message(descriptor, tree, NULL, memory, ret);
    }
    decode_use_arena(NULL);
    return failure;
}

static status *list_given(const ProtobufCMessageDescriptor *descriptor, json_t *object,
                          arena *memory, json_given *ret)
{
    const char **names = arena_alloc(memory, (json_object_size(object) + 1) * sizeof *names);
    if (names == NULL) {
        return decode_no_memory();
    }
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        names[count++] = names_find_field(descriptor, key)->name;
    }
    *ret = (json_given){names, count};
    return NULL;
}

status *json_decode_given(const ProtobufCMessageDescriptor *descriptor, const char *text,
                          size_t size, arena *memory, ProtobufCMessage **ret, json_given *ret_given)
{
    json_t *tree = NULL;
    ProtobufCMessage *message = NULL;
    status *failure = decode_parse(text, size, memory, &tree);
    if (failure == NULL) {
        failure = decode_message(descriptor, tree, NULL, memory, &message);
    }
    if (failure == NULL) {
        failure = list_given(descriptor, tree, memory, ret_given);
    }
    decode_use_arena(NULL);
    if (failure == NULL) {
        *ret = message;
    }
    return failure;
}
