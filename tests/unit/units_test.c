// units - durations and sizes as text.
#include "unit/unit_test.h"

#include "base/units.h"

static void durations_are_read_as_microseconds(void **state)
{
    (void) state;
    const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"0", 0},           {"0s", 0},
        {"250us", 250},     {"500ms", 500000},
        {"30s", 30000000},  {"1.5s", 1500000},
        {"10m", 600000000}, {"2h", INT64_C(7200000000)},
        {"0.5m", 30000000}, {"1d", INT64_C(86400000000)},
        {"0.000001s", 1},   {"1.50s", 1500000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = -1;
        assert_true(units_parse_duration(cases[i].text, &us));
        assert_int_equal(us, cases[i].us);
    }
}

static void sizes_are_read_as_bytes(void **state)
{
    (void) state;
    const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"1kB", 1000},
        {"2MB", 2000000},
        {"64KiB", 65536},
        {"16MiB", 16 << 20},
        {"1GiB", 1 << 30},
        {"1.5MiB", 1572864},
        {"1TiB", INT64_C(1) << 40},
        {"0.5KiB", 512},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t bytes = -1;
        assert_true(units_parse_size(cases[i].text, &bytes));
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    (void) state;
    const char *const bad[] = {"",
                               "s",
                               "30",
                               "-1s",
                               "1.s",
                               ".5s",
                               "1.5.5s",
                               "1 s",
                               "30 s ",
                               " 30s",
                               "30S",
                               "1e3s",
                               "0.0000001s",
                               "30sec",
                               "1,5s",
                               "0x1s",
                               "1h30m",
                               "1.5us",
                               "+1s",
                               "9999999999999999999s",
                               "9223372036854775807s",
                               "0.1234567890s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t us = -7;
        assert_false(units_parse_duration(bad[i], &us));
        assert_int_equal(us, -7);
    }
}

static void what_is_no_size_is_refused(void **state)
{
    (void) state;
    const char *const bad[] = {"",     "MiB",       "-1",     "16M",        "16Mib",
                               "1.5",  "0.0001KiB", "16 MiB", "1e6",        "16mb",
                               "1.5B", "0x10",      "1K",     "9999999TiB", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t bytes = -7;
        assert_false(units_parse_size(bad[i], &bytes));
        assert_int_equal(bytes, -7);
    }
}

static void numbers_are_written_with_the_largest_unit_that_fits(void **state)
{
    (void) state;
    const struct {
        int64_t us;
        const char *text;
    } durations[] = {{0, "0s"},         {1, "1us"},       {1500000, "1500ms"},
                     {90000000, "90s"}, {60000000, "1m"}, {INT64_C(86400000000), "1d"}};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        AUTO_BUF b = {0};
        assert_true(units_append_duration(&b, durations[i].us));
        assert_string_equal(buf_text(&b), durations[i].text);
    }
    AUTO_BUF sizes = {0};
    units_append_size(&sizes, 0);
    buf_append_char(&sizes, ' ');
    units_append_size(&sizes, 1000);
    buf_append_char(&sizes, ' ');
    units_append_size(&sizes, 16 << 20);
    assert_string_equal(buf_text(&sizes), "0 1000 16MiB");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(durations_are_read_as_microseconds),
    cmocka_unit_test(sizes_are_read_as_bytes),
    cmocka_unit_test(what_is_no_duration_is_refused),
    cmocka_unit_test(what_is_no_size_is_refused),
    cmocka_unit_test(numbers_are_written_with_the_largest_unit_that_fits),
};

UNIT_TEST_MAIN(tests)
