// engine_rounds - how much one round takes, and what is on its way between two of them.
#include "unit/engine_calls.h"

enum { MANY = 1900 };

static engine_new_job *many_jobs(int64_t due_us)
{
    engine_new_job *jobs = arena_alloc(erig.memory, MANY * sizeof *jobs);
    Errand__V1__Job job = job_for("q", "k");
    for (int i = 0; i < MANY; i++) {
        jobs[i] = new_job(&job);
        jobs[i].row.due_us = due_us;
    }
    return jobs;
}

// So that the first answers need not wait for all of it.
static void large_batches_are_not_all_of_one_round(void **state)
{
    (void) state;
    enum { BATCHES = 6 };
    call *calls[BATCHES];
    int before = atomic_load(&edisk.committed);
    erig_hold();
    for (int i = 0; i < BATCHES; i++)
        calls[i] = submit_post(many_jobs(0), MANY);
    erig_release();
    for (int i = 0; i < BATCHES; i++)
        erig_fine(calls[i]);
    assert_int_equal(atomic_load(&edisk.committed) - before, 2);
}

static void large_batches_of_outcomes_are_not_all_of_one_round(void **state)
{
    (void) state;
    enum { BATCHES = 6 };
    call *calls[BATCHES];
    for (int b = 0; b < BATCHES; b++) {
        erig_fine(submit_post(many_jobs(0), MANY));
        const engine_lease *got = lease_now(1, b + 1, MANY);
        engine_outcome *outcomes = arena_alloc(erig.memory, MANY * sizeof *outcomes);
        for (int i = 0; i < MANY; i++)
            outcomes[i] = released(&got->assignments[i].row);
        calls[b] = outcomes_call(1, b + 1, outcomes, MANY);
    }
    int before = atomic_load(&edisk.committed);
    erig_hold();
    for (int i = 0; i < BATCHES; i++)
        erig_post(calls[i]);
    erig_release();
    for (int i = 0; i < BATCHES; i++)
        assert_int_equal(erig_fine(calls[i])->outcomes.accepted, MANY);
    assert_int_equal(atomic_load(&edisk.committed) - before, 2);
}

static void jobs_due_at_once_become_ready_in_one_round(void **state)
{
    (void) state;
    erig_fine(submit_post(many_jobs(T0 + SECOND), MANY));
    erig_pass(SECOND);
    erig_fine(erig_post(heartbeat_call(1, NULL, 0, 0)));
    assert_int_equal(lease_now(1, 1, MANY)->assignment_count, MANY);
}

// The connection may break between a call being parked and its command being posted.
static void a_caller_that_goes_before_its_command_comes_is_not_waited_for(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    lease_one(1, 1);
    call *leasing = lease_call(1, 2, 1, 60 * SECOND);
    engine_gone(erig.engine, leasing->lease.ticket, false);
    erig_failed(erig_post(leasing), STATUS_CANCELLED);
    uint64_t ticket = engine_ticket(erig.engine);
    engine_gone(erig.engine, ticket, false);
    call *waiting = erig_call(ENGINE_WAIT);
    waiting->wait.id = job.id;
    waiting->wait.ticket = ticket;
    waiting->wait.deadline_us = atomic_load(&erig.mono_us) + 60 * SECOND;
    erig_failed(erig_post(waiting), STATUS_CANCELLED);
    submit("q", "k");
    assert_int_equal(lease_now(2, 1, 2)->assignment_count, 1);
}

static size_t workers_stored(void)
{
    store_worker *workers;
    size_t count;
    rig_ok(erig.store->ops->load_workers(erig.store, erig.memory, &workers, &count));
    return count;
}

static void a_worker_that_is_there_is_not_forgotten(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    for (int i = 0; i < 30; i++) {
        erig_later(3600 * SECOND);
        heartbeat(1, NULL, 0, 0);
    }
    erig_halt();
    assert_int_equal(workers_stored(), 1);
    erig_run();
    erig_later(25 * (3600 * SECOND));
    erig_later(25 * (3600 * SECOND));
    erig_halt();
    assert_int_equal(workers_stored(), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(large_batches_are_not_all_of_one_round, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(large_batches_of_outcomes_are_not_all_of_one_round, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(jobs_due_at_once_become_ready_in_one_round, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_caller_that_goes_before_its_command_comes_is_not_waited_for,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_that_is_there_is_not_forgotten, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
