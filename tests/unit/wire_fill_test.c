// wire_fill - what the walk decodes is what protobuf-c makes of the same bytes, and is packed again
// as protobuf-c packs it.
#include "unit/unit_test.h"

#include "base/buf.h"
#include "base/pack.h"
#include "rpc/wire.h"

#include "every_type.pb-c.h"

#include <stdlib.h>

enum { VARINT = 0, FIXED64 = 1, COUNTED = 2, FIXED32 = 5 };
enum { UNKNOWN_FIELD = 900, MOST_FIELDS = 12, DEEPEST = 4, ROUNDS = 20000 };

static const ProtobufCMessageDescriptor *const kinds[] = {
    &errand__test__scalars__descriptor, &errand__test__lists__descriptor,
    &errand__test__maps__descriptor,    &errand__test__well_known__descriptor,
    &errand__test__tree__descriptor,
};

// ---- random messages ----

static uint64_t random_state = 1;

// xorshift64: the same messages in every run.
static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static uint64_t draw_number(void)
{
    return draw(UINT64_MAX) >> draw(64);
}

static void put_varint(buf *b, uint64_t number)
{
    for (; number > 0x7f; number >>= 7) {
        buf_append_char(b, (char) (number | 0x80));
    }
    buf_append_char(b, (char) number);
}

static void put_bytes(buf *b, const buf *bytes)
{
    put_varint(b, bytes->size);
    buf_append(b, bytes->bytes, bytes->size);
}

static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return COUNTED;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return FIXED64;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return FIXED32;
    default:
        return VARINT;
    }
}

static void put_number(buf *b, unsigned wire_type)
{
    uint64_t number = draw_number();
    if (wire_type == VARINT) {
        put_varint(b, number);
    } else {
        buf_append(b, &number, wire_type == FIXED64 ? 8 : 4);
    }
}

static void put_text(buf *b)
{
    size_t size = draw(20);
    put_varint(b, size);
    for (size_t i = 0; i < size; i++) {
        buf_append_char(b, (char) ('a' + draw(26)));
    }
}

static void put_packed(buf *b, unsigned wire_type)
{
    AUTO_BUF packed = {0};
    for (size_t i = draw(5); i > 0; i--) {
        put_number(&packed, wire_type);
    }
    put_bytes(b, &packed);
}

static void put_message(buf *b, const ProtobufCMessageDescriptor *kind, unsigned depth);

static void put_field(buf *b, const ProtobufCFieldDescriptor *field, unsigned depth)
{
    unsigned wire_type = wire_type_of(field->type);
    bool many = field->label == PROTOBUF_C_LABEL_REPEATED;
    bool packed = many && wire_type != COUNTED && draw(2) == 0;
    put_varint(b, (uint64_t) field->id << 3 | (packed ? COUNTED : wire_type));
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        AUTO_BUF below = {0};
        put_message(&below, field->descriptor, depth + 1);
        put_bytes(b, &below);
    } else if (packed) {
        put_packed(b, wire_type);
    } else if (wire_type == COUNTED) {
        put_text(b);
    } else {
        put_number(b, wire_type);
    }
}

static void put_unknown(buf *b)
{
    static const unsigned wire_types[] = {VARINT, FIXED64, FIXED32, COUNTED};
    unsigned wire_type = wire_types[draw(4)];
    put_varint(b, (UNKNOWN_FIELD + draw(3)) << 3 | wire_type);
    if (wire_type == COUNTED) {
        put_text(b);
    } else {
        put_number(b, wire_type);
    }
}

// Fields in any order, some of them again and again.
static void put_message(buf *b, const ProtobufCMessageDescriptor *kind, unsigned depth)
{
    for (size_t i = depth < DEEPEST ? draw(MOST_FIELDS) : 0; i > 0; i--) {
        if (kind->n_fields == 0 || draw(8) == 0) {
            put_unknown(b);
        } else {
            put_field(b, &kind->fields[draw(kind->n_fields)], depth);
        }
    }
}

// ---- both decoders ----

static void pack(const ProtobufCMessage *message, buf *ret)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(protobuf_c_message_pack(message, bytes), size);
    buf_append(ret, bytes, size);
    free(bytes);
}

static void assert_packs_to(const ProtobufCMessage *message, const buf *expected)
{
    packer p;
    packer_init(&p);
    assert_true(pack_message(&p, message));
    slice packed = pack_bytes(&p);
    assert_int_equal(packed.size, expected->size);
    assert_memory_equal(packed.bytes, expected->bytes, packed.size);
    packer_fini(&p);
}

