// engine_queue - queues: settings kept and obeyed, limits that are never passed.
#include "unit/engine_life.h"

static void submit_many(int count)
{
    for (int i = 0; i < count; i++)
        submit("q", "k");
}

static queue_settings rate(int64_t count, int64_t per_us, int64_t burst)
{
    queue_settings settings = no_limits();
    settings.rate_count = count;
    settings.rate_per_us = per_us;
    settings.rate_burst = burst;
    return settings;
}

// ---- settings ----

static void settings_are_kept_over_a_restart(void **state)
{
    (void) state;
    queue_settings settings = rate(5, SECOND, 2);
    settings.max_depth = 9;
    settings.paused = true;
    queue_change("q", settings);
    erig_restart();
    const engine_queue_info *info = queue_get("q");
    assert_int_equal(info->settings.rate_count, 5);
    assert_int_equal(info->settings.max_depth, 9);
    assert_true(info->settings.paused);
}

static void a_mask_leaves_the_other_settings(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.max_running = 3;
    queue_change("q", settings);
    queue_pause("q", true);
    const engine_queue_info *info = queue_get("q");
    assert_int_equal(info->settings.max_running, 3);
    assert_true(info->settings.paused);
}

static void wrong_settings_change_nothing(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.max_running = -5;
    erig_failed(erig_post(queue_call("q", &settings, QUEUE_ALL_FIELDS)), STATUS_INVALID_ARGUMENT);
    erig_failed(erig_post(queue_call("q", NULL, 0)), STATUS_NOT_FOUND);
}

static void a_queue_is_there_once_a_job_names_it(void **state)
{
    (void) state;
    erig_failed(erig_post(queue_call("q", NULL, 0)), STATUS_NOT_FOUND);
    submit_many(2);
    lease_one(1, 1);
    const engine_queue_info *info = queue_get("q");
    assert_int_equal(info->depth[JOB_READY], 1);
    assert_int_equal(info->depth[JOB_RUNNING], 1);
    assert_int_equal(info->depth[JOB_SUCCEEDED], 0);
}

static const engine_queues *list_behind(const char *after, size_t limit)
{
    call *c = erig_call(ENGINE_QUEUES);
    c->queues.after = after;
    c->queues.limit = limit;
    c->queues.memory = c->memory;
    return &erig_fine(erig_post(c))->queues;
}

static void queues_are_listed_by_name_in_pages(void **state)
{
    (void) state;
    submit("c", "k");
    submit("a", "k");
    submit("a", "other");
    queue_pause("b", true);
    const engine_queues *page = list_behind("", 2);
    assert_int_equal(page->count, 2);
    assert_true(page->more);
    assert_string_equal(page->infos[0].name, "a");
    assert_int_equal(page->infos[0].depth[JOB_READY], 2);
    assert_string_equal(page->infos[1].name, "b");
    page = list_behind("b", 2);
    assert_int_equal(page->count, 1);
    assert_false(page->more);
    assert_string_equal(page->infos[0].name, "c");
}

// ---- pause ----

static void a_paused_queue_starts_nothing_and_what_runs_goes_on(void **state)
{
    (void) state;
    submit_many(2);
    job_row job = lease_one(1, 1);
    queue_pause("q", true);
    assert_int_equal(lease_count(1, 2, 9), 0);
    report(1, 1, success(&job));
    assert_state(&job.id, JOB_SUCCEEDED);
    call *asking = lease_post(1, 3, 9, LONG);
    assert_waits(asking);
    queue_pause("q", false);
    assert_int_equal(erig_fine(asking)->lease.assignment_count, 1);
}

// ---- max_running ----

static void no_more_than_max_running_run(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.max_running = 2;
    queue_change("q", settings);
    submit_many(4);
    job_row job = lease_now(1, 1, 9)->assignments[0].row;
    assert_int_equal(lease_count(2, 1, 9), 0);
    call *asking = lease_post(2, 2, 9, LONG);
    assert_waits(asking);
    report(1, 1, success(&job));
    assert_int_equal(erig_fine(asking)->lease.assignment_count, 1);
}

