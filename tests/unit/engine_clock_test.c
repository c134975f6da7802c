// engine_clock - a wall clock that is set back or forward: nothing stands still, nothing is lost.
#include "unit/engine_calls.h"

#define HOUR (3600 * SECOND)

static job_row submit_due(int64_t due_us, int64_t delay_us)
{
    Errand__V1__Job job = job_for("q", "k");
    engine_new_job fresh = new_job(&job);
    fresh.row.due_us = due_us;
    fresh.delay_us = delay_us;
    return submit_new(fresh);
}

static void set_back(int64_t us)
{
    atomic_fetch_sub(&erig.wall_us, us);
}

static void a_scheduled_job_is_due_in_time_after_the_clock_was_set_back(void **state)
{
    (void) state;
    job_row job = submit_due(T0 + 10 * SECOND, 0);
    set_back(HOUR);
    erig_later(9 * SECOND);
    assert_state(&job.id, JOB_SCHEDULED);
    erig_later(SECOND);
    assert_state(&job.id, JOB_READY);
}

static void a_retry_is_due_in_time_after_the_clock_was_set_back(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    set_back(HOUR);
    engine_outcome outcome = failure(&job, true);
    outcome.retry_after_us = 5 * SECOND;
    report(1, 1, outcome);
    assert_state(&job.id, JOB_SCHEDULED);
    erig_later(5 * SECOND);
    assert_state(&job.id, JOB_READY);
}

static void time_goes_on_from_what_was_stored_when_the_clock_is_behind(void **state)
{
    (void) state;
    submit("q", "k");
    set_back(HOUR);
    erig_restart();
    erig_later(10 * SECOND);
    int64_t now_us = submit("q", "k").create_us;
    assert_true(now_us >= T0 + 10 * SECOND);
    assert_true(now_us < T0 + 11 * SECOND);
}

static void a_clock_that_is_right_again_is_followed(void **state)
{
    (void) state;
    submit("q", "k");
    set_back(HOUR);
    erig_later(10 * SECOND);
    atomic_fetch_add(&erig.wall_us, 2 * HOUR);
    assert_int_equal(submit("q", "k").create_us, T0 + HOUR + 10 * SECOND);
}

// The poster's clock is behind the engine's.
static void a_delay_counts_from_when_the_job_is_stored(void **state)
{
    (void) state;
    submit("q", "k");
    set_back(HOUR);
    job_row job = submit_due(T0 - HOUR + 10 * SECOND, 10 * SECOND);
    assert_int_equal(job.state, JOB_SCHEDULED);
    erig_later(9 * SECOND);
    assert_state(&job.id, JOB_SCHEDULED);
    erig_later(SECOND);
    assert_state(&job.id, JOB_READY);
}

// The store knows only the wall time at which the attempt began.
static void a_jump_of_the_clock_shortens_no_attempt_that_is_read_anew(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    atomic_fetch_add(&erig.wall_us, 86400 * SECOND);
    edisk_break(FAULT_COMMIT, 1);
    Errand__V1__Job other = job_for("q", "k");
    engine_new_job refused = new_job(&other);
    erig_failed(submit_post(&refused, 1), STATUS_UNAVAILABLE);
    for (int i = 0; i < 10; i++) {
        erig_later(10 * SECOND);
        assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 0);
    }
    assert_state(&job.id, JOB_RUNNING);
    for (int i = 0; i < 80; i++) {
        erig_later(10 * SECOND);
        heartbeat(1, &ref, 1, 0);
    }
    assert_int_equal(row_of(&job.id).failures, 0);
    erig_later(10 * SECOND);
    assert_int_equal(row_of(&job.id).failures, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_scheduled_job_is_due_in_time_after_the_clock_was_set_back,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_retry_is_due_in_time_after_the_clock_was_set_back, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(time_goes_on_from_what_was_stored_when_the_clock_is_behind,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_clock_that_is_right_again_is_followed, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_jump_of_the_clock_shortens_no_attempt_that_is_read_anew,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_delay_counts_from_when_the_job_is_stored, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
