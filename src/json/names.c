// names - proto names and their lowerCamelCase forms, and what kind of message a descriptor is.
#include "json/names.h"

#include <string.h>

#define MAX_NAME 128  // no field of ours has a longer name, so a longer key is no field

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char to_upper(char c)
{
    return is_lower(c) ? (char) (c - 'a' + 'A') : c;
}

wellknown_kind wellknown_kind_of(const ProtobufCMessageDescriptor *descriptor)
{
    static const struct {
        const char *name;
        wellknown_kind kind;
    } table[] = {
        {"Timestamp", WELLKNOWN_TIMESTAMP},  {"Duration", WELLKNOWN_DURATION},
        {"Value", WELLKNOWN_VALUE},          {"Struct", WELLKNOWN_STRUCT},
        {"ListValue", WELLKNOWN_LIST_VALUE}, {"FieldMask", WELLKNOWN_FIELD_MASK},
        {"BoolValue", WELLKNOWN_WRAPPER},    {"Int32Value", WELLKNOWN_WRAPPER},
        {"Int64Value", WELLKNOWN_WRAPPER},   {"UInt32Value", WELLKNOWN_WRAPPER},
        {"UInt64Value", WELLKNOWN_WRAPPER},  {"FloatValue", WELLKNOWN_WRAPPER},
        {"DoubleValue", WELLKNOWN_WRAPPER},  {"StringValue", WELLKNOWN_WRAPPER},
        {"BytesValue", WELLKNOWN_WRAPPER},
    };
    if (strcmp(descriptor->package_name, "google.protobuf") != 0) {
        return WELLKNOWN_NONE;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(descriptor->short_name, table[i].name) == 0) {
            return table[i].kind;
        }
    }
    return WELLKNOWN_NONE;
}

void names_append_camel(buf *out, const char *name)
{
    if (!buf_reserve(out, strlen(name))) {
        return;
    }
    for (; *name != '\0'; name++) {
        if (*name == '_' && name[1] != '\0') {
            name++;
            out->bytes[out->size++] = (uint8_t) to_upper(*name);
        } else if (*name != '_') {
            out->bytes[out->size++] = (uint8_t) *name;
        }
    }
}

bool names_append_snake(buf *out, const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (name[i] == '_') {
            return false;
        }
        if (is_upper(name[i])) {
            buf_append_char(out, '_');
            buf_append_char(out, (char) (name[i] - 'A' + 'a'));
        } else {
            buf_append_char(out, name[i]);
        }
    }
    return true;
}

// Writes the proto form of a lowerCamelCase name; false when it is none or is too long.
static bool snake_name(const char *name, char text[static MAX_NAME])
{
    size_t used = 0;
    for (; *name != '\0'; name++) {
        if (*name == '_' || used + 2 >= MAX_NAME) {
            return false;
        }
        if (is_upper(*name)) {
            text[used++] = '_';
            text[used++] = (char) (*name - 'A' + 'a');
        } else {
            text[used++] = *name;
        }
    }
    text[used] = '\0';
    return true;
}

static bool has_upper(const char *name)
{
    while (*name != '\0' && !is_upper(*name)) {
        name++;
    }
    return *name != '\0';
}

bool names_is_camel(const char *camel, const char *name)
{
    for (; *name != '\0'; name++) {
        char expected = *name;
        if (expected == '_') {
            if (name[1] == '\0') {
                break;
            }
            expected = to_upper(*++name);
        }
        if (*camel++ != expected) {
            return false;
        }
    }
    return *camel == '\0';
}

// The way for names such as line_1, whose form line1 can not be turned back.
static const ProtobufCFieldDescriptor *find_by_camel(const ProtobufCMessageDescriptor *descriptor,
                                                     const char *name)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (names_is_camel(name, descriptor->fields[i].name)) {
            return &descriptor->fields[i];
        }
    }
    return NULL;
}

const ProtobufCFieldDescriptor *names_find_field(const ProtobufCMessageDescriptor *descriptor,
                                                 const char *name)
{
    char snake[MAX_NAME];
    const ProtobufCFieldDescriptor *field = NULL;
    if (!has_upper(name)) {
        field = protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
    } else if (snake_name(name, snake)) {
        field = protobuf_c_message_descriptor_get_field_by_name(descriptor, snake);
    }
    return field != NULL ? field : find_by_camel(descriptor, name);
}

// A map is a repeated message that the compiler made: Parent.FieldNameEntry {key = 1, value = 2}.
bool names_is_map(const ProtobufCMessageDescriptor *parent, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    size_t length = strlen(entry->short_name);
    if (entry->n_fields != 2 || length <= 5 ||
        strcmp(entry->short_name + length - 5, "Entry") != 0) {
        return false;
    }
    size_t parent_length = strlen(parent->name);
    return strcmp(entry->fields[0].name, "key") == 0 && entry->fields[0].id == 1 &&
           strcmp(entry->fields[1].name, "value") == 0 && entry->fields[1].id == 2 &&
           strncmp(entry->name, parent->name, parent_length) == 0 &&
           strcmp(entry->name + parent_length + 1, entry->short_name) == 0;
}

size_t names_slot_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    return 0;
}
