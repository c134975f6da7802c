// engine_relations - jobs tied to others: unique keys, jobs that wait for others, expiry.
#include "unit/engine_life.h"

static engine_new_job job_unique(const char *key)
{
    engine_new_job job = fresh_job();
    job.row.unique_key = job_key("q", key);
    return job;
}

static engine_new_job submitted(engine_new_job job)
{
    erig_fine(submit_post(&job, 1));
    rig_ok(job.failure);
    return job;
}

static void end_leased(uint8_t worker, int64_t sequence, bool well)
{
    job_row job = lease_one(worker, sequence);
    report(worker, 0, well ? success(&job) : failure(&job, false));
}

// ---- unique keys ----

static void the_same_key_answers_with_the_job_that_has_it(void **state)
{
    (void) state;
    job_row first = submit_new(job_unique("a"));
    engine_new_job second = submitted(job_unique("a"));
    assert_true(second.duplicate && second.other);
    rig_assert_same_row(&second.row, &first);
    assert_false(submitted(job_unique("b")).duplicate);
}

static void a_key_is_free_when_its_job_has_ended(void **state)
{
    (void) state;
    submit_new(job_unique("a"));
    job_row job = lease_one(1, 1);
    assert_true(submitted(job_unique("a")).duplicate);
    report(1, 1, success(&job));
    assert_false(submitted(job_unique("a")).duplicate);
}

static void the_id_is_looked_at_before_the_key(void **state)
{
    (void) state;
    engine_new_job job = job_unique("a"), again = job;
    submit_new(job);
    again = submitted(again);
    assert_true(again.duplicate);
    assert_false(again.other);
}

static void one_batch_may_name_a_key_twice(void **state)
{
    (void) state;
    engine_new_job jobs[] = {job_unique("a"), job_unique("a")};
    erig_fine(submit_post(jobs, 2));
    assert_false(jobs[0].duplicate);
    assert_true(jobs[1].duplicate && jobs[1].other);
    assert_true(uuid_equal(&jobs[1].row.id, &jobs[0].row.id));
}

static void a_retry_is_refused_while_another_has_the_key(void **state)
{
    (void) state;
    job_row first = submit_new(job_unique("a"));
    control(ENGINE_CANCEL, &first.id);
    job_row second = submit_new(job_unique("a"));
    char id[UUID_TEXT_SIZE];
    call *refused = control_post(ENGINE_RETRY, &first.id, 0);
    erig_failed(refused, STATUS_FAILED_PRECONDITION);
    assert_non_null(strstr(refused->command.failure->message, uuid_format(&second.id, id)));
    control(ENGINE_CANCEL, &second.id);
    control(ENGINE_RETRY, &first.id);
    assert_true(submitted(job_unique("a")).duplicate);
}

static void keys_are_kept_over_a_restart(void **state)
{
    (void) state;
    submit_new(job_unique("a"));
    erig_restart();
    assert_true(submitted(job_unique("a")).duplicate);
}

// ---- after ----

static void a_job_waits_for_all_that_it_names(void **state)
{
    (void) state;
    uuid others[] = {submit("q", "k").id, submit("q", "k").id};
    job_row job = submit_new(job_after(others, 2));
    assert_int_equal(job.state, JOB_BLOCKED);
    end_leased(1, 1, true);
    assert_state(&job.id, JOB_BLOCKED);
    end_leased(1, 2, true);
    erig_round();
    assert_state(&job.id, JOB_READY);
}

static void a_job_is_cancelled_when_one_that_it_waits_for_fails(void **state)
{
    (void) state;
    job_row other = submit("q", "k");
    job_row job = submit_after(&other), next = submit_after(&job);
    end_leased(1, 1, false);
    for (int i = 0; i < 4; i++)
        erig_round();
    assert_state(&job.id, JOB_CANCELLED);
    assert_state(&next.id, JOB_CANCELLED);
    store_job stored = read_job(&job.id);
    assert_non_null(strstr(attempt_of(&stored, 0)->error->message, "FAILED"));
}

static void waiting_for_what_has_succeeded_is_no_waiting(void **state)
{
    (void) state;
    job_row other = submit("q", "k");
    end_leased(1, 1, true);
    assert_int_equal(submit_after(&other).state, JOB_READY);
}

static void waiting_for_what_was_cancelled_ends_cancelled(void **state)
{
    (void) state;
    job_row other = submit("q", "k");
    control(ENGINE_CANCEL, &other.id);
    job_row job = submit_after(&other);
    erig_round();
    assert_state(&job.id, JOB_CANCELLED);
}

