// engine_callback - the end of a job makes another job that tells about it.
#include "unit/engine_callbacks.h"

static void the_end_of_a_job_makes_its_callback_in_the_same_commit(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row parent = lease_one(1, 1);
    int before = atomic_load(&edisk.committed);
    report(1, 1, success(&parent));
    assert_int_equal(atomic_load(&edisk.committed), before + 1);
    store_job *found;
    assert_int_equal(callbacks_of(&parent, &found), 1);
    assert_int_equal(found[0].row.state, JOB_READY);
    assert_true(uuid_equal(&found[0].parent, &parent.id));
}

static void a_callback_is_a_job_of_its_own_queue(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    store_job callback = finish_and_find(&parent);
    Errand__V1__Job *spec;
    rig_ok(job_spec_decode(callback.spec, erig.memory, &spec));
    assert_string_equal(spec->queue, "callbacks");
    assert_int_equal(spec->input_case, ERRAND__V1__JOB__INPUT_HTTP);
    assert_string_equal(spec->http->url, "http://localhost/sink");
    assert_string_equal(spec->http->method, "POST");
    assert_null(spec->callback);
    assert_false(callback.row.has_callback);
}

static void a_callback_is_leased_with_its_parent(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    store_job callback = finish_and_find(&parent);
    const engine_lease *got = lease_callback(2);
    assert_int_equal(got->assignment_count, 1);
    const engine_assignment *a = &got->assignments[0];
    engine_outcome outcome = success(&parent);
    assert_true(uuid_equal(&a->row.id, &callback.row.id));
    assert_true(a->has_parent);
    assert_true(uuid_equal(&a->parent_row.id, &parent.id));
    assert_int_equal(a->parent_row.state, JOB_SUCCEEDED);
    assert_true(a->parent_spec.size > 0);
    assert_int_equal(a->parent_result.size, outcome.result.size);
    assert_memory_equal(a->parent_result.bytes, outcome.result.bytes, outcome.result.size);
    assert_int_equal(a->parent_attempt.size, 0);
}

static void a_callback_of_a_failure_is_leased_with_the_last_attempt(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row parent = lease_one(1, 1);
    report(1, 1, failure(&parent, false));
    const engine_lease *got = lease_callback(2);
    assert_int_equal(got->assignment_count, 1);
    assert_int_equal(got->assignments[0].parent_row.state, JOB_FAILED);
    assert_int_equal(got->assignments[0].parent_result.size, 0);
    assert_true(got->assignments[0].parent_attempt.size > 0);
}

static void a_parked_worker_gets_the_callback_in_the_round_of_the_end(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row parent = lease_one(1, 1);
    call *waiting = lease_post(2, 1, 1, 60 * SECOND);
    assert_waits(waiting);
    report(1, 1, success(&parent));
    assert_int_equal(erig_fine(waiting)->lease.assignments[0].row.parent_seq, parent.seq);
}

// Nobody who waits for jobs would look again by himself.
static void a_parked_worker_gets_the_callback_of_a_job_that_never_ran(void **state)
{
    (void) state;
    queue_pause("q", true);
    job_row cancelled = submit_wanting_callback();
    engine_new_job fresh = job_with(callback_on(NULL, 0));
    fresh.row.expire_us = T0 + SECOND;
    job_row expired = submit_new(fresh);
    call *waiting = lease_post(2, 1, 1, 60 * SECOND);
    assert_waits(waiting);
    control(ENGINE_CANCEL, &cancelled.id);
    assert_int_equal(erig_fine(waiting)->lease.assignments[0].row.parent_seq, cancelled.seq);
    waiting = lease_post(2, 2, 1, 60 * SECOND);
    assert_waits(waiting);
    erig_later(SECOND);
    assert_int_equal(erig_fine(waiting)->lease.assignments[0].row.parent_seq, expired.seq);
}

static void callbacks_age_as_their_queue_says(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.aging_us = SECOND;
    queue_change(JOB_CALLBACK_QUEUE, settings);
    job_row parent = submit_wanting_callback();
    assert_int_equal(finish_and_find(&parent).row.aging_us, SECOND);
}

static void a_retry_makes_no_callback(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row parent = lease_one(1, 1);
    store_job *found;
    report(1, 1, failure(&parent, true));
    assert_int_equal(callbacks_of(&parent, &found), 0);
}

