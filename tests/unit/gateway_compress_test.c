// gzip, both ways.
#include "unit/unit_test.h"

#include "gateway/compress.h"

#include <stdlib.h>
#include <string.h>

#define LARGE ((size_t) 3 << 20)

static status *unpack(const buf *packed, size_t cap, buf *out)
{
    bool held = false;
    const compress_limit limit = {.cap = cap};
    status *failure = compress_unpack(buf_slice(packed), &limit, out, &held);
    assert_true(held);
    return failure;
}

static void fill(buf *bytes, size_t size, bool noise)
{
    unsigned seed = 7;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1103515245 + 12345;
        buf_append_char(bytes, noise ? (char) (seed >> 16) : 'x');
    }
}

static void assert_comes_back(size_t size, bool noise)
{
    AUTO_BUF bytes = {0};
    AUTO_BUF packed = {0};
    AUTO_BUF back = {0};
    fill(&bytes, size, noise);
    assert_true(compress_pack(buf_slice(&bytes), &packed));
    assert_null(unpack(&packed, size, &back));
    assert_int_equal(back.size, size);
    if (size > 0) {
        assert_memory_equal(back.bytes, bytes.bytes, size);
    }
}

static void what_is_packed_comes_back(void **state)
{
    (void) state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65536, LARGE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_comes_back(sizes[i], false);
        assert_comes_back(sizes[i], true);
    }
}

static void more_than_the_cap_is_refused_to_the_byte(void **state)
{
    (void) state;
    AUTO_BUF bytes = {0};
    AUTO_BUF packed = {0};
    AUTO_BUF back = {0};
    fill(&bytes, 100000, false);
    assert_true(compress_pack(buf_slice(&bytes), &packed));
    AUTO(status) failure = unpack(&packed, 99999, &back);
    assert_int_equal(status_code_of(failure), STATUS_RESOURCE_EXHAUSTED);
    assert_true(back.capacity < 300000);
    buf_clear(&back);
    assert_null(unpack(&packed, 100000, &back));
}

static void every_cut_and_most_damage_is_found(void **state)
{
    (void) state;
    AUTO_BUF packed = {0};
    AUTO_BUF back = {0};
    const char *text = "{\"job\":{\"kind\":\"resize\",\"args\":{\"width\":100}}}";
    assert_true(compress_pack((slice){(const uint8_t *) text, strlen(text)}, &packed));
    size_t size = packed.size;
    for (packed.size = 1; packed.size < size; packed.size++) {
        buf_clear(&back);
        AUTO(status) failure = unpack(&packed, 1000, &back);
        assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    }
    packed.bytes[size - 8] ^= 1;  // of the checksum
    buf_clear(&back);
    AUTO(status) failure = unpack(&packed, 1000, &back);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
}

static bool say_no(void *data, size_t size)
{
    size_t *most = data;
    return size <= *most;
}

static void who_is_asked_for_memory_may_say_no(void **state)
{
    (void) state;
    AUTO_BUF bytes = {0};
    AUTO_BUF packed = {0};
    AUTO_BUF back = {0};
    fill(&bytes, LARGE, false);
    assert_true(compress_pack(buf_slice(&bytes), &packed));
    size_t most = 100000;
    const compress_limit limit = {.cap = LARGE, .hold = say_no, .data = &most};
    bool held = true;
    assert_null(compress_unpack(buf_slice(&packed), &limit, &back, &held));
    assert_false(held);
    assert_true(back.size <= most);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_packed_comes_back),
    cmocka_unit_test(more_than_the_cap_is_refused_to_the_byte),
    cmocka_unit_test(every_cut_and_most_damage_is_found),
    cmocka_unit_test(who_is_asked_for_memory_may_say_no),
};

UNIT_TEST_MAIN(tests)
