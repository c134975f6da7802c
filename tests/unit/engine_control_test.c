// engine_control - jobs cancelled, retried and deleted by hand, alone and together.
#include "unit/engine_life.h"

static job_row submit_due(int64_t due_us)
{
    engine_new_job job = fresh_job();
    job.row.due_us = due_us;
    return submit_new(job);
}

// ---- cancel ----

static void a_job_that_waits_is_cancelled(void **state)
{
    (void) state;
    job_row ready = submit("q", "k"), scheduled = submit_due(T0 + LONG);
    job_row blocked = submit_after(&ready);
    assert_int_equal(control(ENGINE_CANCEL, &blocked.id).state, JOB_CANCELLED);
    assert_int_equal(control(ENGINE_CANCEL, &scheduled.id).state, JOB_CANCELLED);
    assert_int_equal(control(ENGINE_CANCEL, &ready.id).state, JOB_CANCELLED);
    assert_state(&ready.id, JOB_CANCELLED);
    assert_int_equal(lease_count(1, 1, 9), 0);
}

static void cancelling_what_has_ended_changes_nothing(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    job_row before = row_of(&job.id), after = control(ENGINE_CANCEL, &job.id);
    rig_assert_same_row(&before, &after);
}

static void a_cancelled_attempt_can_not_change_the_job(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    control(ENGINE_CANCEL, &job.id);
    engine_outcome outcome = success(&job);
    call *c = outcomes_call(1, 1, &outcome, 1);
    c->outcomes.report = true;
    erig_fine(erig_post(c));
    assert_int_equal(c->outcomes.accepted, 0);
    assert_int_equal(c->outcomes.rejected_count, 1);
    assert_state(&job.id, JOB_CANCELLED);
}

static void a_parked_worker_is_told_of_a_cancellation_at_once(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    call *asking = lease_post(1, 2, 1, LONG);
    assert_waits(asking);
    control(ENGINE_CANCEL, &job.id);
    erig_fine(asking);
    engine_lease_ref ref = ref_of(&job);
    assert_int_equal(asking->lease.notices.cancel_count, 1);
    assert_memory_equal(&asking->lease.notices.cancel[0], &ref, sizeof ref);
}

static void a_worker_is_told_until_it_stops_naming_the_job(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    control(ENGINE_CANCEL, &job.id);
    for (int i = 0; i < 3; i++) {
        const engine_heartbeat *told = heartbeat(1, &ref, 1, 0);
        assert_int_equal(told->notices.cancel_count, 1);
        assert_int_equal(told->lost_count, 0);
    }
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.cancel_count, 0);
    assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 1);
}

static void a_heartbeat_from_before_the_assignment_does_not_end_the_telling(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 5);
    control(ENGINE_CANCEL, &job.id);
    assert_int_equal(heartbeat(1, NULL, 0, 4)->notices.cancel_count, 1);
    assert_int_equal(heartbeat(1, NULL, 0, 5)->notices.cancel_count, 0);
}

static void an_unknown_job_is_not_found(void **state)
{
    (void) state;
    uuid id = uuid_new_v7(T0);
    erig_failed(control_post(ENGINE_CANCEL, &id, 0), STATUS_NOT_FOUND);
    erig_failed(control_post(ENGINE_RETRY, &id, 0), STATUS_NOT_FOUND);
    erig_failed(control_post(ENGINE_DELETE, &id, 0), STATUS_NOT_FOUND);
}

// ---- retry ----

static void a_failed_job_runs_again_when_it_is_retried(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, failure(&job, false));
    assert_state(&job.id, JOB_FAILED);
    call *asking = lease_post(1, 2, 1, LONG);
    assert_waits(asking);
    control(ENGINE_RETRY, &job.id);
    erig_fine(asking);
    assert_leased(&asking->lease, &job);
    assert_int_equal(asking->lease.assignments[0].row.attempt, 2);
    assert_int_equal(asking->lease.assignments[0].row.failures, 0);
}

static void only_what_failed_is_retried(void **state)
{
    (void) state;
    job_row waiting = submit("q", "k");
    erig_failed(control_post(ENGINE_RETRY, &waiting.id, 0), STATUS_FAILED_PRECONDITION);
    job_row job = lease_one(1, 1);
    erig_failed(control_post(ENGINE_RETRY, &job.id, 0), STATUS_FAILED_PRECONDITION);
    report(1, 1, success(&job));
    erig_failed(control_post(ENGINE_RETRY, &job.id, 0), STATUS_FAILED_PRECONDITION);
}

static void the_same_retry_twice_is_one(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    control(ENGINE_CANCEL, &job.id);
    erig_fine(control_post(ENGINE_RETRY, &job.id, 77));
    control(ENGINE_CANCEL, &job.id);
    call *again = erig_fine(control_post(ENGINE_RETRY, &job.id, 77));
    assert_int_equal(again->control.row.state, JOB_CANCELLED);
    erig_fine(control_post(ENGINE_RETRY, &job.id, 78));
    assert_state(&job.id, JOB_READY);
}

