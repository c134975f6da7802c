// clock - the system's clocks, and one that was never set.
#include "unit/unit_test.h"

#include "base/clock.h"

#include <time.h>

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

static struct timespec wall;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
    *ret = id == CLOCK_REALTIME ? wall : (struct timespec){.tv_sec = 7};
    return 0;
}

static int64_t wall_at(time_t seconds)
{
    wall = (struct timespec){.tv_sec = seconds, .tv_nsec = 999999999};
    return clock_wall_us(clock_system());
}

static void the_wall_clock_is_read_in_microseconds(void **state)
{
    (void) state;
    assert_int_equal(wall_at(1750000000), INT64_C(1750000000999999));
    assert_int_equal(clock_mono_us(clock_system()), 7000000);
}

static void a_wall_clock_that_was_never_set_is_not_believed(void **state)
{
    (void) state;
    assert_int_equal(wall_at(221845391999), INT64_C(221845391999999999));  // the last of 8999
    assert_int_equal(wall_at(221845392000), 0);
    assert_int_equal(wall_at(253402300800), 0);  // the year 10000
    assert_int_equal(clock_mono_us(clock_system()), 7000000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_wall_clock_is_read_in_microseconds),
    cmocka_unit_test(a_wall_clock_that_was_never_set_is_not_believed),
};

UNIT_TEST_MAIN(tests)