static void max_running_counts_what_ran_before_a_restart(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.max_running = 2;
    queue_change("q", settings);
    submit_many(4);
    assert_int_equal(lease_count(1, 1, 1), 1);
    erig_restart();
    assert_int_equal(lease_count(2, 1, 9), 1);
}

// ---- max_depth ----

static void assert_full(void)
{
    engine_new_job job = fresh_job();
    erig_fine(submit_post(&job, 1));
    assert_int_equal(status_code_of(job.failure), STATUS_RESOURCE_EXHAUSTED);
    assert_true(job.failure->retry_delay_ms > 0);
    status_free(job.failure);
}

static int start_with_depth_of_two(void **state)
{
    erig_start(state);
    queue_settings settings = no_limits();
    settings.max_depth = 2;
    queue_change("q", settings);
    return 0;
}

static void a_full_queue_says_resource_exhausted(void **state)
{
    (void) state;
    submit_many(1);
    job_row last = submit("q", "other");
    assert_full();
    submit("p", "k");
    control(ENGINE_CANCEL, &last.id);
    submit_many(1);
    assert_full();
}

static void a_batch_fills_a_queue_up_to_its_depth(void **state)
{
    (void) state;
    engine_new_job jobs[] = {fresh_job(), fresh_job(), fresh_job()};
    erig_fine(submit_post(jobs, 3));
    rig_ok(jobs[0].failure);
    rig_ok(jobs[1].failure);
    rig_fails(STATUS_RESOURCE_EXHAUSTED, jobs[2].failure);
}

static void a_queue_is_full_after_a_restart_too(void **state)
{
    (void) state;
    submit_many(2);
    erig_restart();
    assert_full();
}

static void a_job_that_is_there_already_needs_no_room(void **state)
{
    (void) state;
    engine_new_job job = fresh_job(), again = job;
    submit_new(job);
    submit_many(1);
    erig_fine(submit_post(&again, 1));
    rig_ok(again.failure);
    assert_true(again.duplicate);
}

// ---- rate ----

static void a_burst_starts_and_then_one_at_a_time(void **state)
{
    (void) state;
    queue_change("q", rate(1, SECOND, 3));
    submit_many(9);
    assert_int_equal(lease_count(1, 1, 9), 3);
    assert_int_equal(lease_count(1, 2, 9), 0);
    erig_pass(SECOND - 1);
    assert_int_equal(lease_count(1, 3, 9), 0);
    erig_pass(1);
    assert_int_equal(lease_count(1, 4, 9), 1);
    erig_pass(100 * SECOND);
    assert_int_equal(lease_count(1, 5, 9), 3);
}

static void a_parked_worker_gets_the_job_when_its_token_comes(void **state)
{
    (void) state;
    queue_change("q", rate(1, 10 * SECOND, 1));
    submit_many(2);
    assert_int_equal(lease_count(1, 1, 9), 1);
    call *asking = lease_post(1, 2, 9, LONG);
    assert_waits(asking);
    erig_later(9 * SECOND);
    assert_false(erig_is_done(asking));
    erig_later(SECOND);
    assert_int_equal(erig_fine(asking)->lease.assignment_count, 1);
}

static void an_empty_bucket_is_empty_after_a_restart(void **state)
{
    (void) state;
    queue_change("q", rate(1, 10 * SECOND, 2));
    submit_many(9);
    assert_int_equal(lease_count(1, 1, 9), 2);
    erig_restart();
    assert_int_equal(lease_count(2, 1, 9), 0);
    erig_pass(10 * SECOND);
    assert_int_equal(lease_count(2, 2, 9), 1);
}

static void a_smaller_burst_is_obeyed_at_once(void **state)
{
    (void) state;
    submit_many(9);
    queue_change("q", rate(1, SECOND, 8));
    queue_change("q", rate(1, SECOND, 2));
    assert_int_equal(lease_count(1, 1, 9), 2);
}