static void states_that_are_not_wanted_make_no_callback(void **state)
{
    (void) state;
    static const Errand__V1__Job__State failed[] = {ERRAND__V1__JOB__STATE__FAILED};
    store_job *found;
    submit_new(job_with(callback_on(failed, 1)));
    job_row parent = lease_one(1, 1);
    report(1, 1, success(&parent));
    assert_int_equal(callbacks_of(&parent, &found), 0);
    submit_new(job_with(callback_on(failed, 1)));
    parent = lease_one(1, 2);
    report(1, 2, failure(&parent, false));
    assert_int_equal(callbacks_of(&parent, &found), 1);
}

static void a_job_that_times_out_for_good_calls_back(void **state)
{
    (void) state;
    engine_new_job fresh = job_with(callback_on(NULL, 0));
    fresh.row.policy.attempt_timeout_us = SECOND;
    fresh.row.policy.max_attempts = 1;
    submit_new(fresh);
    job_row parent = lease_one(1, 1);
    erig_later(6 * SECOND);
    store_job *found;
    assert_int_equal(callbacks_of(&parent, &found), 1);
}

static void a_poisoned_job_calls_back(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    for (int i = 1; i <= 3; i++) {
        lease_one((uint8_t) i, 1);
        erig_later(30 * SECOND);
    }
    store_job *found;
    assert_state(&parent.id, JOB_FAILED);
    assert_int_equal(callbacks_of(&parent, &found), 1);
}

static void a_callback_has_no_callback(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    store_job callback = finish_and_find(&parent);
    job_row row = lease_callback(2)->assignments[0].row;
    report(2, 1, success(&row));
    store_job *all;
    assert_state(&callback.row.id, JOB_SUCCEEDED);
    assert_int_equal(read_all(&all), 2);
}

static void a_parent_is_kept_until_its_callback_has_ended(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    finish_and_find(&parent);
    assert_int_equal(row_of(&parent.id).callbacks_open, 1);
    erig_later(parent.policy.retention_us + SECOND);
    assert_state(&parent.id, JOB_SUCCEEDED);
    job_row row = lease_callback(2)->assignments[0].row;
    assert_int_equal(row.parent_seq, parent.seq);
    report(2, 1, success(&row));
    erig_round();
    assert_int_equal(row_of(&parent.id).seq, 0);  // its time has long come
}

static void a_callback_that_fails_for_good_lets_its_parent_go(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    finish_and_find(&parent);
    job_row row = lease_callback(2)->assignments[0].row;
    report(2, 1, failure(&row, false));
    assert_int_equal(row_of(&parent.id).callbacks_open, 0);
}

static void a_callback_that_is_retried_keeps_its_parent(void **state)
{
    (void) state;
    job_row parent = submit_wanting_callback();
    finish_and_find(&parent);
    job_row row = lease_callback(2)->assignments[0].row;
    report(2, 1, failure(&row, true));
    assert_int_equal(row_of(&parent.id).callbacks_open, 1);
    assert_state(&row.id, JOB_SCHEDULED);
}

static void the_callback_of_a_job_without_retention_still_finds_it(void **state)
{
    (void) state;
    engine_new_job fresh = job_with(callback_on(NULL, 0));
    fresh.row.policy.retention_us = 0;
    job_row parent = submit_new(fresh);
    finish_and_find(&parent);
    erig_later(SECOND);
    const engine_lease *got = lease_callback(2);
    assert_true(got->assignments[0].has_parent);
    assert_true(got->assignments[0].parent_result.size > 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_end_of_a_job_makes_its_callback_in_the_same_commit,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_is_a_job_of_its_own_queue, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_is_leased_with_its_parent, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_of_a_failure_is_leased_with_the_last_attempt,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_gets_the_callback_in_the_round_of_the_end,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_gets_the_callback_of_a_job_that_never_ran,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(callbacks_age_as_their_queue_says, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_retry_makes_no_callback, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(states_that_are_not_wanted_make_no_callback, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_times_out_for_good_calls_back, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_poisoned_job_calls_back, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_has_no_callback, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_parent_is_kept_until_its_callback_has_ended, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_that_fails_for_good_lets_its_parent_go, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_that_is_retried_keeps_its_parent, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_callback_of_a_job_without_retention_still_finds_it,
                                    erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