static void an_unknown_job_can_not_be_waited_for(void **state)
{
    (void) state;
    uuid others[] = {submit("q", "k").id, uuid_new_v7(T0)};
    engine_new_job job = job_after(others, 2);
    erig_fine(submit_post(&job, 1));
    assert_int_equal(status_code_of(job.failure), STATUS_INVALID_ARGUMENT);
    assert_string_equal(job.failure->violations[0].field, "after[1]");
    status_free(job.failure);
    assert_int_equal(row_of(&job.row.id).seq, 0);
}

static void a_job_of_the_same_batch_can_be_waited_for(void **state)
{
    (void) state;
    engine_new_job jobs[] = {fresh_job(), fresh_job()};
    jobs[1].after = &jobs[0].row.id;
    jobs[1].row.blockers = 1;
    erig_fine(submit_post(jobs, 2));
    rig_ok(jobs[1].failure);
    assert_int_equal(jobs[1].row.state, JOB_BLOCKED);
}

static void a_job_named_twice_is_waited_for_once(void **state)
{
    (void) state;
    job_row other = submit("q", "k");
    uuid others[] = {other.id, other.id};
    job_row job = submit_new(job_after(others, 2));
    assert_int_equal(job.blockers, 1);
    end_leased(1, 1, true);
    erig_round();
    assert_state(&job.id, JOB_READY);
}

static void deleting_an_unfinished_job_cancels_those_that_wait_for_it(void **state)
{
    (void) state;
    job_row other = submit("q", "k"), job = submit_after(&other);
    control(ENGINE_DELETE, &other.id);
    for (int i = 0; i < 3; i++)
        erig_round();
    assert_state(&job.id, JOB_CANCELLED);
    assert_int_equal(row_of(&other.id).seq, 0);
    store_job told = read_job(&job.id);
    assert_non_null(strstr(attempt_of(&told, 0)->error->message, "was deleted"));
}

static void a_deleted_job_does_not_come_back(void **state)
{
    (void) state;
    job_row other = submit("q", "k");
    submit_after(&other);
    erig_hold();
    call *deleted = control_post(ENGINE_DELETE, &other.id, 0);
    call *again = control_post(ENGINE_DELETE, &other.id, 0);
    call *retried = control_post(ENGINE_RETRY, &other.id, 0);
    erig_release();
    erig_fine(deleted);
    erig_failed(again, STATUS_NOT_FOUND);
    erig_failed(retried, STATUS_NOT_FOUND);
}

// Nobody is answered with a job that is about to vanish.
static void a_deleted_job_is_not_there_while_others_are_told(void **state)
{
    (void) state;
    engine_new_job again = fresh_job();
    job_row other = submit_new(again);
    submit_after(&other);
    engine_new_job behind = job_after(&other.id, 1);
    erig_hold();
    call *deleted = control_post(ENGINE_DELETE, &other.id, 0);
    call *submitted = submit_post(&again, 1), *late = submit_post(&behind, 1);
    call *waiter = wait_post(&other.id, LONG);
    call *asked = erig_call(ENGINE_EXPLAIN);
    asked->explain.id = other.id;
    erig_post(asked);
    erig_release();
    erig_fine(deleted);
    erig_fine(submitted);
    assert_int_equal(status_code_of(again.failure), STATUS_UNAVAILABLE);
    assert_true(again.failure->retry_delay_ms > 0);
    erig_fine(late);
    assert_int_equal(status_code_of(behind.failure), STATUS_INVALID_ARGUMENT);
    erig_failed(waiter, STATUS_NOT_FOUND);
    erig_failed(asked, STATUS_NOT_FOUND);
    status_free(again.failure);
    status_free(behind.failure);
}

// A few are told in the round of the deletion: then the id can be used again.
static void the_id_of_a_deleted_job_is_free(void **state)
{
    (void) state;
    engine_new_job again = fresh_job();
    job_row other = submit_new(again), job = submit_after(&other);
    control(ENGINE_DELETE, &other.id);
    again = submitted(again);
    assert_false(again.duplicate);
    assert_true(again.row.seq > job.seq);
    erig_round();
    assert_state(&again.row.id, JOB_READY);
    assert_state(&job.id, JOB_CANCELLED);
}

