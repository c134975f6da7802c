// engine_heartbeat - a worker tells what it runs: renewed, given back, or lost.
#include "unit/engine_calls.h"

#define LEASE (30 * SECOND)

static void assert_ready_uncounted(const uuid *id)
{
    job_row row = row_of(id);
    assert_int_equal(row.state, JOB_READY);
    assert_int_equal(row.failures, 0);
    assert_int_equal(row.losses, 0);
}

static void a_job_that_is_named_is_renewed(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    for (int i = 0; i < 5; i++) {
        erig_later(LEASE - 1);
        assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 0);
    }
    erig_later(LEASE - 1);
    assert_state(&job.id, JOB_RUNNING);
    erig_later(1);
    assert_state(&job.id, JOB_READY);
}

static void a_confirmed_job_that_is_missing_goes_back_uncounted(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    lease_now(1, 2, 0);  // confirms the answer to 1
    heartbeat(1, NULL, 0, 0);
    assert_ready_uncounted(&job.id);
    assert_int_equal(read_job(&job.id).attempt_count, 0);
    assert_int_equal(lease_one(2, 1).attempt, 2);
}

static void a_job_that_was_named_before_counts_as_confirmed(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    heartbeat(1, &ref, 1, 0);
    assert_state(&job.id, JOB_RUNNING);
    heartbeat(1, NULL, 0, 0);
    assert_ready_uncounted(&job.id);
}

static void an_unconfirmed_job_that_is_missing_stays(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    heartbeat(1, NULL, 0, 0);
    assert_state(&job.id, JOB_RUNNING);
    assert_int_equal(lease_now(1, 1, 1)->assignment_count, 1);
}

static void a_lease_that_is_repeated_confirms_nothing(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    lease_now(1, 1, 1);  // the answer got lost, and this one may get lost too
    heartbeat(1, NULL, 0, 0);
    assert_state(&job.id, JOB_RUNNING);
}

static void only_what_is_missing_goes_back(void **state)
{
    (void) state;
    engine_lease_ref refs[4];
    for (int i = 0; i < 4; i++)
        submit("q", "k");
    const engine_lease *got = lease_now(1, 1, 4);
    for (int i = 0; i < 4; i++)
        refs[i] = ref_of(&got->assignments[i].row);
    lease_now(1, 2, 0);
    heartbeat(1, refs, 3, 0);
    for (int i = 0; i < 3; i++)
        assert_state(&refs[i].id, JOB_RUNNING);
    assert_ready_uncounted(&refs[3].id);
}

static void the_lease_sequence_protects_later_assignments(void **state)
{
    (void) state;
    submit("q", "k");
    job_row first = lease_one(1, 1);
    submit("q", "k");
    job_row second = lease_one(1, 2);
    lease_now(1, 3, 0);  // both are confirmed
    heartbeat(1, NULL, 0, 1);
    assert_ready_uncounted(&first.id);
    assert_state(&second.id, JOB_RUNNING);
    heartbeat(1, NULL, 0, 2);
    assert_ready_uncounted(&second.id);
}

static void an_unknown_token_is_lost(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    engine_lease_ref refs[2] = {ref_of(&job), ref_of(&job)};
    memset(&refs[1].token, 0xff, sizeof refs[1].token);
    const engine_heartbeat *h = heartbeat(1, refs, 2, 0);
    assert_int_equal(h->lost_count, 2);
    assert_memory_equal(h->lost, refs, sizeof refs);
    assert_state(&job.id, JOB_READY);
}

static void the_token_of_another_worker_is_lost(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref ref = ref_of(&job);
    assert_int_equal(heartbeat(2, &ref, 1, 0)->lost_count, 1);
    erig_later(LEASE);  // it was not renewed either
    assert_state(&job.id, JOB_READY);
}

static void the_token_of_an_earlier_attempt_is_lost(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_lease_ref before = ref_of(&job);
    erig_later(LEASE);
    job = lease_one(1, 2);
    engine_lease_ref now = ref_of(&job);
    assert_int_equal(heartbeat(1, &before, 1, 0)->lost_count, 1);
    assert_int_equal(heartbeat(1, &now, 1, 0)->lost_count, 0);
}

static void the_token_of_another_job_is_lost(void **state)
{
    (void) state;
    submit("q", "k");
    job_row other = submit("q", "k");
    const engine_lease *got = lease_now(1, 1, 2);
    engine_lease_ref ref = ref_of(&got->assignments[0].row);
    ref.id = other.id;
    assert_int_equal(heartbeat(1, &ref, 1, 0)->lost_count, 1);
}

static void what_goes_back_is_given_to_a_parked_worker(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    call *waiting = lease_post(2, 1, 1, 60 * SECOND);
    lease_now(1, 2, 0);
    assert_waits(waiting);
    heartbeat(1, NULL, 0, 0);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
    assert_true(uuid_equal(&waiting->lease.assignments[0].row.id, &job.id));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_job_that_is_named_is_renewed, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_confirmed_job_that_is_missing_goes_back_uncounted, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_was_named_before_counts_as_confirmed, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_unconfirmed_job_that_is_missing_stays, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_that_is_repeated_confirms_nothing, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(only_what_is_missing_goes_back, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_lease_sequence_protects_later_assignments, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_unknown_token_is_lost, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_token_of_another_worker_is_lost, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_token_of_an_earlier_attempt_is_lost, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_token_of_another_job_is_lost, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(what_goes_back_is_given_to_a_parked_worker, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
