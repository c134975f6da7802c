// decode_wellknown - JSON to the messages of google.protobuf that have a form of their own.
#include "json/decode.h"

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "json/codec.h"
#include "json/names.h"
#include "json/time_text.h"

#include <stdbool.h>
#include <string.h>

static status *decode_timestamp(const json_t *value, const path *where,
                                Google__Protobuf__Timestamp *ret)
{
    const char *text = json_string_value(value);
    if (text == NULL || !time_text_parse(text, &ret->seconds, &ret->nanos)) {
        return decode_fail(where, value, "an RFC 3339 time such as \"2024-05-01T12:00:00Z\"");
    }
    return NULL;
}

static status *decode_duration(const json_t *value, const path *where,
                               Google__Protobuf__Duration *ret)
{
    const char *text = json_string_value(value);
    if (text == NULL || !time_text_parse_duration(text, &ret->seconds, &ret->nanos)) {
        return decode_fail(where, value, "a duration in seconds such as \"1.5s\"");
    }
    return NULL;
}

static size_t count_paths(const char *text)
{
    size_t count = *text != '\0';
    for (; *text != '\0'; text++) {
        count += *text == ',';
    }
    return count;
}

static status *decode_mask_path(const json_t *value, const char *text, size_t size,
                                const path *where, arena *memory, char **ret)
{
    AUTO_BUF name;
    buf_init(&name, 0);
    if (size == 0 || !names_append_snake(&name, text, size)) {
        return decode_fail(where, value, "field names in lowerCamelCase, separated by commas");
    }
    const char *proto_name = buf_text(&name);
    *ret = proto_name != NULL ? arena_strdup(memory, proto_name) : NULL;
    return *ret != NULL ? NULL : decode_no_memory();
}

static status *decode_field_mask(const json_t *value, const path *where, arena *memory,
                                 Google__Protobuf__FieldMask *ret)
{
    const char *text = json_string_value(value);
    if (text == NULL) {
        return decode_fail(where, value, "field names, separated by commas, in a string");
    }
    size_t count = count_paths(text);
    ret->paths = arena_alloc(memory, count * sizeof *ret->paths);
    if (ret->paths == NULL) {
        return decode_no_memory();
    }
    for (ret->n_paths = 0; ret->n_paths < count; ret->n_paths++) {
        size_t size = strcspn(text, ",");
        status *failure =
            decode_mask_path(value, text, size, where, memory, &ret->paths[ret->n_paths]);
        if (failure != NULL) {
            return failure;
        }
        text += size + 1;
    }
    return NULL;
}

static status *decode_struct(json_t *value, const path *where, arena *memory,
                             ProtobufCMessage *message)
{
    return decode_map(message->descriptor->fields, value, where, memory, message);
}

static status *decode_list_value(json_t *value, const path *where, arena *memory,
                                 ProtobufCMessage *message)
{
    return decode_list(message->descriptor->fields, value, where, memory, message);
}

static status *decode_nested(json_t *value, const path *where, arena *memory,
                             Google__Protobuf__Value *ret)
{
    if (json_is_object(value)) {
        ret->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
        return decode_message(&google__protobuf__struct__descriptor, value, where, memory,
                              (ProtobufCMessage **) &ret->struct_value);
    }
    ret->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
    return decode_message(&google__protobuf__list_value__descriptor, value, where, memory,
                          (ProtobufCMessage **) &ret->list_value);
}

static status *decode_value(json_t *value, const path *where, arena *memory,
                            Google__Protobuf__Value *ret)
{
    bool holds_others = json_is_object(value) || json_is_array(value);
    if (path_levels(where) + holds_others > JSON_MAX_VALUE_LEVELS) {
        return path_fail(where, "is nested too deeply");
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return decode_nested(value, where, memory, ret);
    case JSON_STRING:
        ret->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
        // The message lives as long as the tree and is not written to.
        memcpy(&ret->string_value, &(const char *){json_string_value(value)}, sizeof(char *));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        ret->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
        ret->number_value = json_number_value(value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        ret->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE;
        ret->bool_value = json_is_true(value);
        break;
    case JSON_NULL:
        ret->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
        ret->null_value = GOOGLE__PROTOBUF__NULL_VALUE__NULL_VALUE;
        break;
    }
    return NULL;
}

static status *decode_wrapper(json_t *value, const path *where, arena *memory,
                              ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = message->descriptor->fields;
    return decode_scalar(field, value, where, memory, (uint8_t *) message + field->offset);
}

status *decode_wellknown(json_t *value, const path *where, arena *memory, ProtobufCMessage *message)
{
    switch (wellknown_kind_of(message->descriptor)) {
    case WELLKNOWN_TIMESTAMP:
        return decode_timestamp(value, where, (Google__Protobuf__Timestamp *) message);
    case WELLKNOWN_DURATION:
        return decode_duration(value, where, (Google__Protobuf__Duration *) message);
    case WELLKNOWN_FIELD_MASK:
        return decode_field_mask(value, where, memory, (Google__Protobuf__FieldMask *) message);
    case WELLKNOWN_STRUCT:
        return decode_struct(value, where, memory, message);
    case WELLKNOWN_VALUE:
        return decode_value(value, where, memory, (Google__Protobuf__Value *) message);
    case WELLKNOWN_LIST_VALUE:
        return decode_list_value(value, where, memory, message);
    case WELLKNOWN_WRAPPER:
        return decode_wrapper(value, where, memory, message);
    case WELLKNOWN_NONE:
        break;
    }
    return status_new(STATUS_INTERNAL, "%s has no form of its own", message->descriptor->name);
}
