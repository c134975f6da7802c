// engine_callback - the end of a job makes another job that tells about it.
#include "unit/engine_life.h"

static Errand__V1__Callback *callback_on(const Errand__V1__Job__State *states, size_t count)
{
    Errand__V1__Callback *callback = arena_alloc(erig.memory, sizeof *callback);
    errand__v1__callback__init(callback);
    callback->url = text("http://localhost/sink");
    callback->on = (Errand__V1__Job__State *) (uintptr_t) states;
    callback->n_on = count;
    return callback;
}

static engine_new_job job_with(Errand__V1__Callback *callback)
{
    Errand__V1__Job job = job_for("q", "k");
    job.callback = callback;
    return new_job(&job);
}

static job_row submit_wanting_callback(void)
{
    return submit_new(job_with(callback_on(NULL, 0)));
}

// All jobs but this one.
static size_t callbacks_of(const job_row *parent, store_job **ret)
{
    store_job *all;
    size_t count = read_all(&all), found = 0;
    *ret = arena_alloc(erig.memory, (count + 1) * sizeof **ret);
    for (size_t i = 0; i < count; i++)
        if (all[i].row.parent_seq == parent->seq)
            (*ret)[found++] = all[i];
    return found;
}

// The job has succeeded; returns its callback.
static store_job finish_and_find(job_row *parent)
{
    store_job *found;
    *parent = lease_one(1, 1);
    report(1, 1, success(parent));
    assert_int_equal(callbacks_of(parent, &found), 1);
    return found[0];
}

static const engine_lease *lease_callback(uint8_t worker)
{
    static char *queues[1];
    call *c = lease_call(worker, 1, 1, 0);
    queues[0] = text(JOB_CALLBACK_QUEUE);
    c->worker.queues = queues;
    c->worker.n_queues = 1;
    return &erig_fine(erig_post(c))->lease;
}

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

// ---- by hand ----

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
};

UNIT_TEST_MAIN(tests)
