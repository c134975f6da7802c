// engine_due - what the clock brings: jobs become ready, leases run out, finished jobs are purged.
#include "unit/engine_calls.h"

#define LEASE (30 * SECOND)

static job_row submit_at(int64_t due_us)
{
    Errand__V1__Job job = job_for("q", "k");
    engine_new_job fresh = new_job(&job);
    fresh.row.due_us = due_us;
    return submit_new(fresh);
}

// ---- scheduled jobs ----

static void a_scheduled_job_becomes_ready_in_time(void **state)
{
    (void) state;
    job_row job = submit_at(T0 + 10 * SECOND);
    call *waiting = lease_post(1, 1, 1, 60 * SECOND);
    erig_later(10 * SECOND - 1);
    assert_state(&job.id, JOB_SCHEDULED);
    assert_false(erig_is_done(waiting));
    erig_later(1);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
}

static void many_jobs_due_at_once_all_become_ready(void **state)
{
    (void) state;
    enum { MANY = 1000 };
    engine_new_job *jobs = arena_alloc(erig.memory, MANY * sizeof *jobs);
    Errand__V1__Job job = job_for("q", "k");
    for (int i = 0; i < MANY; i++) {
        jobs[i] = new_job(&job);
        jobs[i].row.due_us = T0 + SECOND;
    }
    erig_fine(submit_post(jobs, MANY));
    erig_pass(SECOND);
    for (int i = 0; i < 10; i++)
        erig_round();  // in steps, so that nobody waits for all of them
    assert_int_equal(lease_now(1, 1, MANY)->assignment_count, MANY);
}

static void the_wall_clock_never_goes_back(void **state)
{
    (void) state;
    submit("q", "k");
    erig_later(10 * SECOND);
    submit("q", "k");
    atomic_store(&erig.wall_us, T0 - 3600 * SECOND);
    Errand__V1__Job job = job_for("q", "k");
    job_row late = submit_new(new_job(&job));
    assert_int_equal(late.create_us, T0 + 10 * SECOND);
    assert_int_equal(late.state, JOB_READY);
}

static void a_jump_of_the_wall_clock_ends_no_lease(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    atomic_fetch_add(&erig.wall_us, 86400 * SECOND);
    erig_round();
    assert_state(&job.id, JOB_RUNNING);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
}

// ---- leases that run out ----

static void a_lost_lease_is_counted_apart(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    erig_later(LEASE - 1);
    assert_state(&job.id, JOB_RUNNING);
    erig_later(1);
    job = row_of(&job.id);
    assert_int_equal(job.state, JOB_READY);
    assert_int_equal(job.losses, 1);
    assert_int_equal(job.failures, 0);
    store_job stored = read_job(&job.id);
    assert_int_equal(attempt_of(&stored, 0)->error->code, ERRAND__RPC__V1__CODE__UNAVAILABLE);
}

static void the_third_lost_lease_is_poison(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    for (int i = 1; i <= 3; i++) {
        lease_one((uint8_t) i, 1);
        erig_later(LEASE);
        assert_state(&job.id, i < 3 ? JOB_READY : JOB_FAILED);
    }
    store_job stored = read_job(&job.id);
    assert_int_equal(stored.row.losses, 3);
    assert_int_equal(stored.row.failures, 0);
    assert_int_equal(stored.attempt_count, 3);
    assert_non_null(strstr(attempt_of(&stored, 2)->error->message, "poison"));
}

static void a_lost_job_goes_to_a_parked_worker_at_once(void **state)
{
    (void) state;
    submit("q", "k");
    lease_one(1, 1);
    call *waiting = lease_post(2, 1, 1, 60 * SECOND);
    assert_waits(waiting);
    erig_later(LEASE);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
    assert_int_equal(waiting->lease.assignments[0].row.attempt, 2);
}

static void an_attempt_that_takes_too_long_fails_after_the_grace(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("q", "k");
    engine_new_job fresh = new_job(&spec);
    fresh.row.policy.attempt_timeout_us = 40 * SECOND;
    submit_new(fresh);
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    erig_later(20 * SECOND);
    heartbeat(1, &ref, 1, 0);
    erig_later(25 * SECOND - 1);  // 40 s and 5 s of grace since the lease
    heartbeat(1, &ref, 1, 0);
    assert_state(&job.id, JOB_RUNNING);
    erig_later(1);
    store_job stored = read_job(&job.id);
    assert_int_equal(stored.row.state, JOB_SCHEDULED);
    assert_int_equal(stored.row.failures, 1);
    assert_int_equal(stored.row.losses, 0);
    assert_int_equal(attempt_of(&stored, 0)->error->code, ERRAND__RPC__V1__CODE__DEADLINE_EXCEEDED);
    assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 1);
}

