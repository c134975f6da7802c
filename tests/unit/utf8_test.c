// utf8 - what is well-formed and what is not.
#include "unit/unit_test.h"

#include "base/utf8.h"

static void assert_valid(const char *text, bool expected)
{
    assert_int_equal(utf8_valid(text, strlen(text)), expected);
}

static void characters_of_every_length_are_valid(void **state)
{
    (void) state;
    assert_valid("", true);
    assert_valid("plain ASCII, longer than eight", true);
    assert_valid("\xc2\x80\xdf\xbf", true);
    assert_valid("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true);
    assert_valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true);
    assert_true(utf8_valid("a\0b", 3));
}

static void malformed_sequences_are_refused(void **state)
{
    (void) state;
    assert_valid("\x80", false);
    assert_valid("\xc0\xaf", false);
    assert_valid("\xc1\xbf", false);
    assert_valid("\xe0\x9f\xbf", false);
    assert_valid("\xf0\x8f\xbf\xbf", false);
    assert_valid("\xed\xa0\x80", false);
    assert_valid("\xf4\x90\x80\x80", false);
    assert_valid("\xf5\x80\x80\x80", false);
    assert_valid("\xff", false);
    assert_valid("long enough for a word \xe4 and on", false);
}

static void a_cut_off_character_is_refused(void **state)
{
    (void) state;
    assert_valid("\xc3", false);
    assert_valid("\xe2\x82", false);
    assert_valid("\xf0\x9f\x98", false);
    assert_valid("\xe2\x82z", false);
}

static void the_valid_prefix_ends_before_the_first_fault(void **state)
{
    (void) state;
    assert_int_equal(utf8_valid_size("12345678\xc3\xa4\xff", 11), 10);
    assert_int_equal(utf8_valid_size("12345678", 8), 8);
    assert_int_equal(utf8_valid_size("\xff", 1), 0);
    assert_int_equal(utf8_char_size("\xe2\x82\xac", 3), 3);
    assert_int_equal(utf8_char_size("\xe2\x82\xac", 2), 0);
    assert_int_equal(utf8_char_size("", 0), 0);
}

// Any byte anywhere: in a whole word, in one with a neighbour, behind the last.
static void plain_is_ascii_without_nul(void **state)
{
    (void) state;
    for (size_t size = 0; size < 20; size++) {
        char text[20];
        memset(text, 'a', sizeof text);
        assert_true(utf8_is_plain(text, size));
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char) byte;
                assert_int_equal(utf8_is_plain(text, size), byte > 0 && byte < 128);
            }
            text[at] = '\x01';
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(characters_of_every_length_are_valid),
    cmocka_unit_test(malformed_sequences_are_refused),
    cmocka_unit_test(a_cut_off_character_is_refused),
    cmocka_unit_test(the_valid_prefix_ends_before_the_first_fault),
    cmocka_unit_test(plain_is_ascii_without_nul),
};

UNIT_TEST_MAIN(tests)
