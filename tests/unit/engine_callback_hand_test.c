// engine_callback_hand - callbacks, and the jobs that they tell about, tried again by hand.
#include "unit/engine_callbacks.h"

// The callback of a job that succeeded has failed for good.
static job_row failed_callback(int64_t retention_us, job_row *parent)
{
    engine_new_job fresh = job_with(callback_on(NULL, 0));
    fresh.row.policy.retention_us = retention_us;
    *parent = submit_new(fresh);
    finish_and_find(parent);
    job_row row = lease_callback(2)->assignments[0].row;
    report(2, 1, failure(&row, false));
    return row;
}

static void a_callback_tried_again_by_hand_keeps_its_parent_again(void **state)
{
    (void) state;
    job_row parent, callback = failed_callback(SECOND, &parent);
    control(ENGINE_RETRY, &callback.id);
    assert_int_equal(row_of(&parent.id).callbacks_open, 1);
    erig_later(2 * SECOND);
    assert_state(&parent.id, JOB_SUCCEEDED);
    const engine_lease *got = lease_callback(3);
    assert_int_equal(got->assignment_count, 1);
    assert_true(got->assignments[0].parent_result.size > 0);
    report(3, 1, success(&got->assignments[0].row));
    erig_round();
    assert_int_equal(row_of(&parent.id).seq, 0);  // its time has come meanwhile
}

static void two_callbacks_and_one_tried_again_are_counted(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    parent = lease_one(1, 1);
    report(1, 1, failure(&parent, false));
    job_row first = lease_callback(2)->assignments[0].row;
    report(2, 1, failure(&first, false));
    control(ENGINE_RETRY, &first.id);
    control(ENGINE_CANCEL, &first.id);
    control(ENGINE_RETRY, &first.id);
    assert_int_equal(row_of(&parent.id).callbacks_open, 1);
    job_row row = row_of(&first.id);
    assert_int_equal(control_many(ENGINE_DELETE, &row, 1), 1);
    assert_int_equal(row_of(&parent.id).callbacks_open, 0);
}

static void a_callback_whose_parent_is_gone_can_not_be_tried_again(void **state)
{
    (void) state;
    job_row parent, callback = failed_callback(0, &parent);
    erig_round();
    assert_int_equal(row_of(&parent.id).seq, 0);
    erig_failed(control_post(ENGINE_RETRY, &callback.id, 0), STATUS_FAILED_PRECONDITION);
}

static void a_callback_of_a_deleted_job_can_not_be_tried_again(void **state)
{
    (void) state;
    job_row parent, callback = failed_callback(SECOND, &parent);
    control(ENGINE_DELETE, &parent.id);
    erig_failed(control_post(ENGINE_RETRY, &callback.id, 0), STATUS_FAILED_PRECONDITION);
    callback = row_of(&callback.id);
    assert_int_equal(control_many(ENGINE_RETRY, &callback, 1), 0);
    assert_state(&callback.id, JOB_FAILED);
}

// Otherwise it would tell of a job that runs, or a second time of its new end.
static void a_job_tried_again_by_hand_is_told_of_at_its_new_end_only(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row parent = lease_one(1, 1);
    store_job *found;
    report(1, 1, failure(&parent, false));
    assert_int_equal(callbacks_of(&parent, &found), 1);
    uuid first = found[0].row.id;
    erig_pass(SECOND);
    control(ENGINE_RETRY, &parent.id);
    assert_int_equal(lease_callback(2)->assignment_count, 0);
    assert_state(&first, JOB_CANCELLED);
    assert_int_equal(row_of(&parent.id).callbacks_open, 0);
    parent = lease_one(3, 1);
    report(3, 1, success(&parent));
    const engine_lease *got = lease_callback(4);
    assert_int_equal(got->assignment_count, 1);
    assert_false(uuid_equal(&got->assignments[0].row.id, &first));
    assert_int_equal(got->assignments[0].parent_row.state, JOB_SUCCEEDED);
    erig_failed(control_post(ENGINE_RETRY, &first, 0), STATUS_FAILED_PRECONDITION);
}

// The job that a worker holds, and the one that is about to be handed out, are counted for too.
static void the_callbacks_of_a_job_that_runs_again_are_counted(void **state)
{
    (void) state;
    store_job *found;
    job_row first = submit_wanting_callback();
    first = lease_one(1, 1);
    report(1, 1, failure(&first, false));
    assert_int_equal(callbacks_of(&first, &found), 1);
    uuid callback = found[0].row.id;
    queue_pause(JOB_CALLBACK_QUEUE, true);
    control(ENGINE_RETRY, &first.id);
    first = lease_one(1, 2);
    control(ENGINE_DELETE, &callback);
    report(1, 2, success(&first));
    assert_int_equal(row_of(&first.id).callbacks_open, 1);
}

static void a_job_is_handed_out_beside_a_callback_of_its_former_end(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row job = lease_one(1, 1);
    report(1, 1, failure(&job, false));
    erig_pass(SECOND);
    control(ENGINE_RETRY, &job.id);
    const engine_lease *got = lease_now(2, 1, 10);
    assert_leased(got, &job);
    assert_int_equal(row_of(&job.id).callbacks_open, 0);
    report(2, 1, success(&got->assignments[0].row));
    assert_int_equal(row_of(&job.id).callbacks_open, 1);
}

// All in one round, at one time of the clock.
static void two_ends_in_a_round_are_told_apart(void **state)
{
    (void) state;
    job_row job = submit_wanting_callback();
    queue_pause(JOB_CALLBACK_QUEUE, true);
    erig_hold();
    control_post(ENGINE_CANCEL, &job.id, 0);
    control_post(ENGINE_RETRY, &job.id, 0);
    call *last = control_post(ENGINE_CANCEL, &job.id, 0);
    erig_release();
    erig_fine(last);
    store_job *found;
    assert_int_equal(callbacks_of(&job, &found), 2);
    queue_pause(JOB_CALLBACK_QUEUE, false);
    const engine_lease *got = lease_now(2, 1, 10);
    assert_int_equal(got->assignment_count, 1);
    assert_int_equal(row_of(&job.id).callbacks_open, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_callback_tried_again_by_hand_keeps_its_parent_again,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(two_callbacks_and_one_tried_again_are_counted, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_whose_parent_is_gone_can_not_be_tried_again,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_of_a_deleted_job_can_not_be_tried_again, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_callbacks_of_a_job_that_runs_again_are_counted, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_is_handed_out_beside_a_callback_of_its_former_end,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_tried_again_by_hand_is_told_of_at_its_new_end_only,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(two_ends_in_a_round_are_told_apart, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
