// job_rules_hand - moves made by hand, by other jobs and by time: cancel, retry, expire, unblock.
#include "unit/unit_test.h"

#include "job/rules.h"

#define NOW INT64_C(1700000000000000)

static job_row row_in(job_state state)
{
    return (job_row){.seq = 1, .route = 7, .state = state, .revision = 5, .due_us = NOW - 9};
}

static void fails(status *failure)
{
    assert_int_equal(status_code_of(failure), STATUS_FAILED_PRECONDITION);
    status_free(failure);
}

static void every_unfinished_job_can_be_cancelled(void **state)
{
    (void) state;
    for (int s = JOB_BLOCKED; s <= JOB_EXPIRED; s++) {
        job_row row = row_in((job_state) s), before = row;
        if (job_state_is_final((job_state) s)) {
            fails(job_cancel(&row, NOW));
            assert_memory_equal(&row, &before, sizeof row);
            continue;
        }
        assert_null(job_cancel(&row, NOW));
        assert_int_equal(row.state, JOB_CANCELLED);
        assert_int_equal(row.finish_us, NOW);
        assert_int_equal(row.revision, 6);
    }
}

static void what_ended_without_success_can_be_retried(void **state)
{
    (void) state;
    for (int s = JOB_BLOCKED; s <= JOB_EXPIRED; s++) {
        job_row row = row_in((job_state) s), before = row;
        if (s <= JOB_SUCCEEDED) {
            fails(job_retry(&row, NOW));
            assert_memory_equal(&row, &before, sizeof row);
            continue;
        }
        assert_null(job_retry(&row, NOW));
        assert_int_equal(row.state, JOB_READY);
        assert_int_equal(row.revision, 6);
    }
}

static void a_retry_begins_anew_but_for_the_attempt_number(void **state)
{
    (void) state;
    job_row row = row_in(JOB_CANCELLED);
    row.attempt = 4;
    row.failures = 3;
    row.losses = 2;
    row.blockers = 1;
    row.expire_us = NOW - 1;
    row.finish_us = NOW - 1;
    assert_null(job_retry(&row, NOW));
    assert_int_equal(row.attempt, 4);
    assert_int_equal(row.failures + row.losses + row.blockers, 0);
    assert_int_equal(row.expire_us, 0);
    assert_int_equal(row.finish_us, 0);
    assert_int_equal(row.due_us, NOW);
}

static void waiting_jobs_expire_when_their_time_has_come(void **state)
{
    (void) state;
    for (int s = JOB_BLOCKED; s <= JOB_READY; s++) {
        job_row row = row_in((job_state) s), before;
        row.expire_us = NOW;
        before = row;
        fails(job_expire(&row, NOW - 1));
        assert_memory_equal(&row, &before, sizeof row);
        assert_null(job_expire(&row, NOW));
        assert_int_equal(row.state, JOB_EXPIRED);
        assert_int_equal(row.finish_us, NOW);
        assert_int_equal(row.revision, 6);
    }
}

static void no_other_job_expires(void **state)
{
    (void) state;
    job_row row = row_in(JOB_READY);
    fails(job_expire(&row, INT64_MAX));  // it has no such time
    row.expire_us = NOW;
    row.attempt = 1;  // it was started in time
    fails(job_expire(&row, NOW));
    for (int s = JOB_RUNNING; s <= JOB_EXPIRED; s++) {
        row = row_in((job_state) s);
        row.expire_us = NOW;
        fails(job_expire(&row, NOW));
        assert_int_equal(row.state, s);
    }
}

static void a_job_with_blockers_starts_its_life_blocked(void **state)
{
    (void) state;
    job_row row = {.blockers = 2, .due_us = NOW + 5};
    job_start_life(&row, NOW);
    assert_int_equal(row.state, JOB_BLOCKED);
    assert_int_equal(row.due_us, NOW + 5);
    assert_int_equal(row.revision, 1);
}

