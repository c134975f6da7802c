// engine_lease - jobs handed to workers: which, how many, and to whom.
#include "unit/engine_calls.h"

#define LONG (60 * SECOND)

static job_row submit_with(const char *kind, int32_t priority, int64_t due_us)
{
    Errand__V1__Job job = job_for("q", kind);
    job.priority = priority;
    engine_new_job fresh = new_job(&job);
    fresh.row.due_us = due_us;
    return submit_new(fresh);
}

static void assert_jobs(const engine_lease *got, const job_row *const *jobs, size_t count)
{
    assert_int_equal(got->assignment_count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(uuid_equal(&got->assignments[i].row.id, &jobs[i]->id));
}

static void an_assignment_has_all_that_a_worker_needs(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    erig_pass(3);
    const engine_lease *got = lease_now(1, 1, 1);
    const engine_assignment *a = &got->assignments[0];
    engine_token token = engine_token_make(job.seq, 1);
    uuid worker = worker_id(1);
    assert_int_equal(got->assignment_count, 1);
    assert_true(uuid_equal(&a->row.id, &job.id));
    assert_int_equal(a->row.state, JOB_RUNNING);
    assert_int_equal(a->row.attempt, 1);
    assert_int_equal(a->row.start_us, T0 + 3);
    assert_true(uuid_equal(&a->row.worker, &worker));
    assert_memory_equal(&a->token, &token, sizeof token);
    assert_false(a->has_parent);
    store_job stored = read_job(&job.id);
    rig_assert_same_row(&stored.row, &a->row);
    assert_int_equal(a->spec.size, stored.spec.size);
    assert_memory_equal(a->spec.bytes, stored.spec.bytes, stored.spec.size);
}

static void a_token_tells_seq_and_attempt(void **state)
{
    (void) state;
    engine_token token = engine_token_make(0x0102030405060708, 0x090a0b0c);
    for (uint8_t i = 0; i < ENGINE_TOKEN_BYTES; i++)
        assert_int_equal(token.bytes[i], i + 1);
}

static void priority_then_due_time_then_submission_decide(void **state)
{
    (void) state;
    job_row low = submit_with("k", -1, 0);
    job_row late = submit_with("k", 0, T0 + 20);
    job_row early = submit_with("k", 0, T0 + 10);
    job_row first = submit_with("k", 0, 0);
    job_row second = submit_with("k", 0, 0);
    job_row high = submit_with("k", 7, T0 + 30);
    erig_later(50);
    const job_row *order[] = {&high, &first, &second, &early, &late, &low};
    assert_jobs(lease_now(1, 1, 10), order, COUNT(order));
}

static void the_order_holds_over_many_answers(void **state)
{
    (void) state;
    job_row jobs[6];
    for (int i = 0; i < 6; i++)
        jobs[i] = submit_with(i % 2 ? "a" : "b", i, 0);
    for (int i = 5; i >= 0; i--)
        assert_int_equal(lease_one(1, 6 - i).seq, jobs[i].seq);
}

static void max_jobs_is_the_most_that_is_given(void **state)
{
    (void) state;
    for (int i = 0; i < 5; i++)
        submit("q", "k");
    assert_int_equal(lease_now(1, 1, 3)->assignment_count, 3);
    assert_int_equal(lease_now(2, 1, 3)->assignment_count, 2);
    assert_int_equal(lease_now(3, 1, 3)->assignment_count, 0);
}

static void zero_jobs_gives_none_and_waits(void **state)
{
    (void) state;
    call *waiting = lease_post(1, 1, 0, SECOND);
    submit("q", "k");
    assert_waits(waiting);
    erig_later(SECOND);
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 0);
}

// ---- routes ----

static const engine_lease *lease_of(uint8_t worker, const char *queue, const char *kind)
{
    return &erig_fine(erig_post(serving(lease_call(worker, 1, 10, 0), queue, kind)))->lease;
}

