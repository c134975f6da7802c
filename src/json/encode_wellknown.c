// encode_wellknown - the messages of google.protobuf that have a form of their own as JSON.
#include "json/encode.h"

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "json/names.h"
#include "json/time_text.h"

#include <math.h>
#include <string.h>

static void append_quoted(json_writer *w, const char *text)
{
    buf_append_char(w->out, '"');
    buf_append_text(w->out, text);
    buf_append_char(w->out, '"');
}

static bool encode_timestamp(json_writer *w, const Google__Protobuf__Timestamp *time)
{
    char text[TIME_TEXT_SIZE];
    if (!time_text_format(time->seconds, time->nanos, text)) {
        return encode_fail(w, "a Timestamp is out of range");
    }
    append_quoted(w, text);
    return true;
}

static bool encode_duration(json_writer *w, const Google__Protobuf__Duration *duration)
{
    char text[TIME_TEXT_SIZE];
    if (!time_text_format_duration(duration->seconds, duration->nanos, text)) {
        return encode_fail(w, "a Duration is out of range");
    }
    append_quoted(w, text);
    return true;
}

// A path that would come back as another one can not be shown.
static bool has_camel_form(const char *path)
{
    for (; *path != '\0'; path++) {
        bool lower_follows = path[1] >= 'a' && path[1] <= 'z';
        if ((*path == '_' && !lower_follows) || (*path >= 'A' && *path <= 'Z') || *path == ',' ||
            *path == '"' || *path == '\\' || (unsigned char) *path < 0x20 ||
            (unsigned char) *path > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool encode_field_mask(json_writer *w, const Google__Protobuf__FieldMask *mask)
{
    buf_append_char(w->out, '"');
    for (size_t i = 0; i < mask->n_paths; i++) {
        if (!has_camel_form(mask->paths[i])) {
            return encode_fail(w, "a FieldMask has a path without a JSON form");
        }
        if (i > 0) {
            buf_append_char(w->out, ',');
        }
        names_append_camel(w->out, mask->paths[i]);
    }
    buf_append_char(w->out, '"');
    return true;
}

static bool encode_number(json_writer *w, const Google__Protobuf__Value *value)
{
    if (!isfinite(value->number_value)) {
        return encode_fail(w, "a Value holds a number that JSON does not have");
    }
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
        value->base.descriptor, GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE);
    return encode_scalar(w, field, &value->number_value);
}

static bool encode_value(json_writer *w, const Google__Protobuf__Value *value)
{
    switch (value->kind_case) {
    case GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE:
        buf_append_text(w->out, "null");
        return true;
    case GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE:
        return encode_number(w, value);
    case GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE:
        return encode_string(w, value->string_value);
    case GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE:
        buf_append_text(w->out, value->bool_value ? "true" : "false");
        return true;
    case GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE:
        return encode_message(w, &value->struct_value->base);
    case GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE:
        return encode_message(w, &value->list_value->base);
    case GOOGLE__PROTOBUF__VALUE__KIND__NOT_SET:
    case _GOOGLE__PROTOBUF__VALUE__KIND__CASE_IS_INT_SIZE:
        break;
    }
    // A value of no kind is not allowed in JSON, but a reader can do nothing about it.
    buf_append_text(w->out, "null");
    return true;
}

static bool encode_wrapper(json_writer *w, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = message->descriptor->fields;
    return encode_scalar(w, field, (const uint8_t *) message + field->offset);
}

bool encode_wellknown(json_writer *w, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = message->descriptor->fields;
    switch (wellknown_kind_of(message->descriptor)) {
    case WELLKNOWN_TIMESTAMP:
        return encode_timestamp(w, (const Google__Protobuf__Timestamp *) message);
    case WELLKNOWN_DURATION:
        return encode_duration(w, (const Google__Protobuf__Duration *) message);
    case WELLKNOWN_FIELD_MASK:
        return encode_field_mask(w, (const Google__Protobuf__FieldMask *) message);
    case WELLKNOWN_VALUE:
        return encode_value(w, (const Google__Protobuf__Value *) message);
    case WELLKNOWN_STRUCT: {
        const Google__Protobuf__Struct *object = (const Google__Protobuf__Struct *) message;
        return encode_map(w, field, object->fields, object->n_fields);
    }
    case WELLKNOWN_LIST_VALUE: {
        const Google__Protobuf__ListValue *list = (const Google__Protobuf__ListValue *) message;
        return encode_list(w, field, list->values, list->n_values);
    }
    case WELLKNOWN_WRAPPER:
        return encode_wrapper(w, message);
    case WELLKNOWN_NONE:
        break;
    }
    return encode_fail(w, "%s has no form of its own", message->descriptor->name);
}
