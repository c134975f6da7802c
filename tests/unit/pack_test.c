// pack - bytes as protobuf-c writes them. wire_fill_test packs messages of every kind.
#include "unit/unit_test.h"

#include "base/pack.h"

#include "every_type.pb-c.h"

#include <math.h>
#include <stdlib.h>

enum { MANY = 20000 };

static bool short_of_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return short_of_memory ? NULL : __real_malloc(size);
}

static void assert_packs_as_with_protobuf_c(const ProtobufCMessage *message)
{
    packer p;
    packer_init(&p);
    assert_true(pack_message(&p, message));
    slice ours = pack_bytes(&p);
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *theirs = malloc(size + 1);
    assert_non_null(theirs);
    assert_int_equal(protobuf_c_message_pack(message, theirs), size);
    assert_int_equal(ours.size, size);
    assert_memory_equal(ours.bytes, theirs, size);
    free(theirs);
    packer_fini(&p);
}

static void numbers_at_their_ends_pack(void **state)
{
    (void) state;
    Errand__Test__Scalars s = ERRAND__TEST__SCALARS__INIT;
    assert_packs_as_with_protobuf_c(&s.base);
    s.int32_value = s.sint32_value = s.sfixed32_value = INT32_MIN;
    s.int64_value = s.sint64_value = s.sfixed64_value = INT64_MIN;
    s.uint32_value = s.fixed32_value = UINT32_MAX;
    s.uint64_value = s.fixed64_value = UINT64_MAX;
    s.float_value = -INFINITY;
    s.double_value = (double) NAN;
    s.bool_value = true;
    s.enum_value = ERRAND__TEST__COLOUR__NEGATIVE;
    assert_packs_as_with_protobuf_c(&s.base);
}

// Neither kind of zero is written, nor are texts and bytes without any.
static void what_a_field_has_anyway_is_left_out(void **state)
{
    (void) state;
    char nothing[] = "";
    uint8_t unused;
    Errand__Test__Scalars s = ERRAND__TEST__SCALARS__INIT;
    s.float_value = -0.0F;
    s.double_value = -0.0;
    s.string_value = nothing;
    s.bytes_value = (ProtobufCBinaryData){.data = &unused};
    assert_packs_as_with_protobuf_c(&s.base);
    s.string_value = NULL;
    assert_packs_as_with_protobuf_c(&s.base);
}

static void the_chosen_one_is_written_even_if_it_is_empty(void **state)
{
    (void) state;
    char nothing[] = "";
    Errand__Test__Tree tree = ERRAND__TEST__TREE__INIT;
    for (int i = ERRAND__TEST__TREE__PAYLOAD__NOT_SET; i <= ERRAND__TEST__TREE__PAYLOAD_FLAG; i++) {
        errand__test__tree__init(&tree);
        tree.payload_case = (Errand__Test__Tree__PayloadCase) i;
        assert_packs_as_with_protobuf_c(&tree.base);
    }
    tree.payload_case = ERRAND__TEST__TREE__PAYLOAD_TEXT;
    tree.text = nothing;
    assert_packs_as_with_protobuf_c(&tree.base);
    tree.text = (char *) (uintptr_t) protobuf_c_empty_string;
    assert_packs_as_with_protobuf_c(&tree.base);
}

static void fill(Errand__Test__Tree *tree, Errand__Test__Tree *children, Errand__Test__Tree **list,
                 size_t count)
{
    static char name[] = "a child of a message that is large";
    errand__test__tree__init(tree);
    for (size_t i = 0; i < count; i++) {
        errand__test__tree__init(&children[i]);
        children[i].name = name + i % 10;
        list[i] = &children[i];
    }
    tree->n_children = count;
    tree->children = list;
}

static Errand__Test__Tree children[MANY];
static Errand__Test__Tree *list[MANY];

static void any_size_finds_room(void **state)
{
    (void) state;
    Errand__Test__Tree tree, above = ERRAND__TEST__TREE__INIT;
    Errand__Test__Tree *only = &tree;
    above.n_children = 1;
    above.children = &only;
    for (size_t count = 1; count <= MANY; count = count * 3 / 2 + 1) {
        fill(&tree, children, list, count);
        assert_packs_as_with_protobuf_c(&above.base);
    }
}

static void a_lack_of_memory_is_told(void **state)
{
    (void) state;
    Errand__Test__Tree tree;
    fill(&tree, children, list, MANY);
    packer p;
    packer_init(&p);
    short_of_memory = true;
    bool packed = pack_message(&p, &tree.base);
    short_of_memory = false;
    assert_false(packed);
    packer_fini(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_at_their_ends_pack),
    cmocka_unit_test(what_a_field_has_anyway_is_left_out),
    cmocka_unit_test(the_chosen_one_is_written_even_if_it_is_empty),
    cmocka_unit_test(any_size_finds_room),
    cmocka_unit_test(a_lack_of_memory_is_told),
};

UNIT_TEST_MAIN(tests)
