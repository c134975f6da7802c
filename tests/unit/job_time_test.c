// job_time - Timestamp and Duration to and from microseconds.
#include "unit/unit_test.h"

#include "base/crypto.h"
#include "job/time.h"

static void times_go_there_and_back(void **state)
{
    (void) state;
    for (int i = 0; i < 10000; i++) {
        Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
        Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
        int64_t us = 0, back_us = 0;
        crypto_random(&us, sizeof us);
        us %= INT64_C(62135596800000000);  // back to the year 1
        time_to_timestamp(us, &time);
        assert_true(time.nanos >= 0);
        assert_true(time_from_timestamp(&time, &back_us));
        assert_true(back_us == us);
        time_to_duration(us, &duration);
        assert_true(time_from_duration(&duration, &back_us));
        assert_true(back_us == us);
    }
}

static void times_out_of_range_are_refused(void **state)
{
    (void) state;
    int64_t us = 77;
    static const struct {
        int64_t seconds;
        int32_t nanos;
        bool timestamp, duration;
    } cases[] = {
        {253402300799, 999999999, true, true},
        {253402300800, 0, false, true},
        {-62135596800, 0, true, true},
        {-62135596801, 0, false, true},
        {315576000000, 0, false, true},
        {315576000001, 0, false, false},
        {-315576000001, 0, false, false},
        {INT64_MAX, 0, false, false},
        {INT64_MIN, 0, false, false},
        {0, 1000000000, false, false},
        {0, -1, false, true},
        {1, -1, false, false},
        {-1, 1, true, false},
        {0, -1000000000, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
        Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
        time.seconds = duration.seconds = cases[i].seconds;
        time.nanos = duration.nanos = cases[i].nanos;
        assert_int_equal(time_from_timestamp(&time, &us), cases[i].timestamp);
        assert_int_equal(time_from_duration(&duration, &us), cases[i].duration);
    }
}

static void a_duration_is_shown_as_it_was_given(void **state)
{
    (void) state;
    static const struct {
        int64_t seconds;
        int32_t nanos;
        const char *text;
    } cases[] = {
        {0, 0, "0s"},
        {100, 0, "100s"},
        {604800, 400000000, "604800.4s"},
        {0, -500000000, "-0.5s"},
        {-1, -1, "-1.000000001s"},
        {INT64_MIN, 0, "-9223372036854775808s"},
        {INT64_MIN, -999999999, "-9223372036854775808.999999999s"},
        {1, -5, "1s and -5ns"},
        {0, 1000000000, "0s and 1000000000ns"},
        {INT64_MIN, INT32_MIN, "-9223372036854775808s and -2147483648ns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char shown[TIME_SHOWN_SIZE];
        Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
        duration.seconds = cases[i].seconds;
        duration.nanos = cases[i].nanos;
        assert_string_equal(time_show_duration(&duration, shown), cases[i].text);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(times_go_there_and_back),
    cmocka_unit_test(times_out_of_range_are_refused),
    cmocka_unit_test(a_duration_is_shown_as_it_was_given),
};

UNIT_TEST_MAIN(tests)
