// engine_restart - the server goes down and comes up again over the same folder.
#include "unit/engine_callbacks.h"

#define LEASE (30 * SECOND)

static void jobs_that_wait_are_still_there_once(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("q", "k");
    engine_new_job later = new_job(&spec);
    later.row.due_us = T0 + 10 * SECOND;
    job_row ready = submit("q", "k"), scheduled = submit_new(later);
    erig_restart();
    job_row row = row_of(&ready.id);
    rig_assert_same_row(&row, &ready);
    row = row_of(&scheduled.id);
    rig_assert_same_row(&row, &scheduled);
    store_job *all;
    assert_int_equal(read_all(&all), 2);
    assert_int_equal(lease_now(1, 1, 10)->assignment_count, 1);
    erig_later(10 * SECOND);
    assert_int_equal(lease_now(1, 2, 10)->assignment_count, 1);
}

static void what_became_due_meanwhile_is_done_at_the_start(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("q", "k");
    engine_new_job fresh = new_job(&spec);
    fresh.row.due_us = T0 + 10 * SECOND;
    job_row job = submit_new(fresh);
    erig_pass(10 * SECOND);
    erig_restart();
    assert_int_equal(lease_one(1, 1).seq, job.seq);
}

static void new_numbers_go_on_after_the_old_ones(void **state)
{
    (void) state;
    job_row before = submit("q", "k");
    erig_restart();
    job_row after = submit("q", "k");
    assert_true(after.seq > before.seq);
    assert_int_equal(after.route, before.route);
}

static void a_running_job_keeps_its_token(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    erig_restart();
    assert_int_equal(lease_now(2, 1, 1)->assignment_count, 0);
    assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 0);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
    assert_state(&job.id, JOB_SUCCEEDED);
}

static void a_running_job_gets_a_full_fresh_lease(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    erig_pass(LEASE - 1);
    erig_restart();
    erig_later(LEASE - 1);
    assert_state(&job.id, JOB_RUNNING);
    erig_later(1);
    assert_state(&job.id, JOB_READY);
}

static void a_lease_lost_by_the_restart_counts_against_nobody(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    for (int i = 1; i <= 5; i++) {
        lease_one((uint8_t) i, 1);
        erig_pass(SECOND);
        erig_restart();
        erig_later(LEASE);
        job = row_of(&job.id);
        assert_int_equal(job.state, JOB_READY);
        assert_int_equal(job.losses + job.failures, 0);
        assert_int_equal(job.attempt, i);
    }
}

static void a_renewed_lease_from_before_counts_again_when_it_is_lost(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    erig_restart();
    heartbeat(1, &ref, 1, 0);
    erig_later(LEASE);
    assert_int_equal(row_of(&job.id).losses, 1);
}

static void a_lease_from_after_the_start_counts_when_it_is_lost(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    erig_restart();  // in the same microsecond
    lease_one(1, 1);
    erig_later(LEASE);
    assert_int_equal(row_of(&job.id).losses, 1);
}

static void the_attempt_timeout_goes_on_over_a_restart(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("q", "k");
    engine_new_job fresh = new_job(&spec);
    fresh.row.policy.attempt_timeout_us = 60 * SECOND;
    submit_new(fresh);
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    erig_later(20 * SECOND);
    erig_restart();
    erig_later(20 * SECOND);
    heartbeat(1, &ref, 1, 0);
    erig_later(24 * SECOND);
    heartbeat(1, &ref, 1, 0);
    assert_state(&job.id, JOB_RUNNING);
    erig_later(SECOND);  // 60 s and 5 s of grace since the lease
    assert_int_equal(row_of(&job.id).failures, 1);
}

static void an_answer_that_got_lost_is_given_again(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    job_row job = lease_one(1, 4);
    erig_restart();
    const engine_lease *again = lease_now(1, 4, 1);
    assert_int_equal(again->assignment_count, 1);
    assert_int_equal(again->assignments[0].row.seq, job.seq);
    assert_int_equal(lease_now(1, 3, 1)->assignment_count, 0);
}

