// engine_disk - a disk that refuses: a round happens as a whole or not at all, and all works again
// afterwards.
#include "unit/engine_life.h"

#define RETRY SECOND  // after a refusal the engine leaves the disk alone for so long

// ---- submits ----

static void a_submit_that_is_refused_leaves_nothing(void **state)
{
    (void) state;
    static const fault faults[] = {FAULT_BEGIN, FAULT_INSERT, FAULT_COMMIT, FAULT_FIND};
    for (size_t i = 0; i < COUNT(faults); i++) {
        engine_new_job job = fresh_job();
        edisk_break(faults[i], 1);
        erig_failed(submit_post(&job, 1), STATUS_UNAVAILABLE);
        assert_null(job.failure);
        edisk_assert_whole(faults[i]);
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
    engine_new_job jobs[] = {fresh_job(), fresh_job(), fresh_job()};
    call *calls[COUNT(jobs)];
    erig_hold();
    for (size_t i = 0; i < COUNT(jobs); i++)
        calls[i] = submit_post(&jobs[i], 1);
    edisk_break(FAULT_COMMIT, 1);
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
    engine_new_job fresh = fresh_job();
    engine_outcome outcome = success(&job);
    erig_hold();
    call *before = submit_post(&fresh, 1);
    call *failing = erig_post(outcomes_call(1, 1, &outcome, 1));
    edisk_break(FAULT_PUT_RESULT, 1);
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
    edisk_break(FAULT_COMMIT, 1);
    erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
    erig_round();
    if (erig_is_done(waiting))
        erig_failed(waiting, STATUS_UNAVAILABLE);
    else
        assert_state(&job.id, JOB_RUNNING);
    assert_false(waiting->wait.has_result);
    assert_int_equal(waiting->wait.result.size, 0);
}

// What runs is in memory.
static void a_running_job_is_waited_for_although_the_disk_is_broken(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    call *knows = wait_call(&job.id, 60 * SECOND), *mistaken = wait_call(&job.id, 60 * SECOND);
    knows->wait.row = job;
    mistaken->wait.row.seq = job.seq + 1;
    edisk_break(FAULT_FIND, 1);
    erig_post(knows);
    erig_failed(erig_post(mistaken), STATUS_UNAVAILABLE);
    assert_waits(knows);
    report(1, 1, success(&job));
    assert_true(erig_fine(knows)->wait.has_result);
}

// ---- leases ----

static void a_lease_that_is_refused_hands_nothing_out(void **state)
{
    (void) state;
    static const fault faults[] = {FAULT_BEGIN, FAULT_SAVE, FAULT_COMMIT, FAULT_SAVE_WORKER};
    for (size_t i = 0; i < COUNT(faults); i++) {
        job_row job = submit("q", "k");
        uint8_t worker = (uint8_t) (i + 1);
        edisk_break(faults[i], 1);
        erig_failed(lease_post(worker, 1, 1, 0), STATUS_UNAVAILABLE);
        edisk_assert_whole(faults[i]);
        assert_state(&job.id, JOB_READY);
        assert_int_equal(lease_one(worker, 1).attempt, 1);
    }
}

static void a_job_refused_to_a_parked_worker_is_handed_out_later(void **state)
{
    (void) state;
    engine_new_job job = fresh_job();
    call *waiting = lease_post(1, 1, 1, 60 * SECOND);
    assert_waits(waiting);
    edisk_break(FAULT_COMMIT, 1);
    erig_failed(submit_post(&job, 1), STATUS_UNAVAILABLE);
    erig_round();
    if (erig_is_done(waiting)) {
        erig_failed(waiting, STATUS_UNAVAILABLE);
        waiting = lease_post(1, 1, 1, 60 * SECOND);
    }
    job = fresh_job();
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
    engine_new_job other = fresh_job();
    edisk_break(FAULT_COMMIT, 1);
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
    engine_new_job other = fresh_job();
    edisk_break(FAULT_COMMIT, 1);
    edisk_break(FAULT_DUE, 1);
    erig_failed(submit_post(&other, 1), STATUS_UNAVAILABLE);
    edisk_assert_whole(FAULT_DUE);
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
    engine_new_job other = fresh_job();
    edisk_break(FAULT_COMMIT, 1);
    edisk_break(FAULT_DUE, 3);
    erig_failed(submit_post(&other, 1), STATUS_UNAVAILABLE);
    erig_failed(erig_post(heartbeat_call(1, &ref, 1, 0)), STATUS_UNAVAILABLE);
    erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
    while (atomic_load(&edisk.faults[FAULT_DUE]) > 0)
        erig_later(RETRY);
    erig_later(RETRY);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
}

// ---- reading, stopping ----

static void reading_goes_on_while_nothing_can_be_written(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    engine_new_job other = fresh_job();
    edisk_break(FAULT_BEGIN, 1000);
    erig_failed(submit_post(&other, 1), STATUS_UNAVAILABLE);
    assert_state(&job.id, JOB_READY);
    assert_waits(wait_post(&job.id, 60 * SECOND));
    assert_int_equal(read_job(&job.id).row.seq, job.seq);
    edisk_break(FAULT_BEGIN, 0);
}

static void a_commit_refused_at_the_stop_is_told(void **state)
{
    (void) state;
    engine_new_job job = fresh_job();
    erig_hold();
    call *c = submit_post(&job, 1);
    edisk_break(FAULT_COMMIT, 1);
    erig_release();
    erig_halt();
    erig_failed(c, STATUS_UNAVAILABLE);
}

// ---- the system's own clock ----

static int start_with_the_system_clock(void **state)
{
    (void) state;
    erig_prepare();
    erig_take_system_clock();
    erig_run();
    return 0;
}

static void a_parked_worker_gets_its_job_when_the_disk_is_well_again(void **state)
{
    (void) state;
    submit("q", "k");
    edisk_break(FAULT_BEGIN, 1);
    assert_int_equal(erig_fine(lease_post(1, 1, 1, 20 * SECOND))->lease.assignment_count, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_submit_that_is_refused_leaves_nothing, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_round_is_refused_as_a_whole, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_failure_in_the_middle_of_a_round_refuses_all_of_it,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_waiter_is_not_told_what_was_undone, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_running_job_is_waited_for_although_the_disk_is_broken,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_that_is_refused_hands_nothing_out, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_refused_to_a_parked_worker_is_handed_out_later,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(running_jobs_survive_a_refusal, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(running_jobs_survive_a_store_that_can_not_be_read_either,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(nobody_is_told_untruths_while_the_store_can_not_be_read,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(reading_goes_on_while_nothing_can_be_written, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_commit_refused_at_the_stop_is_told, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_gets_its_job_when_the_disk_is_well_again,
                                    start_with_the_system_clock, erig_stop),
};

UNIT_TEST_MAIN(tests)
