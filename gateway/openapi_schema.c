// openapi_schema - messages as JSON Schema, as proto3 JSON writes them.
#include "gateway/openapi_internal.h"

#include "json/names.h"

#include <string.h>

static const char *short_name(const char *name)
{
    static const char *const packages[] = {"errand.v1.", "errand.rpc.v1.", "google.protobuf."};
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++) {
        size_t size = strlen(packages[i]);
        if (strncmp(name, packages[i], size) == 0) {
            return name + size;
        }
    }
    return name;
}

static void remember(openapi_types *types, const ProtobufCMessageDescriptor *message)
{
    for (size_t i = 0; i < types->message_count; i++) {
        if (types->messages[i] == message) {
            return;
        }
    }
    if (types->message_count < OPENAPI_MAX_TYPES) {
        types->messages[types->message_count++] = message;
    }
}

static void append_scalar(buf *out, openapi_types *types, const ProtobufCFieldDescriptor *field);

void openapi_append_ref(buf *out, openapi_types *types, const ProtobufCMessageDescriptor *message)
{
    switch (wellknown_kind_of(message)) {
    case WELLKNOWN_TIMESTAMP:
        buf_append_text(out, "{\"type\":\"string\",\"format\":\"date-time\"}");
        return;
    case WELLKNOWN_DURATION:
        buf_append_text(out, "{\"type\":\"string\",\"pattern\":\"^-?[0-9]+(\\\\.[0-9]{1,9})?s$\","
                             "\"examples\":[\"1.5s\"]}");
        return;
    case WELLKNOWN_FIELD_MASK:
        buf_append_text(out, "{\"type\":\"string\"}");
        return;
    case WELLKNOWN_STRUCT:
        buf_append_text(out, "{\"type\":\"object\"}");
        return;
    case WELLKNOWN_VALUE:
        buf_append_text(out, "{\"description\":\"any JSON value\"}");
        return;
    case WELLKNOWN_LIST_VALUE:
        buf_append_text(out, "{\"type\":\"array\"}");
        return;
    case WELLKNOWN_WRAPPER:
        append_scalar(out, types, &message->fields[0]);
        return;
    case WELLKNOWN_NONE:
        remember(types, message);
        buf_append_format(out, "{\"$ref\":\"#/components/schemas/%s\"}", short_name(message->name));
        return;
    }
}

// Names only: the first is the one that stands for "not set".
static void append_enum(buf *out, const ProtobufCEnumDescriptor *type)
{
    buf_append_text(out, "{\"type\":\"string\",\"enum\":[");
    for (unsigned i = 0; i < type->n_values; i++) {
        buf_append_format(out, "%s\"%s\"", i > 0 ? "," : "", type->values[i].name);
    }
    buf_append_text(out, "]}");
}

static void append_scalar(buf *out, openapi_types *types, const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        buf_append_text(out, "{\"type\":\"integer\",\"format\":\"int32\"}");
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        buf_append_text(out, "{\"type\":[\"string\",\"integer\"],\"format\":\"int64\","
                             "\"pattern\":\"^-?[0-9]+$\"}");
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        buf_append_text(out, "{\"type\":[\"number\",\"string\"]}");
        break;
    case PROTOBUF_C_TYPE_BOOL:
        buf_append_text(out, "{\"type\":\"boolean\"}");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        append_enum(out, field->descriptor);
        break;
    case PROTOBUF_C_TYPE_STRING:
        buf_append_text(out, "{\"type\":\"string\"}");
        break;
    case PROTOBUF_C_TYPE_BYTES:
        buf_append_text(out, "{\"type\":\"string\",\"contentEncoding\":\"base64\"}");
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        openapi_append_ref(out, types, field->descriptor);
        break;
    }
}

void openapi_append_field(buf *out, openapi_types *types, const ProtobufCMessageDescriptor *parent,
                          const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        append_scalar(out, types, field);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && names_is_map(parent, field)) {
        const ProtobufCMessageDescriptor *entry = field->descriptor;
        buf_append_text(out, "{\"type\":\"object\",\"additionalProperties\":");
        append_scalar(out, types, &entry->fields[1]);
        buf_append_char(out, '}');
    } else {
        buf_append_text(out, "{\"type\":\"array\",\"items\":");
        append_scalar(out, types, field);
        buf_append_char(out, '}');
    }
}

static void append_message(buf *out, openapi_types *types,
                           const ProtobufCMessageDescriptor *message)
{
    buf_append_format(out,
                      "\"%s\":{\"type\":\"object\",\"additionalProperties\":false,"
                      "\"properties\":{",
                      short_name(message->name));
    for (unsigned i = 0; i < message->n_fields; i++) {
        buf_append_text(out, i > 0 ? ",\"" : "\"");
        names_append_camel(out, message->fields[i].name);
        buf_append_text(out, "\":");
        openapi_append_field(out, types, message, &message->fields[i]);
    }
    buf_append_text(out, "}}");
}

void openapi_append_schemas(buf *out, openapi_types *types)
{
    for (size_t i = 0; i < types->message_count; i++) {  // the list grows meanwhile
        buf_append_text(out, i > 0 ? ",\n" : "\n");
        append_message(out, types, types->messages[i]);
    }
}
