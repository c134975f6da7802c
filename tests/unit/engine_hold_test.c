// engine_hold - concurrency keys: at most max_per_key jobs of one key run, and none is forgotten.
#include "unit/engine_life.h"

static int start_one_per_key(void **state)
{
    erig_start(state);
    queue_max_per_key("q", 1);
    return 0;
}

static void one_job_of_a_key_runs_at_a_time(void **state)
{
    (void) state;
    job_row first = submit_keyed("a"), second = submit_keyed("a"), other = submit_keyed("b");
    const engine_lease *got = lease_now(1, 1, 9);
    assert_int_equal(got->assignment_count, 2);
    assert_true(uuid_equal(&got->assignments[0].row.id, &first.id));
    assert_true(uuid_equal(&got->assignments[1].row.id, &other.id));
    assert_true(row_of(&second.id).held);
    assert_state(&second.id, JOB_READY);
}

static void the_next_of_a_key_runs_when_one_has_ended(void **state)
{
    (void) state;
    submit_keyed("a");
    job_row second = submit_keyed("a");
    job_row job = lease_one(1, 1);
    call *asking = lease_post(2, 1, 1, LONG);
    assert_waits(asking);
    report(1, 1, success(&job));
    erig_fine(asking);
    assert_leased(&asking->lease, &second);
}

static void the_order_within_a_key_is_that_of_the_queue(void **state)
{
    (void) state;
    job_row rows[4];
    submit_keyed("a");
    job_row job = lease_one(1, 1);
    for (int i = 0; i < 4; i++) {
        engine_new_job fresh = fresh_job();
        fresh.row.concurrency_key = job_key("q", "a");
        fresh.row.priority = i;
        rows[i] = submit_new(fresh);
    }
    assert_int_equal(lease_count(1, 2, 9), 0);
    for (int i = 3; i >= 0; i--) {
        report(1, 4 - i, success(&job));
        job = lease_one(1, 6 - i);
        assert_true(uuid_equal(&job.id, &rows[i].id));
    }
}

static void the_same_key_in_another_queue_is_another_key(void **state)
{
    (void) state;
    Errand__V1__Job spec = job_for("p", "k");
    engine_new_job other = new_job(&spec);
    other.row.concurrency_key = job_key("p", "a");
    queue_max_per_key("p", 1);
    submit_keyed("a");
    submit_new(other);
    assert_int_equal(lease_count(1, 1, 9), 2);
}

static void a_larger_limit_lets_held_jobs_go(void **state)
{
    (void) state;
    for (int i = 0; i < 5; i++)
        submit_keyed("a");
    assert_int_equal(lease_count(1, 1, 9), 1);
    queue_max_per_key("q", 3);
    assert_int_equal(lease_count(1, 2, 9), 2);
    queue_change("q", no_limits());
    assert_int_equal(lease_count(1, 3, 9), 2);
}

static void a_smaller_limit_keeps_what_runs(void **state)
{
    (void) state;
    job_row rows[3];
    queue_max_per_key("q", 3);
    for (int i = 0; i < 4; i++)
        submit_keyed("a");
    const engine_lease *got = lease_now(1, 1, 9);
    assert_int_equal(got->assignment_count, 3);
    for (int i = 0; i < 3; i++)
        rows[i] = got->assignments[i].row;
    queue_max_per_key("q", 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lease_count(1, 2 + i, 9), 0);
        report(1, 1 + i, success(&rows[i]));
    }
    assert_int_equal(lease_count(1, 9, 9), 1);
}

static void held_jobs_go_on_after_a_restart(void **state)
{
    (void) state;
    submit_keyed("a");
    job_row second = submit_keyed("a");
    job_row job = lease_one(1, 1);
    assert_int_equal(lease_count(1, 2, 9), 0);
    erig_restart();
    assert_int_equal(lease_count(1, 3, 9), 0);
    report(1, 1, success(&job));
    assert_leased(lease_now(1, 4, 9), &second);
}

// A slot that was given to a job which then goes otherwise is given to the next one.
static void released_and_gone(void (*end)(const job_row *job))
{
    submit_keyed("a");
    job_row second = submit_keyed("a"), third = submit_keyed("a");
    job_row job = lease_one(1, 1);
    assert_int_equal(lease_count(1, 2, 9), 0);
    assert_true(row_of(&third.id).held);
    report(1, 1, success(&job));
    end(&second);
    assert_leased(lease_now(1, 3, 9), &third);
}

static void cancel_it(const job_row *job)
{
    control(ENGINE_CANCEL, &job->id);
}

static void delete_it(const job_row *job)
{
    control(ENGINE_DELETE, &job->id);
}

static void a_slot_is_not_lost_with_a_cancelled_job(void **state)
{
    (void) state;
    released_and_gone(cancel_it);
}

