// engine_parked - Lease calls that wait, are repeated, or come while the server drains.
#include "unit/engine_calls.h"

#define LONG (60 * SECOND)

// ---- parked calls ----

static void a_submit_answers_a_parked_lease(void **state)
{
    (void) state;
    call *waiting = lease_post(1, 1, 5, LONG);
    assert_waits(waiting);
    job_row job = submit("q", "k");
    erig_fine(waiting);
    assert_int_equal(waiting->lease.assignment_count, 1);
    assert_true(uuid_equal(&waiting->lease.assignments[0].row.id, &job.id));
}

static void a_parked_lease_is_not_answered_by_what_it_does_not_serve(void **state)
{
    (void) state;
    call *waiting = erig_post(serving(lease_call(1, 1, 5, LONG), "mine", NULL));
    submit("theirs", "k");
    assert_waits(waiting);
    submit("mine", "k");
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
}

static void parked_leases_are_served_in_order_of_arrival(void **state)
{
    (void) state;
    call *first = lease_post(1, 1, 1, LONG);
    erig_round();
    call *second = lease_post(2, 1, 1, LONG);
    assert_waits(second);
    submit("q", "k");
    erig_fine(first);
    assert_waits(second);
    submit("q", "k");
    erig_fine(second);
}

static void one_job_goes_to_one_worker(void **state)
{
    (void) state;
    call *calls[20];
    for (uint8_t i = 0; i < 20; i++)
        calls[i] = lease_post(i, 1, 5, LONG);
    submit("q", "k");
    erig_round();
    int answered = 0;
    for (uint8_t i = 0; i < 20; i++)
        answered += erig_is_done(calls[i]);
    assert_int_equal(answered, 1);
}

static void the_deadline_of_a_parked_lease_answers_it_empty(void **state)
{
    (void) state;
    call *waiting = lease_post(1, 1, 1, SECOND);
    erig_later(SECOND - 1);
    assert_false(erig_is_done(waiting));
    erig_later(1);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 0);
}

static void a_newer_lease_answers_an_older_parked_one_empty(void **state)
{
    (void) state;
    call *older = lease_post(1, 1, 1, LONG);
    assert_waits(older);
    call *newer = lease_post(1, 2, 1, LONG);
    assert_int_equal(erig_fine(older)->lease.assignment_count, 0);
    assert_waits(newer);
    submit("q", "k");
    assert_int_equal(erig_fine(newer)->lease.assignment_count, 1);
}

static void the_twin_of_a_parked_lease_replaces_it(void **state)
{
    (void) state;
    call *lost = lease_post(1, 1, 1, LONG), *twin = lease_post(1, 1, 1, LONG);
    erig_fine(lost);
    assert_waits(twin);
    submit("q", "k");
    assert_int_equal(erig_fine(twin)->lease.assignment_count, 1);
}

static void a_worker_that_went_away_gets_no_job(void **state)
{
    (void) state;
    call *gone = lease_post(1, 1, 1, LONG);
    assert_waits(gone);
    engine_gone(erig.engine, gone->lease.ticket, false);
    erig_failed(gone, STATUS_CANCELLED);
    job_row job = submit("q", "k");
    assert_state(&job.id, JOB_READY);
}

// ---- sequences ----

static void the_same_sequence_again_gives_the_same_jobs(void **state)
{
    (void) state;
    for (int i = 0; i < 4; i++)
        submit("q", "k");
    const engine_lease *first = lease_now(1, 1, 2), *again = lease_now(1, 1, 2);
    assert_int_equal(again->assignment_count, 2);
    for (int i = 0; i < 2; i++) {
        rig_assert_same_row(&again->assignments[i].row, &first->assignments[i].row);
        assert_memory_equal(&again->assignments[i].token, &first->assignments[i].token,
                            ENGINE_TOKEN_BYTES);
        assert_int_equal(again->assignments[i].spec.size, first->assignments[i].spec.size);
    }
    assert_int_equal(lease_now(1, 2, 10)->assignment_count, 2);
}

static void a_stale_sequence_gives_nothing_new(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    assert_int_equal(lease_now(1, 5, 1)->assignment_count, 1);
    assert_int_equal(erig_fine(lease_post(1, 4, 1, LONG))->lease.assignment_count, 0);
}

static void an_empty_answer_uses_no_sequence_up(void **state)
{
    (void) state;
    assert_int_equal(lease_now(1, 1, 1)->assignment_count, 0);
    submit("q", "k");
    assert_int_equal(lease_now(1, 1, 1)->assignment_count, 1);
}

// ---- draining ----

static void draining_answers_parked_and_coming_leases_empty(void **state)
{
    (void) state;
    call *waiting = lease_post(1, 1, 1, LONG);
    assert_waits(waiting);
    engine_drain(erig.engine);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 0);
    job_row job = submit("q", "k");
    assert_int_equal(erig_fine(lease_post(2, 1, 1, LONG))->lease.assignment_count, 0);
    assert_state(&job.id, JOB_READY);
}

static void an_answer_that_got_lost_is_given_again_while_draining(void **state)
{
    (void) state;
    submit("q", "k");
    lease_one(1, 1);
    engine_drain(erig.engine);
    assert_int_equal(lease_now(1, 1, 1)->assignment_count, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_submit_answers_a_parked_lease, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_lease_is_not_answered_by_what_it_does_not_serve,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(parked_leases_are_served_in_order_of_arrival, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(one_job_goes_to_one_worker, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_deadline_of_a_parked_lease_answers_it_empty, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_newer_lease_answers_an_older_parked_one_empty, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_twin_of_a_parked_lease_replaces_it, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_that_went_away_gets_no_job, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_same_sequence_again_gives_the_same_jobs, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_stale_sequence_gives_nothing_new, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_empty_answer_uses_no_sequence_up, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(draining_answers_parked_and_coming_leases_empty, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_answer_that_got_lost_is_given_again_while_draining,
                                    erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
