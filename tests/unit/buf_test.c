// buf - growth, caps, text.
#include "unit/unit_test.h"

#include "base/buf.h"

static void appended_pieces_stand_in_order(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    assert_true(buf_append(&b, "ab", 2));
    assert_true(buf_append_char(&b, 'c'));
    assert_true(buf_append_text(&b, "de"));
    assert_true(buf_append_format(&b, "%d-%s", 42, "x"));
    assert_string_equal(buf_text(&b), "abcde42-x");
    assert_int_equal(buf_slice(&b).size, 9);
    assert_memory_equal(buf_slice(&b).bytes, "abcde42-x", 9);
}

static void an_empty_buffer_is_empty_text(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    assert_true(buf_append(&b, NULL, 0));
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(b.size, 0);
}

static void a_buffer_grows_through_many_appends(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    for (int i = 0; i < 10000; i++) {
        assert_true(buf_append_char(&b, (char) ('a' + i % 26)));
    }
    assert_int_equal(b.size, 10000);
    assert_int_equal(b.bytes[9999], 'a' + 9999 % 26);
}

static void a_buffer_fills_to_its_cap_and_no_further(void **state)
{
    (void) state;
    AUTO_BUF b;
    buf_init(&b, 4);
    assert_true(buf_append_text(&b, "abcd"));
    assert_string_equal(buf_text(&b), "abcd");
    assert_false(buf_append_char(&b, 'e'));
    assert_true(b.failed);
    assert_int_equal(b.size, 4);
    assert_null(buf_text(&b));
}

static void after_a_failure_nothing_is_appended_until_cleared(void **state)
{
    (void) state;
    AUTO_BUF b;
    buf_init(&b, 4);
    assert_false(buf_append_text(&b, "too long"));
    assert_false(buf_append_char(&b, 'a'));
    assert_int_equal(b.size, 0);
    buf_clear(&b);
    assert_true(buf_append_char(&b, 'a'));
    assert_string_equal(buf_text(&b), "a");
}

static void formatted_text_may_fill_the_cap_exactly(void **state)
{
    (void) state;
    AUTO_BUF b;
    buf_init(&b, 4);
    assert_true(buf_append_format(&b, "%04d", 7));
    assert_string_equal(buf_text(&b), "0007");
    assert_false(buf_append_format(&b, "%s", "x"));
    assert_true(b.failed);
}

static void reserving_an_absurd_size_fails_without_overflow(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    assert_true(buf_append_char(&b, 'a'));
    assert_false(buf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
}

static void a_finished_buffer_can_be_used_again(void **state)
{
    (void) state;
    AUTO_BUF b;
    buf_init(&b, 10);
    assert_true(buf_append_text(&b, "abc"));
    buf_fini(&b);
    assert_null(b.bytes);
    assert_int_equal(b.cap, 10);
    assert_true(buf_append_text(&b, "def"));
    assert_string_equal(buf_text(&b), "def");
}

static void numbers_are_appended_in_decimal(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    assert_true(buf_append_int(&b, 0));
    assert_true(buf_append_char(&b, ' '));
    assert_true(buf_append_int(&b, -107));
    assert_true(buf_append_int(&b, INT64_MIN));
    assert_true(buf_append_char(&b, ' '));
    assert_true(buf_append_int(&b, INT64_MAX));
    assert_string_equal(buf_text(&b), "0 -107-9223372036854775808 9223372036854775807");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(appended_pieces_stand_in_order),
    cmocka_unit_test(an_empty_buffer_is_empty_text),
    cmocka_unit_test(a_buffer_grows_through_many_appends),
    cmocka_unit_test(a_buffer_fills_to_its_cap_and_no_further),
    cmocka_unit_test(after_a_failure_nothing_is_appended_until_cleared),
    cmocka_unit_test(formatted_text_may_fill_the_cap_exactly),
    cmocka_unit_test(reserving_an_absurd_size_fails_without_overflow),
    cmocka_unit_test(a_finished_buffer_can_be_used_again),
    cmocka_unit_test(numbers_are_appended_in_decimal),
};

UNIT_TEST_MAIN(tests)
