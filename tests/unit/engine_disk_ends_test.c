// engine_disk_ends - how attempts end on a disk that refuses: once, or not yet.
#include "unit/engine_callbacks.h"

#define LEASE (30 * SECOND)
#define RETRY SECOND  // after a refusal the engine leaves the disk alone for so long

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
        edisk_break(faults[i], 1);
        erig_failed(erig_post(outcomes_call(1, i + 1, &outcome, 1)), STATUS_UNAVAILABLE);
        edisk_assert_whole(faults[i]);
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
        edisk_break(faults[i], 1);
        erig_failed(erig_post(outcomes_call(1, i + 1, &outcome, 1)), STATUS_UNAVAILABLE);
        assert_int_equal(read_job(&job.id).attempt_count, 0);
        report(1, i + 1, outcome);
        assert_int_equal(row_of(&job.id).failures, 1);
        assert_int_equal(read_job(&job.id).attempt_count, 1);
    }
}

static call *pushed(int64_t sequence, const engine_outcome *outcome)
{
    return erig_post(outcomes_call(1, sequence, outcome, 1));
}

// An answer that was undone has told nothing.
static void a_rejection_is_told_again_when_the_round_of_its_answer_is_refused(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    erig_fine(pushed(1, &outcome));
    erig_fine(pushed(2, &outcome));  // void by now
    submit("q", "k");
    edisk_break(FAULT_COMMIT, 1);
    erig_failed(lease_post(1, 2, 1, 0), STATUS_UNAVAILABLE);
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.rejected_count, 1);
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.rejected_count, 0);
}

// Its batch comes again, and is rejected again then.
static void a_rejection_in_a_round_that_is_refused_is_told_once(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    erig_fine(pushed(1, &outcome));
    edisk_break(FAULT_COMMIT, 1);
    erig_failed(pushed(2, &outcome), STATUS_UNAVAILABLE);
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.rejected_count, 0);
    erig_fine(pushed(2, &outcome));
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.rejected_count, 1);
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
    edisk_break(FAULT_COMMIT, 1);
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
    edisk_break(FAULT_SAVE, 1);
    erig_release();
    erig_failed(first, STATUS_UNAVAILABLE);
    erig_failed(second, STATUS_UNAVAILABLE);
    assert_int_equal(report(1, 1, one)->accepted, 1);
    assert_int_equal(report(1, 2, two)->accepted, 1);
}

static void a_refused_end_makes_no_callback(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    store_job *all;
    for (fault which = FAULT_COMMIT; which <= FAULT_SAVE; which++) {
        edisk_break(which, 1);
        erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
        assert_int_equal(read_all(&all), 1);
        assert_int_equal(row_of(&job.id).callbacks_open, 0);
        erig_later(RETRY);
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
    edisk_break(FAULT_SAVE, 1);
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
    edisk_break(FAULT_COMMIT, 1);
    erig_later(LEASE);
    edisk_assert_whole(FAULT_COMMIT);
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
    engine_new_job fresh = fresh_job();
    fresh.row.due_us = T0 + SECOND;
    job_row job = submit_new(fresh);
    edisk_break(FAULT_SAVE, 1);
    erig_later(SECOND);
    edisk_assert_whole(FAULT_SAVE);
    int begun = atomic_load(&edisk.begun);
    erig_later(RETRY - 1);
    assert_int_equal(atomic_load(&edisk.begun), begun);
    assert_state(&job.id, JOB_SCHEDULED);
    erig_later(1);
    assert_state(&job.id, JOB_READY);
}

static void a_broken_disk_is_not_hammered_by_the_clock(void **state)
{
    (void) state;
    engine_new_job fresh = fresh_job();
    fresh.row.due_us = T0 + SECOND;
    submit_new(fresh);
    int begun = atomic_load(&edisk.begun);
    edisk_break(FAULT_BEGIN, 1000);
    for (int i = 0; i < 100; i++)
        erig_later(SECOND / 10);
    assert_in_range(atomic_load(&edisk.begun) - begun, 1, 11);
    edisk_break(FAULT_BEGIN, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(an_outcome_that_is_refused_is_applied_when_it_comes_again,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_failed_attempt_that_is_refused_counts_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(
        a_rejection_is_told_again_when_the_round_of_its_answer_is_refused, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_rejection_in_a_round_that_is_refused_is_told_once, erig_start,
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
};

UNIT_TEST_MAIN(tests)
