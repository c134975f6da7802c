// engine_watch - what is told of jobs: to those who watch them, who ask why, who count.
#include "unit/engine_life.h"

static call *watch_post(const uuid *id, int64_t revision)
{
    call *c = erig_call(ENGINE_WAIT);
    c->wait.id = *id;
    c->wait.ticket = engine_ticket(erig.engine);
    c->wait.deadline_us = atomic_load(&erig.mono_us) + LONG;
    c->wait.watch = true;
    c->wait.revision = revision;
    return erig_post(c);
}

static void assert_told(call *c, job_state state)
{
    erig_fine(c);
    assert_string_equal(job_state_name(c->wait.row.state), job_state_name(state));
    assert_true(c->wait.row.revision > c->wait.revision);
}

// ---- watch ----

static void a_watch_is_told_of_each_change(void **state)
{
    (void) state;
    engine_new_job fresh = fresh_job();
    fresh.row.due_us = T0 + SECOND;
    job_row job = submit_new(fresh);
    call *watch = watch_post(&job.id, job.revision);
    assert_waits(watch);
    erig_later(SECOND);
    assert_told(watch, JOB_READY);
    watch = watch_post(&job.id, watch->wait.row.revision);
    job = lease_one(1, 1);
    assert_told(watch, JOB_RUNNING);
    watch = watch_post(&job.id, watch->wait.row.revision);
    report(1, 1, failure(&job, true));
    assert_told(watch, JOB_SCHEDULED);
    watch = watch_post(&job.id, watch->wait.row.revision);
    control(ENGINE_CANCEL, &job.id);
    assert_told(watch, JOB_CANCELLED);
}

static void an_old_revision_is_answered_at_once(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    assert_told(watch_post(&job.id, 0), JOB_READY);
    job = lease_one(1, 1);
    report(1, 1, success(&job));
    erig_fine(watch_post(&job.id, 99));
}

static void a_plain_wait_is_not_told_of_what_is_no_end(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *waiter = wait_post(&job.id, LONG);
    job = lease_one(1, 1);
    assert_waits(waiter);
    report(1, 1, success(&job));
    assert_int_equal(erig_fine(waiter)->wait.row.state, JOB_SUCCEEDED);
}

static void a_watch_ends_at_its_deadline_with_the_state_so_far(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *watch = watch_post(&job.id, job.revision);
    erig_later(LONG);
    assert_int_equal(erig_fine(watch)->wait.row.revision, job.revision);
}

static void an_unblocked_job_is_told(void **state)
{
    (void) state;
    job_row other = submit("q", "k"), job = submit_after(&other);
    call *watch = watch_post(&job.id, job.revision);
    assert_waits(watch);
    other = lease_one(1, 1);
    report(1, 1, success(&other));
    erig_round();
    assert_told(watch, JOB_READY);
}

// ---- progress ----

// The message is in the field 3.
static const slice halfway = {(const uint8_t *) "\x1a\x04half", 6};

static void heartbeat_with(const job_row *job, slice progress)
{
    engine_lease_ref ref = ref_of(job);
    call *c = heartbeat_call(1, &ref, 1, 0);
    c->heartbeat.progress = &progress;
    erig_fine(erig_post(c));
}

static void progress_is_stored_and_told_once(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    call *watch = watch_post(&job.id, job.revision);
    heartbeat_with(&job, halfway);
    assert_told(watch, JOB_RUNNING);
    int64_t revision = watch->wait.row.revision;
    heartbeat_with(&job, halfway);
    assert_int_equal(row_of(&job.id).revision, revision);
    heartbeat_with(&job, (slice){0});
    assert_int_equal(row_of(&job.id).revision, revision);
}

// ---- explain ----

static void explain_tells_the_limits_in_the_way(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.rate_count = settings.rate_burst = 1;
    settings.rate_per_us = 10 * SECOND;
    settings.max_running = 1;
    queue_change("q", settings);
    job_row first = submit("q", "k"), job = submit("q", "k");
    assert_int_equal(explain(&job.id)->next_token_us, 0);
    lease_one(1, 1);
    const engine_explain *told = explain(&job.id);
    assert_int_equal(told->row.seq, job.seq);
    assert_int_equal(told->queue_running, 1);
    assert_int_equal(told->settings.max_running, 1);
    assert_int_equal(told->next_token_us, T0 + 10 * SECOND);
    assert_true(told->has_worker);
    assert_int_equal(explain(&first.id)->row.state, JOB_RUNNING);
}