// ---- delete ----

static void a_deleted_job_is_gone_and_its_waiters_are_told(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *waiter = wait_post(&job.id, LONG);
    assert_waits(waiter);
    control(ENGINE_DELETE, &job.id);
    erig_failed(waiter, STATUS_NOT_FOUND);
    erig_failed(control_post(ENGINE_DELETE, &job.id, 0), STATUS_NOT_FOUND);
    assert_int_equal(lease_count(1, 1, 9), 0);
}

static void a_running_job_is_not_deleted(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    erig_failed(control_post(ENGINE_DELETE, &job.id, 0), STATUS_FAILED_PRECONDITION);
    assert_state(&job.id, JOB_RUNNING);
}

// ---- many ----

static int64_t control_those_in(job_state state, engine_control_type type, const job_row *rows,
                                size_t count)
{
    call *c = erig_call(ENGINE_CONTROL_MANY);
    c->many.type = type;
    c->many.rows = rows;
    c->many.count = count;
    c->many.states = 1u << state;
    return erig_fine(erig_post(c))->many.done;
}

static void many_are_changed_but_for_those_that_left_the_state_asked_for(void **state)
{
    (void) state;
    job_row rows[3];
    for (int i = 0; i < 3; i++)
        rows[i] = submit("q", "k");
    lease_one(1, 1);
    assert_int_equal(control_those_in(JOB_READY, ENGINE_CANCEL, rows, 3), 2);
    assert_state(&rows[0].id, JOB_RUNNING);
    assert_state(&rows[1].id, JOB_CANCELLED);
    assert_int_equal(control_many(ENGINE_RETRY, rows, 3), 2);
    assert_int_equal(control_those_in(JOB_CANCELLED, ENGINE_DELETE, rows, 3), 0);
    assert_int_equal(control_many(ENGINE_DELETE, rows, 3), 2);
    assert_int_equal(row_of(&rows[2].id).seq, 0);
}

// Whoever asks for all of a queue means those that have just been handed out too.
static void many_are_cancelled_though_they_have_started_meanwhile(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    lease_one(1, 1);
    assert_int_equal(control_many(ENGINE_CANCEL, &job, 1), 1);
    assert_state(&job.id, JOB_CANCELLED);
}

static void a_job_named_twice_is_changed_once(void **state)
{
    (void) state;
    job_row rows[2] = {submit("q", "k")};
    rows[1] = rows[0];
    assert_int_equal(control_many(ENGINE_CANCEL, rows, 2), 1);
    assert_int_equal(control_many(ENGINE_DELETE, rows, 2), 1);
}

// From the newest to the oldest, as they are listed.
static void many_are_deleted_but_for_those_that_have_started_or_gone_meanwhile(void **state)
{
    (void) state;
    enum { MANY = 300 };
    static job_row rows[MANY];
    for (int i = 0; i < MANY; i++)
        rows[MANY - 1 - i] = submit("q", "k");
    lease_one(1, 1);
    assert_int_equal(control_many(ENGINE_DELETE, &rows[50], 1), 1);
    assert_int_equal(control_many(ENGINE_DELETE, rows, MANY), MANY - 2);
    for (int i = 0; i < MANY - 1; i++)
        assert_int_equal(row_of(&rows[i].id).seq, 0);
    assert_state(&rows[MANY - 1].id, JOB_RUNNING);
}

// They were read before another job named one of them in its `after`.
static void many_are_deleted_and_those_that_wait_for_one_of_them_are_told(void **state)
{
    (void) state;
    job_row rows[3];
    for (int i = 0; i < 3; i++)
        rows[2 - i] = submit("q", "k");
    job_row waiting = submit_after(&rows[1]);
    assert_int_equal(control_many(ENGINE_DELETE, rows, 3), 3);
    erig_round();
    assert_state(&waiting.id, JOB_CANCELLED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(row_of(&rows[i].id).seq, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(
        many_are_deleted_but_for_those_that_have_started_or_gone_meanwhile, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(many_are_deleted_and_those_that_wait_for_one_of_them_are_told,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_waits_is_cancelled, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(cancelling_what_has_ended_changes_nothing, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_cancelled_attempt_can_not_change_the_job, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_is_told_of_a_cancellation_at_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_is_told_until_it_stops_naming_the_job, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_heartbeat_from_before_the_assignment_does_not_end_the_telling,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_unknown_job_is_not_found, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_failed_job_runs_again_when_it_is_retried, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(only_what_failed_is_retried, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_same_retry_twice_is_one, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_deleted_job_is_gone_and_its_waiters_are_told, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_running_job_is_not_deleted, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(many_are_cancelled_though_they_have_started_meanwhile,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(many_are_changed_but_for_those_that_left_the_state_asked_for,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_named_twice_is_changed_once, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
