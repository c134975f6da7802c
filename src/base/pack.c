// pack - goes through protobuf-c's structures from their last field to the first.
#include "base/pack.h"

#include "base/field_type.h"
#include "base/varint.h"

#include <endian.h>
#include <math.h>
#include <string.h>

enum {
    GROWTH = 4,
    SECOND_ROOM = 1 << 15,
};

// ---- room ----

void packer_init(packer *p)
{
    p->start = p->first;
    p->at = p->end = p->first + sizeof p->first;
    p->memory = NULL;
    p->failed = false;
}

void packer_fini(packer *p)
{
    arena_free(p->memory);
}

static size_t written(const packer *p)
{
    return (size_t) (p->end - p->at);
}

slice pack_bytes(const packer *p)
{
    return (slice){p->at, written(p)};
}

static size_t room_for(size_t size)
{
    size_t room = SECOND_ROOM;
    while (room < size && room <= SIZE_MAX / GROWTH) {
        room *= GROWTH;
    }
    return room;
}

// The room grows at its front. Large blocks of arenas are kept when they are gone.
static bool grow(packer *p, size_t size)
{
    size_t kept = written(p);
    size_t room = room_for(kept + size);
    arena *memory = arena_new(0);
    uint8_t *start = memory == NULL ? NULL : arena_alloc(memory, room);
    if (start == NULL) {
        arena_free(memory);
        return false;
    }
    uint8_t *end = start + room;
    memcpy(end - kept, p->at, kept);
    arena_free(p->memory);
    p->memory = memory;
    p->start = start;
    p->at = end - kept;
    p->end = end;
    return true;
}

// Moves to the front of so many bytes more. False: there is no memory, and nothing is written any
// more.
static inline bool step_back(packer *p, size_t size)
{
    if ((size_t) (p->at - p->start) < size && (p->failed || !grow(p, size))) {
        p->failed = true;
        p->at = p->start = p->end;
        return false;
    }
    p->at -= size;
    return true;
}

// ---- bytes ----

static void put_long_varint(packer *p, uint64_t value)
{
    if (step_back(p, varint_size(value))) {
        (void) varint_put(p->at, value);
    }
}

// Most of them, tags and lengths above all, take one byte.
static inline void put_varint(packer *p, uint64_t value)
{
    if (value <= 0x7f && p->at > p->start) {
        *--p->at = (uint8_t) value;
    } else {
        put_long_varint(p, value);
    }
}

static void put_bytes(packer *p, const void *bytes, size_t size)
{
    if (size > 0 && step_back(p, size)) {
        memcpy(p->at, bytes, size);
    }
}

// ---- numbers ----

static uint32_t number32(const void *value)
{
    uint32_t number;
    memcpy(&number, value, sizeof number);
    return number;
}

static uint64_t number64(const void *value)
{
    uint64_t number;
    memcpy(&number, value, sizeof number);
    return number;
}

// What stands as varint for a value. Negative ones that are not zigzagged take all ten bytes.
static uint64_t varint_of(ProtobufCType type, const void *value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SINT64:
        return zigzag((int64_t) number64(value));
    case PROTOBUF_C_TYPE_SINT32:
        return zigzag((int32_t) number32(value));
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return (uint64_t) (int32_t) number32(value);
    case PROTOBUF_C_TYPE_BOOL:
        return number32(value) != 0;
    case PROTOBUF_C_TYPE_UINT32:
        return number32(value);
    default:
        return number64(value);
    }
}

_Static_assert(sizeof(protobuf_c_boolean) == sizeof(uint32_t), "a bool is read as one");

static void put_fixed32(packer *p, const void *value)
{
    uint32_t number = htole32(number32(value));
    put_bytes(p, &number, sizeof number);
}

static void put_fixed64(packer *p, const void *value)
{
    uint64_t number = htole64(number64(value));
    put_bytes(p, &number, sizeof number);
}

// ---- values ----

static void put_fields(packer *p, const ProtobufCMessage *message);

static void put_counted(packer *p, const void *bytes, size_t size)
{
    put_bytes(p, bytes, size);
    put_varint(p, size);
}

static void put_message(packer *p, const ProtobufCMessage *message)
{
    size_t behind = written(p);
    if (message != NULL) {
        put_fields(p, message);
    }
    put_varint(p, written(p) - behind);
}

