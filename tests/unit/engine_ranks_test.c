// engine_ranks - places in line when the aging of a queue is set, changed and cleared.
#include "unit/engine_life.h"

static void queue_aging(const char *name, int64_t aging_us)
{
    queue_settings settings = no_limits();
    settings.aging_us = aging_us;
    erig_fine(erig_post(queue_call(name, &settings, QUEUE_AGING)));
}

static job_row submit_priority(int32_t priority)
{
    engine_new_job fresh = fresh_job();
    fresh.row.priority = priority;
    return submit_new(fresh);
}

static void assert_next(uint8_t worker, int64_t sequence, const job_row *job)
{
    assert_leased(lease_now(worker, sequence, 1), job);
}

static void old_jobs_are_not_behind_new_ones_when_aging_is_set(void **state)
{
    (void) state;
    job_row old = submit_priority(0);
    queue_aging("q", SECOND);
    job_row fresh = submit_priority(-1);
    assert_next(1, 1, &old);
    assert_next(1, 2, &fresh);
}

static void jobs_that_wait_get_what_their_waiting_is_worth(void **state)
{
    (void) state;
    job_row low = submit_priority(0);
    erig_pass(3 * SECOND);
    job_row high = submit_priority(2);
    queue_aging("q", SECOND);
    assert_next(1, 1, &low);  // 3 s are worth more than 2 points
    assert_next(1, 2, &high);
}

static void strict_order_is_back_when_aging_is_cleared(void **state)
{
    (void) state;
    queue_aging("q", SECOND);
    job_row low = submit_priority(0);
    erig_pass(3 * SECOND);
    job_row high = submit_priority(2);
    queue_aging("q", 0);
    job_row higher = submit_priority(3);
    assert_next(1, 1, &higher);
    assert_next(1, 2, &high);
    assert_next(1, 3, &low);
}

static void a_job_that_comes_back_takes_its_new_place(void **state)
{
    (void) state;
    job_row old = submit_priority(0), job = lease_one(1, 1);
    queue_aging("q", SECOND);
    erig_pass(SECOND);
    job_row fresh = submit_priority(0);
    report(1, 1, released(&job));
    assert_next(1, 2, &old);
    assert_next(1, 3, &fresh);
}

static void jobs_that_stand_aside_take_their_new_places(void **state)
{
    (void) state;
    queue_max_per_key("q", 1);
    submit_keyed("a");
    job_row running = lease_one(1, 1), held = submit_keyed("a");
    assert_int_equal(lease_count(1, 2, 9), 0);
    assert_true(row_of(&held.id).held);
    queue_aging("q", SECOND);
    erig_round();
    assert_int_equal(row_of(&held.id).aging_us, SECOND);
    job_row other = submit_priority(-1);
    report(1, 1, success(&running));
    assert_next(1, 3, &held);
    assert_next(1, 4, &other);
}

static job_row submit_keyed_priority(int32_t priority)
{
    engine_new_job fresh = fresh_job();
    fresh.row.concurrency_key = job_key("q", "a");
    fresh.row.priority = priority;
    return submit_new(fresh);
}

// The turn of a key was given away in the old order.
static void one_that_stands_aside_may_have_become_the_first_of_its_key(void **state)
{
    (void) state;
    queue_max_per_key("q", 1);
    submit_keyed("a");
    job_row running = lease_one(1, 1), old = submit_keyed_priority(0);
    erig_pass(10 * SECOND);
    job_row urgent = submit_keyed_priority(1);
    assert_int_equal(lease_count(1, 2, 9), 0);
    report(1, 1, success(&running));
    assert_true(row_of(&old.id).held);
    assert_false(row_of(&urgent.id).held);
    queue_aging("q", SECOND);
    erig_round();
    assert_next(1, 3, &old);
    assert_int_equal(lease_count(1, 4, 9), 0);
}

enum { MANY = 1000 };

static void submit_many(void)
{
    static engine_new_job jobs[MANY];
    for (int i = 0; i < MANY; i++)
        jobs[i] = fresh_job();
    erig_fine(submit_post(jobs, MANY));
}

static size_t count_aged(int64_t aging_us)
{
    store_job *all;
    size_t count = read_all(&all), aged = 0;
    for (size_t i = 0; i < count; i++)
        aged += all[i].row.aging_us == aging_us;
    return aged;
}

static void many_jobs_move_in_steps(void **state)
{
    (void) state;
    submit_many();
    queue_aging("q", SECOND);
    for (int i = 0; i < 2 * MANY / 200 + 4; i++)
        erig_round();
    assert_int_equal(count_aged(SECOND), MANY);
    queue_aging("q", 0);
    for (int i = 0; i < 2 * MANY / 200 + 4; i++)
        erig_round();
    assert_int_equal(count_aged(0), MANY);
}

static void a_restart_goes_on_moving(void **state)
{
    (void) state;
    submit_many();
    queue_aging("q", SECOND);
    erig_restart();
    for (int i = 0; i < 2 * MANY / 200 + 4; i++)
        erig_round();
    assert_int_equal(count_aged(SECOND), MANY);
}

// Their places do not compare.
static void a_queue_that_ages_does_not_keep_others_from_the_workers(void **state)
{
    (void) state;
    queue_aging("q", SECOND);
    job_row first = submit("p", "k");
    for (int i = 0; i < 4; i++)
        submit_priority(0);
    for (int i = 1; i <= 2; i++)
        assert_int_equal(lease_count(1, i, 1), 1);
    assert_state(&first.id, JOB_RUNNING);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(old_jobs_are_not_behind_new_ones_when_aging_is_set, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(jobs_that_wait_get_what_their_waiting_is_worth, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(strict_order_is_back_when_aging_is_cleared, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_comes_back_takes_its_new_place, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(one_that_stands_aside_may_have_become_the_first_of_its_key,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(jobs_that_stand_aside_take_their_new_places, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(many_jobs_move_in_steps, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_restart_goes_on_moving, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_that_ages_does_not_keep_others_from_the_workers,
                                    erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
