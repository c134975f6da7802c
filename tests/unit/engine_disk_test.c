// engine_disk - a disk that refuses: a round happens as a whole or not at all, and all works again
// afterwards.
#include "unit/engine_calls.h"

#define LEASE (30 * SECOND)
#define RETRY SECOND  // after a refusal the engine leaves the disk alone for so long

static void break_disk(fault which, int times)
{
    atomic_store(&erig.faults[which], times);
}

static void assert_whole_again(fault which)
{
    assert_int_equal(atomic_load(&erig.faults[which]), 0);
}

static engine_new_job any_job(void)
{
    Errand__V1__Job job = job_for("q", "k");
    return new_job(&job);
}

// ---- submits ----

static void a_submit_that_is_refused_leaves_nothing(void **state)
{
    (void) state;
    static const fault faults[] = {FAULT_BEGIN, FAULT_INSERT, FAULT_COMMIT, FAULT_FIND};
    for (size_t i = 0; i < COUNT(faults); i++) {
        engine_new_job job = any_job();
        break_disk(faults[i], 1);
        erig_failed(submit_post(&job, 1), STATUS_UNAVAILABLE);
        assert_null(job.failure);
        assert_whole_again(faults[i]);
        assert_int_equal(row_of(&job.row.id).seq, 0);
        erig_fine(submit_post(&job, 1));
        assert_false(job.duplicate);
        store_job *all;
        assert_int_equal(read_all(&all), i + 1);
    }
}

static void a_round_is_refused_as_a_whole(void **state)
{
    (void) state;
    engine_new_job jobs[] = {any_job(), any_job(), any_job()};
    call *calls[COUNT(jobs)];
    erig_hold();
    for (size_t i = 0; i < COUNT(jobs); i++)
        calls[i] = submit_post(&jobs[i], 1);
    break_disk(FAULT_COMMIT, 1);
    erig_release();
    for (size_t i = 0; i < COUNT(jobs); i++)
        erig_failed(calls[i], STATUS_UNAVAILABLE);
    store_job *all;
    assert_int_equal(read_all(&all), 0);
    for (size_t i = 0; i < COUNT(jobs); i++)
        submit_new(jobs[i]);
    assert_int_equal(lease_now(1, 1, 10)->assignment_count, COUNT(jobs));
}

static void a_failure_in_the_middle_of_a_round_refuses_all_of_it(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_new_job fresh = any_job();
    engine_outcome outcome = success(&job);
    erig_hold();
    call *before = submit_post(&fresh, 1);
    call *failing = erig_post(outcomes_call(1, 1, &outcome, 1));
    break_disk(FAULT_PUT_RESULT, 1);
    erig_release();
    erig_failed(before, STATUS_UNAVAILABLE);
    erig_failed(failing, STATUS_UNAVAILABLE);
    assert_int_equal(row_of(&fresh.row.id).seq, 0);
    assert_state(&job.id, JOB_RUNNING);
}

static void a_waiter_is_not_told_what_was_undone(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    call *waiting = wait_post(&job.id, 60 * SECOND);
    assert_waits(waiting);
    engine_outcome outcome = success(&job);
    break_disk(FAULT_COMMIT, 1);
    erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
    erig_round();
    if (erig_is_done(waiting))
        erig_failed(waiting, STATUS_UNAVAILABLE);
    else
        assert_state(&job.id, JOB_RUNNING);
}

// ---- leases ----

static void a_lease_that_is_refused_hands_nothing_out(void **state)
{
    (void) state;
    static const fault faults[] = {FAULT_BEGIN, FAULT_SAVE, FAULT_COMMIT, FAULT_SAVE_WORKER};
    for (size_t i = 0; i < COUNT(faults); i++) {
        job_row job = submit("q", "k");
        uint8_t worker = (uint8_t) (i + 1);
        break_disk(faults[i], 1);
        erig_failed(lease_post(worker, 1, 1, 0), STATUS_UNAVAILABLE);
        assert_whole_again(faults[i]);
        assert_state(&job.id, JOB_READY);
        assert_int_equal(lease_one(worker, 1).attempt, 1);
    }
}

static void a_job_refused_to_a_parked_worker_is_handed_out_later(void **state)
{
    (void) state;
    engine_new_job job = any_job();
    call *waiting = lease_post(1, 1, 1, 60 * SECOND);
    assert_waits(waiting);
    break_disk(FAULT_COMMIT, 1);
    erig_failed(submit_post(&job, 1), STATUS_UNAVAILABLE);
    erig_round();
    if (erig_is_done(waiting)) {
        erig_failed(waiting, STATUS_UNAVAILABLE);
        waiting = lease_post(1, 1, 1, 60 * SECOND);
    }
    job = any_job();
    submit_new(job);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
    assert_int_equal(waiting->lease.assignments[0].row.attempt, 1);
}

