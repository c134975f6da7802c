// worker heartbeat plan - when heartbeats are due: busy, idle, after failures.
#include "unit/unit_test.h"

#include "worker/heartbeat_plan.h"

#define SECOND 1000000LL
#define LEASE  (30 * SECOND)

static heartbeat_plan sent_at(int64_t now_us)
{
    heartbeat_plan plan;
    heartbeat_plan_init(&plan, LEASE);
    heartbeat_plan_sent(&plan, now_us);
    heartbeat_plan_answered(&plan);
    return plan;
}

static void the_first_one_is_due_at_once(void **state)
{
    (void) state;
    heartbeat_plan plan;
    heartbeat_plan_init(&plan, LEASE);
    assert_true(heartbeat_plan_due(&plan, true, 7) <= 7);
    heartbeat_plan_sent(&plan, 7);
    assert_true(heartbeat_plan_due(&plan, true, 7) > 7);
}

static void a_busy_worker_renews_three_times_in_a_lease(void **state)
{
    (void) state;
    heartbeat_plan plan = sent_at(100 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, false, 100 * SECOND), 110 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, false, 109 * SECOND), 110 * SECOND);
    plan.lease_us = 3 * SECOND;
    assert_int_equal(heartbeat_plan_due(&plan, false, 100 * SECOND), 101 * SECOND);
}

static void an_idle_worker_sends_one_in_the_time_of_a_lease(void **state)
{
    (void) state;
    heartbeat_plan plan = sent_at(100 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, true, 105 * SECOND), 130 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, true, 129 * SECOND), 130 * SECOND);
}

static void a_job_that_comes_to_an_idle_worker_is_renewed_in_time(void **state)
{
    (void) state;
    heartbeat_plan plan = sent_at(100 * SECOND);
    (void) heartbeat_plan_due(&plan, true, 100 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, false, 125 * SECOND), 135 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, false, 130 * SECOND), 135 * SECOND);
    heartbeat_plan_sent(&plan, 135 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, false, 136 * SECOND), 145 * SECOND);
}

static void one_that_is_busy_now_and_then_is_not_put_off_for_ever(void **state)
{
    (void) state;
    heartbeat_plan plan = sent_at(0);
    int64_t due_us = INT64_MAX, now_us = 0;
    for (; now_us < due_us; now_us += 3 * SECOND) {
        due_us = heartbeat_plan_due(&plan, now_us % (6 * SECOND) == 0, now_us);
    }
    assert_true(now_us <= LEASE + 3 * SECOND);
}

static void after_a_failure_it_is_tried_again_soon_and_not_at_once(void **state)
{
    (void) state;
    heartbeat_plan plan = sent_at(100 * SECOND);
    heartbeat_plan_sent(&plan, 110 * SECOND);
    heartbeat_plan_failed(&plan, 120 * SECOND);
    assert_int_equal(heartbeat_plan_due(&plan, false, 120 * SECOND), 121 * SECOND);
    heartbeat_plan_want(&plan, 0);  // a connection is there again
    assert_true(heartbeat_plan_due(&plan, false, 120 * SECOND) <= 120 * SECOND);
    heartbeat_plan_sent(&plan, 120 * SECOND);
    heartbeat_plan_answered(&plan);
    assert_int_equal(heartbeat_plan_due(&plan, false, 120 * SECOND), 130 * SECOND);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_one_is_due_at_once),
    cmocka_unit_test(a_busy_worker_renews_three_times_in_a_lease),
    cmocka_unit_test(an_idle_worker_sends_one_in_the_time_of_a_lease),
    cmocka_unit_test(a_job_that_comes_to_an_idle_worker_is_renewed_in_time),
    cmocka_unit_test(one_that_is_busy_now_and_then_is_not_put_off_for_ever),
    cmocka_unit_test(after_a_failure_it_is_tried_again_soon_and_not_at_once),
};

UNIT_TEST_MAIN(tests)
