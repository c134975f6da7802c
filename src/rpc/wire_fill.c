// wire_fill - fields of protobuf-c's structures, by their descriptors.
#include "rpc/wire_fill.h"

#include "base/field_type.h"
#include "base/varint.h"

#include <endian.h>
#include <string.h>

static void *take(wire_room *room, size_t size)
{
    if (size > room->cap - room->used) {
        return NULL;
    }
    void *memory = arena_alloc(room->memory, size);
    room->used += memory == NULL ? 0 : size;
    return memory;
}

static uint8_t *take_copy(wire_room *room, slice bytes, size_t more)
{
    uint8_t *copy = take(room, bytes.size + more);
    if (copy != NULL && bytes.size > 0) {
        memcpy(copy, bytes.bytes, bytes.size);
    }
    return copy;
}

ProtobufCMessage *wire_fill_new(const ProtobufCMessageDescriptor *descriptor, wire_room *room)
{
    ProtobufCMessage *message = take(room, descriptor->sizeof_message);
    if (message != NULL) {
        descriptor->message_init(message);
    }
    return message;
}

// ---- numbers ----

static void put_varint(void *place, ProtobufCType type, uint64_t number)
{
    uint64_t value = number;
    if (type == PROTOBUF_C_TYPE_SINT64) {
        value = unzigzag(number);
    } else if (type == PROTOBUF_C_TYPE_SINT32) {
        value = unzigzag((uint32_t) number);
    } else if (type == PROTOBUF_C_TYPE_BOOL) {
        value = number != 0;
    }
    if (field_types[type].in_memory == sizeof value) {
        memcpy(place, &value, sizeof value);
    } else {
        uint32_t narrow = (uint32_t) value;
        memcpy(place, &narrow, sizeof narrow);
    }
}

// The bytes of a number of fixed size stand in little-endian order.
static void put_fixed(void *place, const uint8_t *bytes, size_t size)
{
    if (size == sizeof(uint64_t)) {
        uint64_t wide;
        memcpy(&wide, bytes, sizeof wide);
        wide = le64toh(wide);
        memcpy(place, &wide, sizeof wide);
    } else {
        uint32_t narrow;
        memcpy(&narrow, bytes, sizeof narrow);
        narrow = le32toh(narrow);
        memcpy(place, &narrow, sizeof narrow);
    }
}

// ---- where values go ----

static void *member(ProtobufCMessage *message, size_t offset)
{
    return (uint8_t *) message + offset;
}

static bool is_packed(ProtobufCType type, const wire_field *value)
{
    return value->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && !field_is_counted(type);
}

// The last byte of a varint is the one without the highest bit.
static size_t count_packed(ProtobufCType type, slice packed)
{
    if (field_wire_type(type) != PROTOBUF_C_WIRE_TYPE_VARINT) {
        return packed.size / field_types[type].in_memory;
    }
    size_t count = 0;
    for (size_t i = 0; i < packed.size; i++) {
        count += packed.bytes[i] < 0x80;
    }
    return count;
}

static size_t count_elements(const ProtobufCFieldDescriptor *field, slice left)
{
    size_t count = 0;
    wire_field value = {0};
    while (wire_next_field(&left, &value)) {
        if (value.id == field->id) {
            bool packed = is_packed(field->type, &value);
            count += packed ? count_packed(field->type, value.bytes) : 1;
        }
    }
    return count;
}

// Counting once for each field of a message is what keeps the walk linear.
static void *next_element(ProtobufCMessage *into, const ProtobufCFieldDescriptor *field, slice left,
                          wire_room *room)
{
    size_t *count = member(into, field->quantifier_offset);
    uint8_t **elements = member(into, field->offset);
    size_t size = field_types[field->type].in_memory;
    if (*count == 0) {
        *elements = take(room, count_elements(field, left) * size);
    }
    return *elements == NULL ? NULL : *elements + (*count)++ * size;
}

static void *place_of(ProtobufCMessage *into, const ProtobufCFieldDescriptor *field, slice left,
                      wire_room *room)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return next_element(into, field, left, room);
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        *(uint32_t *) member(into, field->quantifier_offset) = field->id;
    }
    return member(into, field->offset);
}

// ---- values ----

static bool put_packed(ProtobufCMessage *into, const ProtobufCFieldDescriptor *field, slice packed,
                       slice left, wire_room *room)
{
    const uint8_t *at = packed.bytes;
    const uint8_t *end = packed.bytes + packed.size;
    wire_field value = {.wire_type = field_wire_type(field->type)};
    while (at != NULL && at < end) {
        at = wire_read_value(at, end, &value);
        if (at == NULL || !wire_fill_value(into, field, &value, left, room)) {
            return false;
        }
    }
    return true;
}

static bool put_text(void *place, slice text, wire_room *room)
{
    uint8_t *copy = take_copy(room, text, 1);
    if (copy == NULL) {
        return false;
    }
    copy[text.size] = '\0';
    *(char **) place = (char *) copy;
    return true;
}

static bool put_bytes(void *place, slice bytes, wire_room *room)
{
    ProtobufCBinaryData data = {.len = bytes.size};
    if (bytes.size > 0) {
        data.data = take_copy(room, bytes, 0);
    }
    *(ProtobufCBinaryData *) place = data;
    return bytes.size == 0 || data.data != NULL;
}

static bool put_value(void *place, ProtobufCType type, const wire_field *value, wire_room *room)
{
    if (type == PROTOBUF_C_TYPE_STRING) {
        return put_text(place, value->bytes, room);
    }
    if (type == PROTOBUF_C_TYPE_BYTES) {
        return put_bytes(place, value->bytes, room);
    }
    if (field_wire_type(type) == PROTOBUF_C_WIRE_TYPE_VARINT) {
        put_varint(place, type, value->number);
    } else {
        put_fixed(place, value->bytes.bytes, field_types[type].in_memory);
    }
    return true;
}

bool wire_fill_value(ProtobufCMessage *into, const ProtobufCFieldDescriptor *field,
                     const wire_field *value, slice left, wire_room *room)
{
    if (is_packed(field->type, value)) {
        return put_packed(into, field, value->bytes, left, room);
    }
    void *place = place_of(into, field, left, room);
    return place != NULL && put_value(place, field->type, value, room);
}

ProtobufCMessage *wire_fill_message(ProtobufCMessage *into, const ProtobufCFieldDescriptor *field,
                                    slice left, wire_room *room)
{
    ProtobufCMessage **place = place_of(into, field, left, room);
    return place == NULL ? NULL : (*place = wire_fill_new(field->descriptor, room));
}

// ---- fields from a newer sender ----

static size_t count_unknown(const ProtobufCMessageDescriptor *descriptor, slice left)
{
    size_t count = 0;
    wire_field field = {0};
    while (wire_next_field(&left, &field)) {
        count += protobuf_c_message_descriptor_get_field(descriptor, field.id) == NULL;
    }
    return count;
}

bool wire_fill_unknown(ProtobufCMessage *into, const wire_field *field, slice value, slice left,
                       wire_room *room)
{
    if (into->n_unknown_fields == 0) {
        size_t count = count_unknown(into->descriptor, left);
        into->unknown_fields = take(room, count * sizeof *into->unknown_fields);
    }
    uint8_t *copy = into->unknown_fields == NULL ? NULL : take_copy(room, value, 0);
    if (copy == NULL) {
        return false;
    }
    into->unknown_fields[into->n_unknown_fields++] = (ProtobufCMessageUnknownField){
        .tag = field->id,
        .wire_type = (ProtobufCWireType) field->wire_type,
        .len = value.size,
        .data = copy,
    };
    return true;
}