static bool decodes_as_protobuf_c_does(const ProtobufCMessageDescriptor *kind, const buf *encoded)
{
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *ours;
    AUTO(status) failure = wire_decode(kind, encoded->bytes, encoded->size, memory, &ours);
    if (failure != NULL) {
        return false;
    }
    ProtobufCMessage *theirs = protobuf_c_message_unpack(kind, NULL, encoded->size, encoded->bytes);
    assert_non_null(theirs);
    AUTO_BUF left = {0};
    AUTO_BUF right = {0};
    pack(ours, &left);
    pack(theirs, &right);
    protobuf_c_message_free_unpacked(theirs, NULL);
    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.bytes, right.bytes, left.size);
    assert_packs_to(ours, &right);
    return true;
}

static void every_type_decodes_and_packs_as_with_protobuf_c(void **state)
{
    (void) state;
    size_t decoded = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const ProtobufCMessageDescriptor *kind = kinds[draw(sizeof kinds / sizeof kinds[0])];
        AUTO_BUF encoded = {0};
        put_message(&encoded, kind, 0);
        decoded += decodes_as_protobuf_c_does(kind, &encoded);
    }
    assert_true(decoded > ROUNDS / 2);
}

static void what_is_left_after_damage_decodes_and_packs_as_with_protobuf_c(void **state)
{
    (void) state;
    size_t decoded = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const ProtobufCMessageDescriptor *kind = kinds[draw(sizeof kinds / sizeof kinds[0])];
        AUTO_BUF encoded = {0};
        put_message(&encoded, kind, 0);
        if (encoded.size > 0) {
            encoded.bytes[draw(encoded.size)] ^= (uint8_t) (1 << draw(8));
            decoded += decodes_as_protobuf_c_does(kind, &encoded);
        }
    }
    assert_true(decoded > 0);
}

// Room is made once for all elements, wherever in the message they are.
static void elements_that_are_far_apart_stand_in_one_array(void **state)
{
    (void) state;
    AUTO_BUF encoded = {0};
    for (int i = 0; i < 3000; i++) {
        put_varint(&encoded, 1 << 3 | VARINT);
        put_varint(&encoded, (uint64_t) i);
        put_varint(&encoded, 8 << 3 | COUNTED);
        put_text(&encoded);
        put_varint(&encoded, 4 << 3 | COUNTED);
        put_varint(&encoded, 0);
    }
    const ProtobufCMessageDescriptor *lists = &errand__test__lists__descriptor;
    assert_true(decodes_as_protobuf_c_does(lists, &encoded));
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message;
    size_t used = 0;
    assert_null(wire_decode_within(lists, buf_slice(&encoded), memory, 0, &used, &message));
    const Errand__Test__Lists *decoded = (const void *) message;
    assert_int_equal(decoded->n_int32s, 3000);
    assert_int_equal(decoded->int32s[2999], 2999);
    assert_int_equal(decoded->n_uint64s, 0);
    assert_in_range(used, sizeof(uint8_t[3000][4 + 8 + 1]),
                    sizeof *decoded + sizeof(uint8_t[3000][4 + 8 + 21]));
}

// What can not be decoded at all is refused for that, and not for the memory it would take.
static void damage_is_told_before_a_lack_of_memory(void **state)
{
    (void) state;
    AUTO_BUF encoded = {0};
    for (int i = 0; i < 100; i++) {
        put_varint(&encoded, 8 << 3 | COUNTED);
        put_text(&encoded);
    }
    AUTO(arena) memory = arena_new(0);
    const ProtobufCMessageDescriptor *lists = &errand__test__lists__descriptor;
    ProtobufCMessage *message;
    size_t used;
    AUTO(status) small =
        wire_decode_within(lists, buf_slice(&encoded), memory, 900, &used, &message);
    assert_int_equal(status_code_of(small), STATUS_RESOURCE_EXHAUSTED);
    put_varint(&encoded, 0);
    AUTO(status) bad = wire_decode_within(lists, buf_slice(&encoded), memory, 900, &used, &message);
    assert_int_equal(status_code_of(bad), STATUS_INVALID_ARGUMENT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_type_decodes_and_packs_as_with_protobuf_c),
    cmocka_unit_test(what_is_left_after_damage_decodes_and_packs_as_with_protobuf_c),
    cmocka_unit_test(elements_that_are_far_apart_stand_in_one_array),
    cmocka_unit_test(damage_is_told_before_a_lack_of_memory),
};

UNIT_TEST_MAIN(tests)
