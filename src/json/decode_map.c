// decode_map - JSON objects to map fields, which protobuf-c keeps as lists of entries.
#include "json/decode.h"

#include <stdbool.h>
#include <string.h>

typedef struct map_entry {
    const ProtobufCFieldDescriptor *key_field;
    const ProtobufCFieldDescriptor *value_field;
    ProtobufCMessage *message;
} map_entry;

// The keys of a map are strings in JSON, whatever they are in the message.
static status *decode_key(const map_entry *entry, const char *key, const path *where, arena *memory)
{
    void *slot = (uint8_t *) entry->message + entry->key_field->offset;
    if (entry->key_field->type == PROTOBUF_C_TYPE_BOOL) {
        if (strcmp(key, "true") != 0 && strcmp(key, "false") != 0) {
            return path_fail(where, "expected true or false as the key");
        }
        *(protobuf_c_boolean *) slot = *key == 't';
        return NULL;
    }
    json_t *text = json_string_nocheck(key);
    if (text == NULL) {
        return decode_no_memory();
    }
    return decode_scalar(entry->key_field, text, where, memory, slot);
}

static status *decode_entry(const map_entry *entry, const char *key, json_t *value,
                            const path *where, arena *memory)
{
    path step = {where, PATH_KEY, key, 0, path_levels(where) + PATH_MAP_LEVELS};
    status *failure = decode_key(entry, key, &step, memory);
    if (failure != NULL) {
        return failure;
    }
    if (json_is_null(value) && !decode_takes_null(entry->value_field)) {
        return path_fail(&step, "null can not stand in a map");
    }
    void *slot = (uint8_t *) entry->message + entry->value_field->offset;
    return decode_element(entry->value_field, value, &step, memory, slot);
}

static status *decode_entries(const ProtobufCFieldDescriptor *field, json_t *object,
                              const path *where, arena *memory, ProtobufCMessage **entries)
{
    const ProtobufCMessageDescriptor *descriptor = field->descriptor;
    map_entry entry = {&descriptor->fields[0], &descriptor->fields[1], NULL};
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        entry.message = decode_new_message(descriptor, memory);
        if (entry.message == NULL) {
            return decode_no_memory();
        }
        *entries++ = entry.message;
        status *failure = decode_entry(&entry, key, value, where, memory);
        if (failure != NULL) {
            return failure;
        }
    }
    return NULL;
}

status *decode_map(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                   arena *memory, ProtobufCMessage *message)
{
    if (!json_is_object(value)) {
        return decode_fail(where, value, "an object");
    }
    size_t count = json_object_size(value);
    ProtobufCMessage **entries = arena_alloc(memory, count * sizeof *entries);
    if (entries == NULL) {
        return decode_no_memory();
    }
    status *failure = decode_entries(field, value, where, memory, entries);
    if (failure == NULL) {
        *(size_t *) ((uint8_t *) message + field->quantifier_offset) = count;
        *(ProtobufCMessage ***) ((uint8_t *) message + field->offset) = entries;
    }
    return failure;
}
