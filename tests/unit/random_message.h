// random_message - any message, filled at random as its descriptor says: what it is made of is
// valid, but need not make sense.
#ifndef ERRAND_TESTS_UNIT_RANDOM_MESSAGE_H
#define ERRAND_TESTS_UNIT_RANDOM_MESSAGE_H

#include "unit/dice.h"
#include "unit/unit_test.h"

#include "base/arena.h"

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

#define RANDOM_DEPTH 7  // messages below are left out

typedef struct random_source {
    uint64_t dice;
    unsigned texts;  // so that keys differ
    arena *memory;
} random_source;

static inline ProtobufCMessage *
random_message(random_source *r, const ProtobufCMessageDescriptor *descriptor, unsigned depth);

static inline size_t random_value_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    default:
        return 4;  // int32, enumerators and bool: no others are in use
    }
}

static inline char *random_text(random_source *r)
{
    char *text = arena_alloc(r->memory, 24);
    assert_non_null(text);
    (void) snprintf(text, 24, "text \xc3\xa4 %u", r->texts++);
    return text;
}

static inline void random_value(random_source *r, const ProtobufCFieldDescriptor *field,
                                unsigned depth, void *at)
{
    uint64_t number = dice_roll(&r->dice, UINT64_MAX) >> dice_roll(&r->dice, 64);
    ProtobufCBinaryData bytes = {.len = sizeof number};
    double fraction = (double) number / 3;
    void *pointer = NULL;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        pointer = random_text(r);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        pointer = random_message(r, field->descriptor, depth + 1);
    if (field->type == PROTOBUF_C_TYPE_ENUM || field->type == PROTOBUF_C_TYPE_BOOL)
        number = number % 2;
    if (pointer != NULL)
        memcpy(at, &pointer, sizeof pointer);
    else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        bytes.data = arena_copy(r->memory, &number, sizeof number);
        memcpy(at, &bytes, sizeof bytes);
    } else if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        memcpy(at, &fraction, sizeof fraction);
    else
        memcpy(at, &number, random_value_size(field->type));
}

static inline void random_list(random_source *r, const ProtobufCFieldDescriptor *field,
                               unsigned depth, uint8_t *message)
{
    size_t count = dice_roll(&r->dice, 4), size = random_value_size(field->type);
    uint8_t *list = arena_zalloc(r->memory, count * size + 1);
    assert_non_null(list);
    for (size_t i = 0; i < count; i++)
        random_value(r, field, depth, list + i * size);
    memcpy(message + field->quantifier_offset, &count, sizeof count);
    memcpy(message + field->offset, &list, sizeof list);
}

static inline void random_field(random_source *r, const ProtobufCFieldDescriptor *field,
                                unsigned depth, uint8_t *message)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth >= RANDOM_DEPTH)
        return;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        random_list(r, field, depth, message);
        return;
    }
    if (dice_roll(&r->dice, 2) == 0)
        return;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t chosen;
        memcpy(&chosen, message + field->quantifier_offset, sizeof chosen);
        if (chosen != 0)
            return;
        memcpy(message + field->quantifier_offset, &field->id, sizeof field->id);
    }
    random_value(r, field, depth, message + field->offset);
}

// Lives in the arena.
static inline ProtobufCMessage *
random_message(random_source *r, const ProtobufCMessageDescriptor *descriptor, unsigned depth)
{
    ProtobufCMessage *message = arena_alloc(r->memory, descriptor->sizeof_message);
    assert_non_null(message);
    protobuf_c_message_init(descriptor, message);
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        random_field(r, &descriptor->fields[i], depth, (uint8_t *) message);
    return message;
}

#endif