static void put_counted_value(packer *p, ProtobufCType type, const void *value)
{
    if (type == PROTOBUF_C_TYPE_MESSAGE) {
        put_message(p, *(const ProtobufCMessage *const *) value);
    } else if (type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *) value;
        put_counted(p, text, text == NULL ? 0 : strlen(text));
    } else {
        const ProtobufCBinaryData *data = value;
        put_counted(p, data->data, data->len);
    }
}

static void put_value(packer *p, ProtobufCType type, const void *value)
{
    switch (field_wire_type(type)) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        put_varint(p, varint_of(type, value));
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        put_fixed64(p, value);
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        put_fixed32(p, value);
        break;
    default:
        put_counted_value(p, type, value);
        break;
    }
}

static void put_tag(packer *p, uint32_t id, ProtobufCWireType wire_type)
{
    put_varint(p, (uint64_t) id << 3 | wire_type);
}

// ---- fields ----

static const void *member(const ProtobufCMessage *message, size_t offset)
{
    return (const uint8_t *) message + offset;
}

static bool is_chosen(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (number32(member(message, field->quantifier_offset)) != field->id) {
        return false;
    }
    if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING) {
        return true;
    }
    const void *pointer = *(const void *const *) member(message, field->offset);
    return pointer != NULL && pointer != field->default_value;
}

// A field with the value that one without it has is left out.
static bool is_set(ProtobufCType type, const void *value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *) value;
        return text != NULL && *text != '\0';
    }
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *) value)->len > 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(const void *const *) value != NULL;
    case PROTOBUF_C_TYPE_DOUBLE:
        return fpclassify(*(const double *) value) != FP_ZERO;
    case PROTOBUF_C_TYPE_FLOAT:
        return fpclassify(*(const float *) value) != FP_ZERO;
    default:
        return field_types[type].in_memory == sizeof(uint64_t) ? number64(value) != 0
                                                               : number32(value) != 0;
    }
}

static void put_single(packer *p, const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field)
{
    const void *value = member(message, field->offset);
    bool is_there = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ? is_chosen(message, field)
                                                                      : is_set(field->type, value);
    if (is_there) {
        put_value(p, field->type, value);
        put_tag(p, field->id, field_wire_type(field->type));
    }
}

static void put_repeated(packer *p, const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field)
{
    size_t count = *(const size_t *) member(message, field->quantifier_offset);
    const uint8_t *elements = *(const uint8_t *const *) member(message, field->offset);
    bool packed = (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;
    size_t behind = written(p);
    for (size_t i = count; i > 0; i--) {
        put_value(p, field->type, elements + (i - 1) * field_types[field->type].in_memory);
        if (!packed) {
            put_tag(p, field->id, field_wire_type(field->type));
        }
    }
    if (packed && count > 0) {
        put_varint(p, written(p) - behind);
        put_tag(p, field->id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    }
}

static void put_unknown(packer *p, const ProtobufCMessage *message)
{
    for (size_t i = message->n_unknown_fields; i > 0; i--) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i - 1];
        put_bytes(p, field->data, field->len);
        put_tag(p, field->tag, field->wire_type);
    }
}

static bool is_blank_single(const void *value, const ProtobufCFieldDescriptor *field)
{
    if (field_types[field->type].in_memory == sizeof(uint32_t)) {
        return number32(value) == 0;
    }
    return number64(value) == 0 || number64(value) == (uintptr_t) field->default_value;
}

// A quick look: most fields of most messages are not there. Single ones have no quantifier.
static inline bool is_blank(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->quantifier_offset == 0) {
        return is_blank_single(member(message, field->offset), field);
    }
    const void *quantifier = member(message, field->quantifier_offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const size_t *) quantifier == 0;
    }
    return number32(quantifier) != field->id;
}

// How many of the fields there are up to the last one that is not blank.
static size_t without_blank(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *fields,
                            size_t count)
{
    while (count > 0 && is_blank(message, &fields[count - 1])) {
        count--;
    }
    return count;
}

static void put_fields(packer *p, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *fields = message->descriptor->fields;
    size_t count = message->descriptor->n_fields;
    put_unknown(p, message);
    while ((count = without_blank(message, fields, count)) > 0) {
        const ProtobufCFieldDescriptor *field = &fields[--count];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            put_repeated(p, message, field);
        } else {
            put_single(p, message, field);
        }
    }
}

bool pack_message(packer *p, const ProtobufCMessage *message)
{
    put_fields(p, message);
    return !p->failed;
}