static void a_fan_out_is_told_in_steps(void **state)
{
    (void) state;
    enum { MANY = 450 };
    static engine_new_job jobs[MANY];
    job_row other = submit("q", "k");
    for (int i = 0; i < MANY; i++)
        jobs[i] = job_after(&other.id, 1);
    erig_fine(submit_post(jobs, MANY));
    end_leased(1, 1, true);
    for (int i = 0; i < 4; i++)
        erig_round();
    assert_int_equal(queue_get("q")->depth[JOB_READY], MANY);
    assert_false(row_of(&other.id).has_dependants);
}

// Each round has a time of its own.
static int64_t ticking_wall(void *data)
{
    (void) data;
    erig_hold_here();
    return atomic_fetch_add(&erig.wall_us, 1);
}

static int start_ticking(void **state)
{
    (void) state;
    erig_prepare();
    erig.clock.wall_us = ticking_wall;
    erig_run();
    return 0;
}

// They take turns.
static void a_large_fan_out_does_not_hold_up_a_small_one(void **state)
{
    (void) state;
    enum { MANY = 2000 };
    static engine_new_job jobs[MANY];
    job_row large = submit("q", "k"), small = submit("q", "k");
    for (int i = 0; i < MANY; i++)
        jobs[i] = job_after(&large.id, 1);
    erig_fine(submit_post(jobs, MANY));
    job_row waiting = submit_after(&small);
    erig_hold();
    call *first = control_post(ENGINE_CANCEL, &large.id, 0);
    call *second = control_post(ENGINE_CANCEL, &small.id, 0);
    call *told = wait_post(&waiting.id, LONG);
    erig_release();
    erig_fine(first);
    job_row ended = erig_fine(second)->control.row;
    assert_int_equal(erig_fine(told)->wait.row.state, JOB_CANCELLED);
    assert_int_equal(told->wait.row.finish_us, ended.finish_us);  // in the same round
}

static void a_restart_goes_on_telling(void **state)
{
    (void) state;
    job_row other = submit("q", "k"), job = submit_after(&other);
    end_leased(1, 1, true);
    erig_restart();
    erig_round();
    assert_state(&job.id, JOB_READY);
}

// ---- expiry ----

static engine_new_job job_until(int64_t expire_us)
{
    engine_new_job job = fresh_job();
    job.row.expire_us = expire_us;
    return job;
}

static void a_job_that_was_not_started_in_time_expires(void **state)
{
    (void) state;
    job_row job = submit_new(job_until(T0 + SECOND));
    call *waiter = wait_post(&job.id, LONG);
    erig_later(SECOND - 1);
    assert_false(erig_is_done(waiter));
    erig_later(1);
    assert_int_equal(erig_fine(waiter)->wait.row.state, JOB_EXPIRED);
}

static void a_late_job_is_not_handed_out(void **state)
{
    (void) state;
    job_row late = submit_new(job_until(T0 + SECOND)), good = submit("q", "k");
    erig_pass(SECOND);
    assert_leased(lease_now(1, 1, 9), &good);
    assert_state(&late.id, JOB_EXPIRED);
}

static void a_job_that_was_started_does_not_expire(void **state)
{
    (void) state;
    submit_new(job_until(T0 + SECOND));
    job_row job = lease_one(1, 1);
    erig_later(2 * SECOND);
    report(1, 1, released(&job));
    erig_later(2 * SECOND);
    assert_state(&job.id, JOB_READY);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_same_key_answers_with_the_job_that_has_it, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_key_is_free_when_its_job_has_ended, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_id_is_looked_at_before_the_key, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(one_batch_may_name_a_key_twice, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_retry_is_refused_while_another_has_the_key, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(keys_are_kept_over_a_restart, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_waits_for_all_that_it_names, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_is_cancelled_when_one_that_it_waits_for_fails, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(waiting_for_what_has_succeeded_is_no_waiting, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(waiting_for_what_was_cancelled_ends_cancelled, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_unknown_job_can_not_be_waited_for, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_of_the_same_batch_can_be_waited_for, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_named_twice_is_waited_for_once, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(deleting_an_unfinished_job_cancels_those_that_wait_for_it,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_deleted_job_does_not_come_back, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_deleted_job_is_not_there_while_others_are_told, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_id_of_a_deleted_job_is_free, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_fan_out_is_told_in_steps, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_large_fan_out_does_not_hold_up_a_small_one, start_ticking,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_restart_goes_on_telling, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_was_not_started_in_time_expires, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_late_job_is_not_handed_out, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_was_started_does_not_expire, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