static void running_jobs_survive_a_refusal(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    engine_new_job other = any_job();
    break_disk(FAULT_COMMIT, 1);
    erig_failed(submit_post(&other, 1), STATUS_UNAVAILABLE);
    assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 0);
    assert_int_equal(lease_now(1, 1, 1)->assignments[0].row.seq, job.seq);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
}

static void running_jobs_survive_a_store_that_can_not_be_read_either(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    engine_new_job other = any_job();
    break_disk(FAULT_COMMIT, 1);
    break_disk(FAULT_DUE, 1);
    erig_failed(submit_post(&other, 1), STATUS_UNAVAILABLE);
    assert_whole_again(FAULT_DUE);
    erig_later(RETRY);
    assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 0);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
}

static void nobody_is_told_untruths_while_the_store_can_not_be_read(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    engine_outcome outcome = success(&job);
    engine_new_job other = any_job();
    break_disk(FAULT_COMMIT, 1);
    break_disk(FAULT_DUE, 3);
    erig_failed(submit_post(&other, 1), STATUS_UNAVAILABLE);
    erig_failed(erig_post(heartbeat_call(1, &ref, 1, 0)), STATUS_UNAVAILABLE);
    erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
    while (atomic_load(&erig.faults[FAULT_DUE]) > 0)
        erig_later(RETRY);
    erig_later(RETRY);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
}

// ---- outcomes ----

static void an_outcome_that_is_refused_is_applied_when_it_comes_again(void **state)
{
    (void) state;
    static const fault faults[] = {FAULT_BEGIN, FAULT_PUT_RESULT, FAULT_SAVE, FAULT_SAVE_WORKER,
                                   FAULT_COMMIT};
    for (int i = 0; i < (int) COUNT(faults); i++) {
        submit("q", "k");
        job_row job = lease_one(1, i + 1);
        engine_outcome outcome = success(&job);
        break_disk(faults[i], 1);
        erig_failed(erig_post(outcomes_call(1, i + 1, &outcome, 1)), STATUS_UNAVAILABLE);
        assert_whole_again(faults[i]);
        assert_state(&job.id, JOB_RUNNING);
        assert_int_equal(read_job(&job.id).result.size, 0);
        assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.acked_outcome_sequence, i);
        assert_int_equal(report(1, i + 1, outcome)->accepted, 1);
        assert_state(&job.id, JOB_SUCCEEDED);
    }
}

static void a_failed_attempt_that_is_refused_counts_once(void **state)
{
    (void) state;
    static const fault faults[] = {FAULT_BEGIN, FAULT_PUT_ATTEMPT, FAULT_SAVE, FAULT_COMMIT};
    for (int i = 0; i < (int) COUNT(faults); i++) {
        submit("q", "k");
        job_row job = lease_one(1, i + 1);
        engine_outcome outcome = failure(&job, true);
        break_disk(faults[i], 1);
        erig_failed(erig_post(outcomes_call(1, i + 1, &outcome, 1)), STATUS_UNAVAILABLE);
        assert_int_equal(read_job(&job.id).attempt_count, 0);
        report(1, i + 1, outcome);
        assert_int_equal(row_of(&job.id).failures, 1);
        assert_int_equal(read_job(&job.id).attempt_count, 1);
    }
}

// The worker has pushed both before it could know that the first was refused.
static void what_follows_a_refused_batch_is_early(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    const engine_lease *got = lease_now(1, 1, 2);
    job_row first = got->assignments[0].row, second = got->assignments[1].row;
    engine_outcome outcome = success(&first);
    break_disk(FAULT_COMMIT, 1);
    erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
    assert_int_equal(report(1, 2, success(&second))->acked_outcome_sequence, 0);
    assert_int_equal(report(1, 1, success(&first))->accepted, 1);
    assert_int_equal(report(1, 2, success(&second))->accepted, 1);
}

static void what_follows_a_refused_batch_in_its_own_round_is_refused_too(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    const engine_lease *got = lease_now(1, 1, 2);
    engine_outcome one = success(&got->assignments[0].row);
    engine_outcome two = success(&got->assignments[1].row);
    erig_hold();
    call *first = erig_post(outcomes_call(1, 1, &one, 1));
    call *second = erig_post(outcomes_call(1, 2, &two, 1));
    break_disk(FAULT_SAVE, 1);
    erig_release();
    erig_failed(first, STATUS_UNAVAILABLE);
    erig_failed(second, STATUS_UNAVAILABLE);
    assert_int_equal(report(1, 1, one)->accepted, 1);
    assert_int_equal(report(1, 2, two)->accepted, 1);
}

static void a_refused_end_makes_no_callback(void **state)
{
    (void) state;
    Errand__V1__Callback callback = ERRAND__V1__CALLBACK__INIT;
    Errand__V1__Job spec = job_for("q", "k");
    callback.url = text("http://localhost/sink");
    spec.callback = &callback;
    submit_new(new_job(&spec));
    job_row job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    store_job *all;
    for (fault which = FAULT_COMMIT; which <= FAULT_SAVE; which++) {
        break_disk(which, 1);
        erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
        assert_int_equal(read_all(&all), 1);
        assert_int_equal(row_of(&job.id).callbacks_open, 0);
    }
    assert_int_equal(report(1, 1, outcome)->accepted, 1);
    assert_int_equal(read_all(&all), 2);
}

