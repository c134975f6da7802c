// engine_rest - a disk that goes on refusing is left alone for a while: what need not be written
// goes on.
#include "unit/engine_life.h"

#define LEASE (30 * SECOND)
#define RETRY SECOND  // after a refusal the engine leaves the disk alone for so long

static void break_disk_for_good(void)
{
    edisk_break(FAULT_BEGIN, 1000);
    for (int i = 0; i < 2; i++) {
        engine_new_job job = fresh_job();
        erig_failed(submit_post(&job, 1), STATUS_UNAVAILABLE);
    }
}

static void a_disk_that_refused_twice_is_not_asked_for_a_while(void **state)
{
    (void) state;
    submit("q", "k");
    job_row running = lease_one(1, 1);
    break_disk_for_good();
    int begun = atomic_load(&edisk.begun);
    engine_new_job job = fresh_job();
    engine_outcome outcome = success(&running);
    erig_failed(submit_post(&job, 1), STATUS_UNAVAILABLE);
    erig_failed(lease_post(1, 2, 1, 60 * SECOND), STATUS_UNAVAILABLE);
    erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
    assert_int_equal(atomic_load(&edisk.begun), begun);
    edisk_mend();
    erig_later(RETRY);
    submit_new(job);
    assert_int_equal(report(1, 1, outcome)->accepted, 1);
}

static void heartbeats_go_on_beside_what_can_not_be_written(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    const engine_lease *got = lease_now(1, 1, 2);
    engine_lease_ref kept = ref_of(&got->assignments[0].row);
    lease_now(1, 2, 0);
    break_disk_for_good();
    engine_new_job job = fresh_job();
    erig_hold();
    call *refused = submit_post(&job, 1);
    call *beat = erig_post(heartbeat_call(1, &kept, 1, 0));
    erig_release();
    erig_failed(refused, STATUS_UNAVAILABLE);
    assert_int_equal(erig_fine(beat)->heartbeat.lost_count, 0);
    edisk_mend();
    erig_later(RETRY);
    lease_now(1, 3, 0);
    heartbeat(1, &kept, 1, 0);
    assert_state(&got->assignments[1].row.id, JOB_READY);
}

static void a_lease_that_runs_out_meanwhile_is_lost_later(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    erig_later(LEASE - 1);
    break_disk_for_good();
    erig_later(1);
    assert_state(&job.id, JOB_RUNNING);
    edisk_mend();
    erig_later(LEASE + RETRY);
    assert_state(&job.id, JOB_READY);
    assert_int_equal(row_of(&job.id).losses, 1);
}

static void a_parked_worker_is_served_when_the_disk_is_well(void **state)
{
    (void) state;
    engine_new_job job = fresh_job();
    job.row.due_us = T0 + SECOND;
    submit_new(job);
    call *waiting = lease_post(1, 1, 1, 60 * SECOND);
    assert_waits(waiting);
    break_disk_for_good();
    erig_later(SECOND);
    assert_waits(waiting);
    edisk_mend();
    erig_later(RETRY);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
}

// ---- a store that can not be asked when something is due ----

// In a round, and once more after it, to know how long to sleep: that one fails.
static status *next_due(store *s, job_lane lane, int64_t *ret)
{
    static int asked;
    if (lane == JOB_LANE_FINISHED && ++asked % 2 == 0)
        return status_new(STATUS_UNAVAILABLE, "the disk is broken");
    return edisk.real->next_due(s, lane, ret);
}

static void a_failure_between_two_rounds_fails_neither(void **state)
{
    (void) state;
    erig_halt();
    edisk.faulty.next_due = next_due;
    erig_run();
    for (int i = 0; i < 10; i++)
        submit("q", "k");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_disk_that_refused_twice_is_not_asked_for_a_while, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(heartbeats_go_on_beside_what_can_not_be_written, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_that_runs_out_meanwhile_is_lost_later, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_is_served_when_the_disk_is_well, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_failure_between_two_rounds_fails_neither, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