static void a_slot_is_not_lost_with_a_deleted_job(void **state)
{
    (void) state;
    released_and_gone(delete_it);
}

static void a_slot_is_not_lost_with_an_expired_job(void **state)
{
    (void) state;
    submit_keyed("a");
    engine_new_job fresh = fresh_job();
    fresh.row.concurrency_key = job_key("q", "a");
    fresh.row.expire_us = T0 + SECOND;
    submit_new(fresh);
    job_row third = submit_keyed("a");
    job_row job = lease_one(1, 1);
    assert_int_equal(lease_count(1, 2, 9), 0);
    report(1, 1, success(&job));
    erig_later(2 * SECOND);
    assert_leased(lease_now(1, 3, 9), &third);
}

// Jobs that nobody can run, however many, are no reason to keep back another one of their key.
static void a_kind_without_a_worker_does_not_keep_the_key(void **state)
{
    (void) state;
    enum { MANY = 100 };
    Errand__V1__Job spec = job_for("q", "rare");
    engine_new_job later = new_job(&spec);
    later.delay_us = LONG;
    submit_new(later);  // the kind is known before the other
    submit_keyed("a");
    for (int i = 0; i < MANY; i++) {
        engine_new_job rare = new_job(&spec);
        rare.row.concurrency_key = job_key("q", "a");
        submit_new(rare);
    }
    job_row job = lease_one(1, 1), last = submit_keyed("a");
    assert_int_equal(lease_count(1, 2, 9), 0);
    report(1, 1, success(&job));
    call *c = erig_fine(erig_post(serving(lease_call(1, 3, 9, 0), NULL, "k")));
    assert_leased(&c->lease, &last);
}

// Letting go a step at a time comes to its end, although the key is full and a worker asks.
static void many_held_jobs_are_looked_at_once(void **state)
{
    (void) state;
    enum { MANY = 500 };
    engine_new_job jobs[MANY];
    for (int i = 0; i < MANY; i++) {
        jobs[i] = fresh_job();
        jobs[i].row.concurrency_key = job_key("q", "a");
    }
    erig_fine(submit_post(jobs, MANY));
    assert_int_equal(lease_count(1, 1, 9), 1);
    call *asking = lease_post(2, 1, 9, LONG);
    queue_max_per_key("q", 1);
    for (int i = 0; i < 20; i++)
        erig_round();
    int commits = atomic_load(&edisk.committed);
    for (int i = 0; i < 20; i++)
        erig_round();
    assert_int_equal(atomic_load(&edisk.committed), commits);
    assert_false(erig_is_done(asking));
}

// The first hands its turn on to the second, which has expired too.
static void the_turn_of_jobs_that_expire_together_goes_to_the_next(void **state)
{
    (void) state;
    submit_keyed("a");
    job_row running = lease_one(1, 1);
    for (int i = 0; i < 2; i++) {
        engine_new_job late = fresh_job();
        late.row.concurrency_key = job_key("q", "a");
        late.row.expire_us = T0 + SECOND + i;
        submit_new(late);
    }
    job_row last = submit_keyed("a");
    assert_int_equal(lease_count(1, 2, 9), 0);  // all stand aside
    assert_true(row_of(&last.id).held);
    report(1, 1, success(&running));
    erig_later(2 * SECOND);
    assert_leased(lease_now(1, 3, 9), &last);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(one_job_of_a_key_runs_at_a_time, start_one_per_key, erig_stop),
    cmocka_unit_test_setup_teardown(the_next_of_a_key_runs_when_one_has_ended, start_one_per_key,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_order_within_a_key_is_that_of_the_queue, start_one_per_key,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_same_key_in_another_queue_is_another_key, start_one_per_key,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_larger_limit_lets_held_jobs_go, start_one_per_key, erig_stop),
    cmocka_unit_test_setup_teardown(a_smaller_limit_keeps_what_runs, start_one_per_key, erig_stop),
    cmocka_unit_test_setup_teardown(held_jobs_go_on_after_a_restart, start_one_per_key, erig_stop),
    cmocka_unit_test_setup_teardown(a_slot_is_not_lost_with_a_cancelled_job, start_one_per_key,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_slot_is_not_lost_with_a_deleted_job, start_one_per_key,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_slot_is_not_lost_with_an_expired_job, start_one_per_key,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_kind_without_a_worker_does_not_keep_the_key,
                                    start_one_per_key, erig_stop),
    cmocka_unit_test_setup_teardown(many_held_jobs_are_looked_at_once, start_one_per_key,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_turn_of_jobs_that_expire_together_goes_to_the_next,
                                    start_one_per_key, erig_stop),
};

UNIT_TEST_MAIN(tests)