static void the_last_blocker_makes_a_job_ready(void **state)
{
    (void) state;
    job_row row = row_in(JOB_BLOCKED);
    row.blockers = 2;
    assert_null(job_unblock(&row, NOW));
    assert_int_equal(row.state, JOB_BLOCKED);
    assert_int_equal(row.blockers, 1);
    assert_null(job_unblock(&row, NOW));
    assert_int_equal(row.state, JOB_READY);
    assert_int_equal(row.blockers, 0);
    assert_int_equal(row.due_us, NOW);  // no way past those that were ready before it
    assert_int_equal(row.revision, 6);
}

static void an_unblocked_job_still_waits_for_its_time(void **state)
{
    (void) state;
    job_row row = row_in(JOB_BLOCKED);
    row.blockers = 1;
    row.due_us = NOW + 1;
    assert_null(job_unblock(&row, NOW));
    assert_int_equal(row.state, JOB_SCHEDULED);
    assert_int_equal(row.due_us, NOW + 1);
}

static void only_a_blocked_job_can_be_unblocked(void **state)
{
    (void) state;
    for (int s = JOB_SCHEDULED; s <= JOB_EXPIRED; s++) {
        job_row row = row_in((job_state) s), before = row;
        fails(job_unblock(&row, NOW));
        assert_memory_equal(&row, &before, sizeof row);
    }
}

static void a_held_job_stands_aside_in_the_order_it_would_run(void **state)
{
    (void) state;
    job_row row = row_in(JOB_READY);
    int64_t rank = job_row_rank(&row);
    row.held = true;
    assert_int_equal(job_row_lane(&row), JOB_LANE_HELD);
    assert_true(job_row_rank(&row) == rank);
    row.state = JOB_SCHEDULED;  // only a ready one is held
    assert_int_equal(job_row_lane(&row), JOB_LANE_SCHEDULED);
}

static void each_move_lets_a_held_job_go(void **state)
{
    (void) state;
    const uuid worker = {{1}};
    job_row row = row_in(JOB_READY);
    row.held = true;
    assert_null(job_lease(&row, &worker, 1, NOW));
    assert_false(row.held);
    row = row_in(JOB_READY);
    row.held = true;
    assert_null(job_cancel(&row, NOW));
    assert_false(row.held);
}

static void an_ended_job_settles_first(void **state)
{
    (void) state;
    for (int s = JOB_SUCCEEDED; s <= JOB_EXPIRED; s++) {
        job_row row = row_in((job_state) s);
        row.has_dependants = true;
        row.callbacks_open = 1;
        assert_int_equal(job_row_lane(&row), JOB_LANE_SETTLING);
        assert_int_equal(job_row_rank(&row), 0);
        row.has_dependants = false;
        assert_int_equal(job_row_lane(&row), JOB_LANE_KEPT);
    }
    job_row row = row_in(JOB_RUNNING);
    row.has_dependants = true;
    assert_int_equal(job_row_lane(&row), JOB_LANE_RUNNING);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_unfinished_job_can_be_cancelled),
    cmocka_unit_test(what_ended_without_success_can_be_retried),
    cmocka_unit_test(a_retry_begins_anew_but_for_the_attempt_number),
    cmocka_unit_test(waiting_jobs_expire_when_their_time_has_come),
    cmocka_unit_test(no_other_job_expires),
    cmocka_unit_test(a_job_with_blockers_starts_its_life_blocked),
    cmocka_unit_test(the_last_blocker_makes_a_job_ready),
    cmocka_unit_test(an_unblocked_job_still_waits_for_its_time),
    cmocka_unit_test(only_a_blocked_job_can_be_unblocked),
    cmocka_unit_test(a_held_job_stands_aside_in_the_order_it_would_run),
    cmocka_unit_test(each_move_lets_a_held_job_go),
    cmocka_unit_test(an_ended_job_settles_first),
};

UNIT_TEST_MAIN(tests)
