// engine_session - what the engine keeps of worker processes, and for how long.
#include "unit/engine_life.h"

#define QUIET (300 * SECOND)
#define DAY   (86400 * SECOND)

static session *session_of(uint8_t worker)
{
    uuid id = worker_id(worker);
    return session_find(erig.engine, &id);
}

static char **names_of(size_t count)
{
    char **names = arena_alloc(erig.memory, count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = arena_zalloc(erig.memory, 32);
        snprintf(names[i], 32, "name-%zu", i);
    }
    return names;
}

// A Lease call that waits for jobs of so many queues and kinds.
static call *lease_served(uint8_t worker, size_t queues, size_t kinds, int64_t wait_us)
{
    call *c = lease_call(worker, 1, 1, wait_us);
    c->worker.queues = names_of(queues);
    c->worker.n_queues = queues;
    c->worker.kinds = names_of(kinds);
    c->worker.n_kinds = kinds;
    return erig_post(c);
}

static void a_worker_that_never_had_jobs_is_forgotten_soon(void **state)
{
    (void) state;
    erig_fine(lease_served(1, 30, 30, 0));
    assert_non_null(session_of(1));
    erig_later(QUIET + SECOND);
    assert_null(session_of(1));
    assert_int_equal(erig.engine->served, 0);
}

static void a_worker_that_had_jobs_keeps_its_number_only(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    erig_later(QUIET + SECOND);
    assert_non_null(session_of(1));
    assert_null(session_of(1)->posts);
    assert_null(session_of(1)->named);
    assert_int_equal(erig.engine->served, 0);
    assert_int_equal(report(1, 1, success(&job))->acked_outcome_sequence, 1);
    erig_later(QUIET + DAY + SECOND);
    erig_later(QUIET + DAY + SECOND);
    assert_null(session_of(1));
}

static void a_worker_that_comes_back_is_given_jobs_again(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    erig_later(QUIET + SECOND);
    call *waiting = lease_post(1, 2, 1, 60 * SECOND);
    assert_waits(waiting);
    submit("q", "k");
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
}

static void a_worker_that_waits_is_not_forgotten(void **state)
{
    (void) state;
    call *waiting = lease_post(1, 1, 1, DAY);
    for (int i = 0; i < 5; i++)
        erig_later(QUIET + SECOND);
    assert_waits(waiting);
    submit("q", "k");
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
}

static int start_with_few_names(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_served = 1000;
    erig_run();
    return 0;
}

// 20 and 20 names make 400 pairs.
static void names_beyond_the_cap_are_refused_while_all_wait(void **state)
{
    (void) state;
    call *first = lease_served(1, 20, 20, 60 * SECOND),
         *second = lease_served(2, 20, 20, 60 * SECOND);
    assert_waits(first);
    assert_waits(second);
    call *third = lease_served(3, 20, 20, 60 * SECOND);
    erig_failed(third, STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(third->command.failure->message, "at most 1000"));
    assert_waits(lease_served(4, 1, 1, 60 * SECOND));
    erig_later(61 * SECOND);
    assert_waits(lease_served(3, 20, 20, 60 * SECOND));  // those before it wait no longer
}

static void a_worker_that_changes_its_names_counts_once(void **state)
{
    (void) state;
    for (size_t i = 1; i <= 20; i++)
        erig_fine(lease_served(1, i, 20, 0));
    assert_int_equal(erig.engine->served, 20 + 20 + 400);
}

static void the_cap_on_workers_is_named(void **state)
{
    (void) state;
    lease_post(1, 1, 1, 60 * SECOND);
    lease_post(2, 1, 1, 60 * SECOND);
    call *third = lease_post(3, 1, 1, 60 * SECOND);
    erig_failed(third, STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(third->command.failure->message, "max_sessions"));
}

static void a_lower_cap_on_workers_does_not_keep_the_server_from_starting(void **state)
{
    (void) state;
    for (uint8_t i = 1; i <= 4; i++) {
        submit("q", "k");
        lease_one(i, 1);
    }
    erig.options.max_sessions = 1;
    erig_restart();
    for (uint8_t i = 1; i <= 4; i++)
        assert_int_equal(session_of(i)->lease_count, 1);
    erig_failed(lease_post(5, 1, 1, 0), STATUS_RESOURCE_EXHAUSTED);
}

// ---- outcomes of those who never had a job ----

static void outcomes_of_a_stranger_leave_little_behind(void **state)
{
    (void) state;
    enum { MANY = 500 };
    static engine_outcome outcomes[MANY];
    job_row job = submit("q", "k");
    for (int i = 0; i < MANY; i++)
        outcomes[i] = success(&job);
    erig_fine(erig_post(outcomes_call(1, 1, outcomes, MANY)));
    assert_in_range(session_of(1)->rejected_count, 1, 100);
    assert_int_equal(lease_now(1, 2, 0)->notices.acked_outcome_sequence, 1);
    erig_later(QUIET + SECOND);
    assert_null(session_of(1)->rejected);
    assert_state(&job.id, JOB_READY);
}

static void the_last_number_there_is_comes_before_none(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    assert_int_equal(report(1, INT64_MAX, success(&job))->acked_outcome_sequence, INT64_MAX);
    assert_int_equal(report(1, INT64_MAX, success(&job))->acked_outcome_sequence, INT64_MAX);
    assert_int_equal(report(1, 1, success(&job))->acked_outcome_sequence, INT64_MAX);
}

static void progress_told_twice_in_one_heartbeat_is_told_once(void **state)
{
    (void) state;
    // errand.v1.Progress with done 1 and 2.
    static const uint8_t one[] = {0x08, 0x01}, two[] = {0x08, 0x02};
    submit("q", "k");
    job_row job = lease_one(1, 1);
    const engine_lease_ref running[] = {ref_of(&job), ref_of(&job), ref_of(&job)};
    const slice progress[] = {{one, 2}, {two, 2}, {one, 2}};
    call *c = heartbeat_call(1, running, 3, 0);
    c->heartbeat.progress = progress;
    erig_fine(erig_post(c));
    assert_int_equal(row_of(&job.id).revision, job.revision + 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_worker_that_never_had_jobs_is_forgotten_soon, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_that_had_jobs_keeps_its_number_only, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_that_comes_back_is_given_jobs_again, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_that_waits_is_not_forgotten, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(names_beyond_the_cap_are_refused_while_all_wait,
                                    start_with_few_names, erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_that_changes_its_names_counts_once,
                                    start_with_few_names, erig_stop),
    cmocka_unit_test_setup_teardown(the_cap_on_workers_is_named, erig_start_with_two_sessions,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_lower_cap_on_workers_does_not_keep_the_server_from_starting,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(outcomes_of_a_stranger_leave_little_behind, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(the_last_number_there_is_comes_before_none, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(progress_told_twice_in_one_heartbeat_is_told_once, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
