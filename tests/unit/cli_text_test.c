// cli text - how long something has lasted, as text for people.
#include "unit/unit_test.h"

#include "cli.h"

static void assert_span(int64_t seconds, const char *expected)
{
    Google__Protobuf__Duration span = GOOGLE__PROTOBUF__DURATION__INIT;
    char text[CLI_TEXT_MAX];
    span.seconds = seconds;
    span.nanos = 999999999;
    assert_string_equal(cli_span_text(&span, text), expected);
}

static void a_span_has_its_two_largest_units(void **state)
{
    (void) state;
    assert_span(61, "1m1s");
    assert_span(3599, "59m59s");
    assert_span(3660, "1h1m");
    assert_span(86399, "23h59m");
    assert_span(90000, "1d1h");
    assert_span(400 * 86400 + 82800, "400d23h");
}

static void a_span_has_one_unit_where_the_next_is_zero(void **state)
{
    (void) state;
    assert_span(0, "0s");
    assert_span(59, "59s");
    assert_span(60, "1m");
    assert_span(3601, "1h");
    assert_span(86400, "1d");
    assert_span(INT64_MAX, "106751991167300d15h");
}

static void no_span_is_a_dash(void **state)
{
    (void) state;
    char text[CLI_TEXT_MAX];
    assert_string_equal(cli_span_text(NULL, text), "-");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_span_has_its_two_largest_units),
    cmocka_unit_test(a_span_has_one_unit_where_the_next_is_zero),
    cmocka_unit_test(no_span_is_a_dash),
};

UNIT_TEST_MAIN(tests)