static void a_worker_gets_only_what_it_serves(void **state)
{
    (void) state;
    job_row jobs[] = {submit("a", "x"), submit("a", "y"), submit("b", "x"), submit("b", "y")};
    const job_row *ax[] = {&jobs[0]}, *rest_of_b[] = {&jobs[2], &jobs[3]}, *y[] = {&jobs[1]};
    assert_jobs(lease_of(1, "a", "x"), ax, 1);
    assert_jobs(lease_of(2, "a", "x"), NULL, 0);
    assert_jobs(lease_of(3, "b", NULL), rest_of_b, 2);
    assert_jobs(lease_of(4, "c", NULL), NULL, 0);
    assert_jobs(lease_of(5, NULL, "x"), NULL, 0);
    assert_jobs(lease_of(6, NULL, "y"), y, 1);
}

static void a_worker_may_change_what_it_serves(void **state)
{
    (void) state;
    job_row job = submit("a", "x");
    const job_row *one[] = {&job};
    assert_jobs(lease_of(1, "b", "x"), NULL, 0);
    assert_jobs(lease_of(1, "a", "y"), NULL, 0);
    assert_jobs(lease_of(1, "a", "x"), one, 1);
}

static void a_route_that_is_new_reaches_workers_known_before(void **state)
{
    (void) state;
    assert_int_equal(lease_now(1, 1, 1)->assignment_count, 0);
    submit("brand-new", "k");
    assert_int_equal(lease_now(1, 1, 1)->assignment_count, 1);
}

// ---- caps ----

static int start_with_small_replies(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_reply_bytes = 1;
    erig_run();
    return 0;
}

static void the_cap_in_bytes_still_gives_one(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    assert_int_equal(lease_now(1, 1, 10)->assignment_count, 1);
    assert_int_equal(lease_now(1, 2, 10)->assignment_count, 1);
    assert_int_equal(lease_now(1, 3, 10)->assignment_count, 0);
}

static int start_with_two_leases(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_leases = 2;
    erig_run();
    return 0;
}

static void the_cap_on_running_jobs_holds_and_frees(void **state)
{
    (void) state;
    for (int i = 0; i < 4; i++)
        submit("q", "k");
    const engine_lease *got = lease_now(1, 1, 10);
    assert_int_equal(got->assignment_count, 2);
    call *waiting = lease_post(2, 1, 10, LONG);
    assert_waits(waiting);
    report(1, 1, success(&got->assignments[0].row));
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
}

static void a_lower_cap_after_a_restart_gives_nothing_more(void **state)
{
    (void) state;
    for (int i = 0; i < 3; i++)
        submit("q", "k");
    assert_int_equal(lease_now(1, 1, 2)->assignment_count, 2);
    erig.options.max_leases = 1;
    erig_restart();
    assert_int_equal(lease_now(2, 1, 5)->assignment_count, 0);
}

static void workers_beyond_the_cap_are_refused_while_all_hold_jobs(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    job_row job = lease_one(1, 1);
    lease_one(2, 1);
    erig_failed(lease_post(3, 1, 1, 0), STATUS_RESOURCE_EXHAUSTED);
    report(1, 1, success(&job));
    assert_int_equal(lease_now(3, 1, 1)->assignment_count, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(an_assignment_has_all_that_a_worker_needs, erig_start,
                                    erig_stop),
    cmocka_unit_test(a_token_tells_seq_and_attempt),
    cmocka_unit_test_setup_teardown(priority_then_due_time_then_submission_decide, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_order_holds_over_many_answers, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(max_jobs_is_the_most_that_is_given, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(zero_jobs_gives_none_and_waits, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_gets_only_what_it_serves, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_may_change_what_it_serves, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_route_that_is_new_reaches_workers_known_before, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_cap_in_bytes_still_gives_one, start_with_small_replies,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_cap_on_running_jobs_holds_and_frees, start_with_two_leases,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_lower_cap_after_a_restart_gives_nothing_more, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(workers_beyond_the_cap_are_refused_while_all_hold_jobs,
                                    erig_start_with_two_sessions, erig_stop),
};

UNIT_TEST_MAIN(tests)
