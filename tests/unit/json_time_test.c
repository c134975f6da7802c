// Timestamps and Durations as JSON.
#include "unit/json_support.h"

#define TIMESTAMP (&google__protobuf__timestamp__descriptor)
#define DURATION  (&google__protobuf__duration__descriptor)

static void timestamps_of_all_years_come_back(void **state)
{
    (void) state;
    assert_comes_back(TIMESTAMP, "\"0001-01-01T00:00:00Z\"");
    assert_comes_back(TIMESTAMP, "\"9999-12-31T23:59:59.999999999Z\"");
    assert_comes_back(TIMESTAMP, "\"1970-01-01T00:00:00Z\"");
    assert_comes_back(TIMESTAMP, "\"1969-12-31T23:59:59.500Z\"");
    assert_comes_back(TIMESTAMP, "\"2000-02-29T00:00:00Z\"");
    assert_comes_back(TIMESTAMP, "\"2023-12-31T23:59:59Z\"");
    assert_comes_back(TIMESTAMP, "\"2024-12-31T00:00:00Z\"");
}

static void a_fraction_has_three_six_or_nine_digits(void **state)
{
    (void) state;
    assert_comes_back_as(TIMESTAMP, "\"2024-01-01T00:00:00.5Z\"", "\"2024-01-01T00:00:00.500Z\"");
    assert_comes_back_as(TIMESTAMP, "\"2024-01-01T00:00:00.0001Z\"",
                         "\"2024-01-01T00:00:00.000100Z\"");
    assert_comes_back(TIMESTAMP, "\"2024-01-01T00:00:00.000000001Z\"");
    assert_comes_back_as(TIMESTAMP, "\"2024-01-01T00:00:00.000Z\"", "\"2024-01-01T00:00:00Z\"");
}

static void an_offset_is_taken_into_account(void **state)
{
    (void) state;
    assert_comes_back_as(TIMESTAMP, "\"2024-03-01T01:30:00+02:00\"", "\"2024-02-29T23:30:00Z\"");
    assert_comes_back_as(TIMESTAMP, "\"2023-12-31T23:00:00-01:30\"", "\"2024-01-01T00:30:00Z\"");
}

static void times_that_do_not_exist_are_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {"\"2023-02-29T00:00:00Z\"",
                                        "\"2024-13-01T00:00:00Z\"",
                                        "\"2024-00-01T00:00:00Z\"",
                                        "\"2024-01-32T00:00:00Z\"",
                                        "\"2024-01-01T24:00:00Z\"",
                                        "\"2024-01-01T00:60:00Z\"",
                                        "\"2024-01-01T00:00:60Z\"",
                                        "\"2024-01-01T00:00:00\"",
                                        "\"2024-01-01 00:00:00Z\"",
                                        "\"2024-01-01T00:00:00.Z\"",
                                        "\"2024-1-01T00:00:00Z\"",
                                        "\"0000-01-01T00:00:00Z\"",
                                        "\"2024-01-01T00:00:00+24:00\"",
                                        "\"2024-01-01T00:00:00+0100\"",
                                        "\"2024-01-01T00:00:00.0000000001Z\"",
                                        "\"2024-01-01t00:00:00z\"",
                                        "\"0001-01-01T00:00:00+00:01\"",
                                        "\"9999-12-31T23:59:59-00:01\"",
                                        "\"\"",
                                        "1700000000",
                                        "\"2100-02-29T00:00:00Z\""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(TIMESTAMP, texts[i], NULL);
    }
}

static void durations_come_back(void **state)
{
    (void) state;
    assert_comes_back(DURATION, "\"0s\"");
    assert_comes_back(DURATION, "\"315576000000s\"");
    assert_comes_back(DURATION, "\"-315576000000s\"");
    assert_comes_back_as(DURATION, "\"1.5s\"", "\"1.500s\"");
    assert_comes_back_as(DURATION, "\"-0.5s\"", "\"-0.500s\"");
    assert_comes_back(DURATION, "\"-1.000000001s\"");
}

static void bad_durations_are_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {"\"5\"",
                                        "5",
                                        "\"s\"",
                                        "\"5m\"",
                                        "\"1.s\"",
                                        "\".5s\"",
                                        "\"+1s\"",
                                        "\"1 s\"",
                                        "\"--1s\"",
                                        "\"1.0000000001s\"",
                                        "\"315576000001s\"",
                                        "\"315576000000.1s\"",
                                        "\"\"",
                                        "\"99999999999999999999s\"",
                                        "\"1ss\""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(DURATION, texts[i], NULL);
    }
    assert_refused(JOB, "{\"delay\":\"soon\"}", "delay");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(timestamps_of_all_years_come_back),
    cmocka_unit_test(a_fraction_has_three_six_or_nine_digits),
    cmocka_unit_test(an_offset_is_taken_into_account),
    cmocka_unit_test(times_that_do_not_exist_are_refused),
    cmocka_unit_test(durations_come_back),
    cmocka_unit_test(bad_durations_are_refused),
};

UNIT_TEST_MAIN(tests)