static void a_job_that_a_heartbeat_gave_back_is_still_the_workers_when_refused(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    lease_now(1, 2, 0);
    break_disk(FAULT_SAVE, 1);
    erig_failed(erig_post(heartbeat_call(1, NULL, 0, 0)), STATUS_UNAVAILABLE);
    assert_state(&job.id, JOB_RUNNING);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
}

// ---- what the clock brings ----

static void a_lease_that_runs_out_on_a_broken_disk_is_lost_once(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    break_disk(FAULT_COMMIT, 1);
    erig_later(LEASE);
    assert_whole_again(FAULT_COMMIT);
    assert_state(&job.id, JOB_RUNNING);
    erig_later(LEASE);
    job = row_of(&job.id);
    assert_int_equal(job.state, JOB_READY);
    assert_int_equal(job.losses, 1);
    assert_int_equal(read_job(&job.id).attempt_count, 1);
}

static void what_is_due_is_tried_again_after_a_while(void **state)
{
    (void) state;
    engine_new_job fresh = any_job();
    fresh.row.due_us = T0 + SECOND;
    job_row job = submit_new(fresh);
    break_disk(FAULT_SAVE, 1);
    erig_later(SECOND);
    assert_whole_again(FAULT_SAVE);
    int begun = atomic_load(&erig.begun);
    erig_later(RETRY - 1);
    assert_int_equal(atomic_load(&erig.begun), begun);
    assert_state(&job.id, JOB_SCHEDULED);
    erig_later(1);
    assert_state(&job.id, JOB_READY);
}

static void a_broken_disk_is_not_hammered_by_the_clock(void **state)
{
    (void) state;
    engine_new_job fresh = any_job();
    fresh.row.due_us = T0 + SECOND;
    submit_new(fresh);
    int begun = atomic_load(&erig.begun);
    break_disk(FAULT_BEGIN, 1000);
    for (int i = 0; i < 100; i++)
        erig_later(SECOND / 10);
    assert_in_range(atomic_load(&erig.begun) - begun, 1, 11);
    break_disk(FAULT_BEGIN, 0);
}

static void reading_goes_on_while_nothing_can_be_written(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    engine_new_job other = any_job();
    break_disk(FAULT_BEGIN, 1000);
    erig_failed(submit_post(&other, 1), STATUS_UNAVAILABLE);
    assert_state(&job.id, JOB_READY);
    assert_waits(wait_post(&job.id, 60 * SECOND));
    assert_int_equal(read_job(&job.id).row.seq, job.seq);
    break_disk(FAULT_BEGIN, 0);
}

static void a_commit_refused_at_the_stop_is_told(void **state)
{
    (void) state;
    engine_new_job job = any_job();
    erig_hold();
    call *c = submit_post(&job, 1);
    break_disk(FAULT_COMMIT, 1);
    erig_release();
    erig_halt();
    erig_failed(c, STATUS_UNAVAILABLE);
}

// ---- the system's own clock ----

static int start_with_the_system_clock(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.clock = NULL;
    atomic_store(&erig.wall_us, clock_wall_us(clock_system()));
    atomic_store(&erig.mono_us, clock_mono_us(clock_system()));
    erig_run();
    return 0;
}

static void a_parked_worker_gets_its_job_when_the_disk_is_well_again(void **state)
{
    (void) state;
    submit("q", "k");
    break_disk(FAULT_BEGIN, 1);
    assert_int_equal(erig_fine(lease_post(1, 1, 1, 20 * SECOND))->lease.assignment_count, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_submit_that_is_refused_leaves_nothing, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_round_is_refused_as_a_whole, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_failure_in_the_middle_of_a_round_refuses_all_of_it,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_waiter_is_not_told_what_was_undone, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_that_is_refused_hands_nothing_out, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_refused_to_a_parked_worker_is_handed_out_later,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(running_jobs_survive_a_refusal, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(running_jobs_survive_a_store_that_can_not_be_read_either,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(nobody_is_told_untruths_while_the_store_can_not_be_read,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_outcome_that_is_refused_is_applied_when_it_comes_again,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_failed_attempt_that_is_refused_counts_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(what_follows_a_refused_batch_is_early, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(what_follows_a_refused_batch_in_its_own_round_is_refused_too,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_refused_end_makes_no_callback, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(
        a_job_that_a_heartbeat_gave_back_is_still_the_workers_when_refused, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_that_runs_out_on_a_broken_disk_is_lost_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(what_is_due_is_tried_again_after_a_while, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_broken_disk_is_not_hammered_by_the_clock, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(reading_goes_on_while_nothing_can_be_written, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_commit_refused_at_the_stop_is_told, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_gets_its_job_when_the_disk_is_well_again,
                                    start_with_the_system_clock, erig_stop),
};

UNIT_TEST_MAIN(tests)