static void the_outcome_sequence_is_remembered(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    job_row first = lease_one(1, 1), second = lease_one(1, 2);
    report(1, 1, success(&first));
    erig_restart();
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.acked_outcome_sequence, 1);
    const engine_outcomes *again = report(1, 1, success(&first));
    assert_int_equal(again->accepted, 0);
    assert_int_equal(report(1, 3, success(&second))->acked_outcome_sequence, 1);
    assert_state(&second.id, JOB_RUNNING);
    assert_int_equal(report(1, 2, success(&second))->acked_outcome_sequence, 2);
    assert_state(&second.id, JOB_SUCCEEDED);
}

// A worker that had reported nothing pushes 1 and 2, and 1 is lost with the connection.
static void an_early_batch_is_early_after_a_restart_too(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    const engine_lease *got = lease_now(1, 1, 2);
    job_row first = got->assignments[0].row, second = got->assignments[1].row;
    erig_restart();
    assert_int_equal(report(1, 2, success(&second))->acked_outcome_sequence, 0);
    assert_int_equal(report(1, 1, success(&first))->acked_outcome_sequence, 1);
    assert_int_equal(report(1, 2, success(&second))->acked_outcome_sequence, 2);
    assert_state(&first.id, JOB_SUCCEEDED);
    assert_state(&second.id, JOB_SUCCEEDED);
}

static void a_callback_under_way_is_still_there_once(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row parent = lease_one(1, 1);
    report(1, 1, success(&parent));
    erig_restart();
    job_row row = lease_one(2, 1);
    assert_int_equal(row.parent_seq, parent.seq);
    assert_int_equal(row_of(&parent.id).callbacks_open, 1);
    report(2, 1, success(&row));
    assert_int_equal(row_of(&parent.id).callbacks_open, 0);
    store_job *all;
    assert_int_equal(read_all(&all), 2);
}

static void all_running_jobs_are_taken_up_although_the_cap_is_lower_now(void **state)
{
    (void) state;
    enum { MANY = 1200 };
    engine_new_job *jobs = arena_alloc(erig.memory, MANY * sizeof *jobs);
    engine_outcome *outcomes = arena_alloc(erig.memory, MANY * sizeof *outcomes);
    Errand__V1__Job job = job_for("q", "k");
    for (int i = 0; i < MANY; i++)
        jobs[i] = new_job(&job);
    erig_fine(submit_post(jobs, MANY));
    const engine_lease *got = lease_now(1, 1, MANY);
    for (int i = 0; i < MANY; i++)
        outcomes[i] = success(&got->assignments[i].row);
    erig.options.max_leases = 1;
    erig_restart();
    call *c = erig_fine(erig_post(outcomes_call(1, 1, outcomes, MANY)));
    assert_int_equal(c->outcomes.accepted, MANY);
}

// ---- the worker that lives and dies with the server ----

static uuid own_worker;

static int start_with_own_worker(void **state)
{
    (void) state;
    own_worker = worker_id(1);
    erig_prepare();
    erig.options.own_workers = &own_worker;
    erig.options.own_worker_count = 1;
    erig_run();
    return 0;
}

static void the_own_workers_jobs_go_back_at_once(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    job_row own = lease_one(1, 1), remote = lease_one(2, 1);
    erig_pass(SECOND);
    erig_restart();
    own = row_of(&own.id);
    assert_int_equal(own.state, JOB_READY);
    assert_int_equal(own.losses + own.failures, 0);
    assert_state(&remote.id, JOB_RUNNING);
    assert_int_equal(lease_one(1, 1).attempt, 2);
}

static void the_own_worker_counts_its_outcomes_anew(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    erig_pass(SECOND);
    erig_restart();
    job = lease_one(1, 1);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
    assert_state(&job.id, JOB_SUCCEEDED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(jobs_that_wait_are_still_there_once, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(what_became_due_meanwhile_is_done_at_the_start, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(new_numbers_go_on_after_the_old_ones, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_running_job_keeps_its_token, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_running_job_gets_a_full_fresh_lease, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_lost_by_the_restart_counts_against_nobody, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_renewed_lease_from_before_counts_again_when_it_is_lost,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_from_after_the_start_counts_when_it_is_lost, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_attempt_timeout_goes_on_over_a_restart, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_answer_that_got_lost_is_given_again, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_outcome_sequence_is_remembered, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_early_batch_is_early_after_a_restart_too, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_under_way_is_still_there_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(all_running_jobs_are_taken_up_although_the_cap_is_lower_now,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_own_workers_jobs_go_back_at_once, start_with_own_worker,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_own_worker_counts_its_outcomes_anew, start_with_own_worker,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