static void a_last_attempt_that_takes_too_long_ends_the_job(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("q", "k");
    engine_new_job fresh = new_job(&spec);
    fresh.row.policy.attempt_timeout_us = SECOND;
    fresh.row.policy.max_attempts = 1;
    job_row job = submit_new(fresh);
    call *waiting = wait_post(&job.id, 60 * SECOND);
    lease_one(1, 1);
    erig_later(6 * SECOND);
    assert_int_equal(erig_fine(waiting)->wait.row.state, JOB_FAILED);
}

// ---- retention ----

static void a_finished_job_is_purged_with_its_result(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    erig_later(job.policy.retention_us - 1);
    assert_int_equal(row_of(&job.id).seq, job.seq);
    erig_later(1);
    assert_int_equal(row_of(&job.id).seq, 0);
    erig_halt();  // then its store is ours
    slice result;
    rig_ok(erig.store->ops->load_result(erig.store, job.seq, erig.memory, &result));
    assert_int_equal(result.size, 0);
    assert_int_equal(erig.store->ops->count(erig.store, job.route, JOB_SUCCEEDED), 0);
}

static void a_job_with_no_retention_is_purged_when_it_ends(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("q", "k");
    engine_new_job fresh = new_job(&spec);
    fresh.row.policy.retention_us = 0;
    job_row job = submit_new(fresh);
    call *waiting = wait_post(&job.id, 60 * SECOND);
    job = lease_one(1, 1);
    report(1, 1, success(&job));
    assert_int_equal(erig_fine(waiting)->wait.row.state, JOB_SUCCEEDED);
    erig_round();
    assert_int_equal(row_of(&job.id).seq, 0);
}

static void an_unfinished_job_is_never_purged(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    erig_later(100 * (86400 * SECOND));
    assert_state(&job.id, JOB_READY);
}

static void the_id_of_a_purged_job_is_free_again(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("q", "k");
    engine_new_job first = new_job(&spec), again = new_job(&spec);
    again.row.id = first.row.id;
    submit_new(first);
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    erig_later(job.policy.retention_us);
    assert_true(submit_new(again).seq > job.seq);
}

// ---- the system's own clock ----

static int start_with_the_system_clock(void **state)
{
    (void) state;
    erig_prepare();
    erig_take_system_clock();
    erig.options.lease_us = 20000;
    erig_run();
    return 0;
}

static void nobody_has_to_ask_for_what_the_clock_brings(void **state)
{
    (void) state;
    job_row job = submit_at(clock_wall_us(clock_system()) + SECOND / 5);
    assert_int_equal(erig_fine(lease_post(1, 1, 1, 20 * SECOND))->lease.assignment_count, 1);
    // The worker vanishes: after its lease another one gets the job.
    call *other = erig_fine(lease_post(2, 1, 1, 20 * SECOND));
    assert_int_equal(other->lease.assignment_count, 1);
    assert_int_equal(other->lease.assignments[0].row.losses, 1);
    erig_fine(wait_post(&job.id, 20000));  // at its deadline, or when the job has ended
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_scheduled_job_becomes_ready_in_time, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(many_jobs_due_at_once_all_become_ready, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_wall_clock_never_goes_back, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_jump_of_the_wall_clock_ends_no_lease, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lost_lease_is_counted_apart, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_third_lost_lease_is_poison, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lost_job_goes_to_a_parked_worker_at_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_attempt_that_takes_too_long_fails_after_the_grace,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_last_attempt_that_takes_too_long_ends_the_job, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_finished_job_is_purged_with_its_result, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_with_no_retention_is_purged_when_it_ends, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_unfinished_job_is_never_purged, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_id_of_a_purged_job_is_free_again, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(nobody_has_to_ask_for_what_the_clock_brings,
                                    start_with_the_system_clock, erig_stop),
};

UNIT_TEST_MAIN(tests)