static void explain_tells_how_many_of_the_key_run(void **state)
{
    (void) state;
    queue_max_per_key("q", 2);
    submit_keyed("a");
    submit_keyed("a");
    job_row job = submit_keyed("a");
    assert_int_equal(lease_count(1, 1, 9), 2);
    const engine_explain *told = explain(&job.id);
    assert_int_equal(told->key_running, 2);
    assert_true(told->row.held);
}

static void explain_tells_of_a_retry_after(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.hold_on_retry_after = true;
    queue_change("q", settings);
    submit("q", "k");
    job_row job = lease_one(1, 1), next = submit("q", "k");
    engine_outcome outcome = failure(&job, true);
    outcome.retry_after_us = 20 * SECOND;
    report(1, 1, outcome);
    assert_int_equal(explain(&next.id)->held_back_us, T0 + 20 * SECOND);
    erig_pass(20 * SECOND);
    assert_int_equal(explain(&next.id)->held_back_us, 0);
    assert_true(explain(&next.id)->probing);
}

static void explain_knows_whether_somebody_could_run_it(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    assert_false(explain(&job.id)->has_worker);
    erig_fine(erig_post(serving(lease_call(1, 1, 1, 0), NULL, "other")));
    assert_false(explain(&job.id)->has_worker);
    queue_pause("q", true);
    assert_int_equal(lease_count(2, 1, 1), 0);
    assert_true(explain(&job.id)->has_worker);
    erig_pass(1000 * SECOND);
    assert_false(explain(&job.id)->has_worker);
}

static void explaining_an_unknown_job_is_not_found(void **state)
{
    (void) state;
    call *c = erig_call(ENGINE_EXPLAIN);
    c->explain.id = uuid_new_v7(T0);
    erig_failed(erig_post(c), STATUS_NOT_FOUND);
}

// ---- workers, counters ----

static void workers_are_listed_with_what_they_run(void **state)
{
    (void) state;
    submit("q", "k");
    call *c = serving(lease_call(1, 1, 1, 0), "q", NULL);
    c->worker.host = text("far");
    c->worker.pid = 42;
    erig_fine(erig_post(c));
    call *asked = erig_call(ENGINE_WORKERS);
    asked->workers.memory = asked->memory;
    const engine_workers *told = &erig_fine(erig_post(asked))->workers;
    assert_int_equal(told->count, 1);
    assert_string_equal(told->infos[0].worker.host, "far");
    assert_int_equal(told->infos[0].worker.pid, 42);
    assert_int_equal(told->infos[0].worker.running, 1);
    assert_string_equal(told->infos[0].worker.queues[0], "q");
}

static const engine_stats *stats(void)
{
    return &erig_fine(erig_post(erig_call(ENGINE_STATS)))->stats;
}

static void counters_follow_the_jobs(void **state)
{
    (void) state;
    submit("q", "k");
    submit("p", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    call *asking = lease_post(2, 1, 0, LONG);
    const engine_stats *told = stats();
    assert_int_equal(told->jobs[JOB_READY], 1);
    assert_int_equal(told->jobs[JOB_SUCCEEDED], 1);
    assert_int_equal(told->workers, 2);
    assert_int_equal(told->waiting, 1);
    erig_later(1000 * SECOND);
    erig_fine(asking);
    assert_int_equal(stats()->workers, 0);
}

static void workers_that_run_all_they_can_are_told_from_none(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = submit("q", "k");
    assert_false(explain(&job.id)->has_worker);
    call *c = lease_call(1, 1, 1, 0);
    c->worker.concurrency = 1;
    erig_fine(erig_post(c));
    assert_true(explain(&job.id)->has_worker);
    assert_false(explain(&job.id)->has_room);
    call *waiting = lease_post(2, 1, 0, LONG);  // for cancellations only
    assert_waits(waiting);
    assert_false(explain(&job.id)->has_room);
    job_row paused = job;
    queue_pause("q", true);
    call *other = lease_post(3, 1, 1, LONG);
    assert_waits(other);
    assert_true(explain(&paused.id)->has_room);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_watch_is_told_of_each_change, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_old_revision_is_answered_at_once, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_plain_wait_is_not_told_of_what_is_no_end, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_watch_ends_at_its_deadline_with_the_state_so_far, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_unblocked_job_is_told, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(progress_is_stored_and_told_once, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(explain_tells_the_limits_in_the_way, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(explain_tells_how_many_of_the_key_run, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(explain_tells_of_a_retry_after, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(explain_knows_whether_somebody_could_run_it, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(explaining_an_unknown_job_is_not_found, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(workers_are_listed_with_what_they_run, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(counters_follow_the_jobs, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(workers_that_run_all_they_can_are_told_from_none, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