static void other_settings_do_not_fill_the_bucket(void **state)
{
    (void) state;
    submit_many(9);
    queue_change("q", rate(1, SECOND, 2));
    assert_int_equal(lease_count(1, 1, 9), 2);
    queue_pause("q", true);
    queue_pause("q", false);
    assert_int_equal(lease_count(1, 2, 9), 0);
}

// ---- usage caps of third parties ----

static engine_outcome not_before(const job_row *row, int64_t us)
{
    engine_outcome outcome = failure(row, true);
    outcome.retry_after_us = us;
    return outcome;
}

static void a_retry_after_holds_the_queue_and_then_probes(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.hold_on_retry_after = true;
    queue_change("q", settings);
    submit_many(9);
    job_row job = lease_one(1, 1);
    report(1, 1, not_before(&job, 20 * SECOND));
    assert_int_equal(lease_count(1, 2, 9), 0);
    erig_pass(20 * SECOND);
    job = lease_one(1, 3);
    assert_int_equal(lease_count(1, 4, 9), 0);
    report(1, 2, failure(&job, false));
    job_row probe = lease_one(1, 5);
    assert_int_equal(lease_count(1, 6, 9), 0);
    report(1, 3, success(&probe));
    assert_int_equal(lease_count(1, 7, 4), 4);
}

static void without_that_setting_only_the_job_waits(void **state)
{
    (void) state;
    submit_many(2);
    job_row job = lease_one(1, 1);
    report(1, 1, not_before(&job, 20 * SECOND));
    assert_int_equal(row_of(&job.id).due_us, T0 + 20 * SECOND);
    assert_int_equal(lease_count(1, 2, 9), 1);
}

// ---- how many ----

static int start_with_two_queues(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_queues = 2;
    erig_run();
    return 0;
}

static status_code submit_to(const char *queue)
{
    Errand__V1__Job job = job_for(queue, "k");
    engine_new_job fresh = new_job(&job);
    erig_fine(submit_post(&fresh, 1));
    status_code code = status_code_of(fresh.failure);
    status_free(fresh.failure);
    return code;
}

static void queues_are_made_up_to_a_cap(void **state)
{
    (void) state;
    queue_pause("a", false);
    assert_int_equal(submit_to("b"), STATUS_OK);
    queue_settings settings = no_limits();
    erig_failed(erig_post(queue_call("c", &settings, QUEUE_ALL_FIELDS)), STATUS_RESOURCE_EXHAUSTED);
    erig_failed(erig_post(queue_call("c", NULL, 0)), STATUS_NOT_FOUND);
    assert_int_equal(submit_to("c"), STATUS_RESOURCE_EXHAUSTED);
    queue_pause("b", true);
    assert_int_equal(submit_to("a"), STATUS_OK);
    erig_restart();
    assert_int_equal(submit_to("c"), STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(submit_to("b"), STATUS_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(settings_are_kept_over_a_restart, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_mask_leaves_the_other_settings, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(wrong_settings_change_nothing, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_is_there_once_a_job_names_it, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(queues_are_listed_by_name_in_pages, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_paused_queue_starts_nothing_and_what_runs_goes_on, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(no_more_than_max_running_run, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(max_running_counts_what_ran_before_a_restart, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_full_queue_says_resource_exhausted, start_with_depth_of_two,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_batch_fills_a_queue_up_to_its_depth, start_with_depth_of_two,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_is_full_after_a_restart_too, start_with_depth_of_two,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_is_there_already_needs_no_room,
                                    start_with_depth_of_two, erig_stop),
    cmocka_unit_test_setup_teardown(a_burst_starts_and_then_one_at_a_time, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_gets_the_job_when_its_token_comes, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_empty_bucket_is_empty_after_a_restart, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_smaller_burst_is_obeyed_at_once, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(other_settings_do_not_fill_the_bucket, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_retry_after_holds_the_queue_and_then_probes, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(without_that_setting_only_the_job_waits, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(queues_are_made_up_to_a_cap, start_with_two_queues, erig_stop),
};

UNIT_TEST_MAIN(tests)
