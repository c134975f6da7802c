// engine_numbers - what the engine counts of its queues: only what was committed.
#include "unit/engine_calls.h"

static const engine_numbers *numbers(void)
{
    call *c = erig_call(ENGINE_NUMBERS);
    c->numbers.memory = c->memory;
    return &erig_fine(erig_post(c))->numbers;
}

static const engine_tally *tally_of_queue(const char *name)
{
    const engine_numbers *n = numbers();
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->queues[i].queue, name) == 0)
            return &n->queues[i].tally;
    }
    fail_msg("no queue %s", name);
    return NULL;
}

static void what_a_broken_disk_undid_does_not_count(void **state)
{
    (void) state;
    Errand__V1__Job job = job_for("q", "k");
    engine_new_job refused = new_job(&job);
    edisk_break(FAULT_COMMIT, 1);
    erig_failed(submit_post(&refused, 1), STATUS_UNAVAILABLE);
    submit("q", "k");
    assert_int_equal(tally_of_queue("q")->submitted, 1);
}

static void an_end_that_was_undone_counts_once_it_is_kept(void **state)
{
    (void) state;
    submit("q", "k");
    job_row running = lease_one(1, 1);
    engine_outcome outcome = success(&running);
    edisk_break(FAULT_COMMIT, 1);
    erig_failed(erig_post(outcomes_call(1, 1, &outcome, 1)), STATUS_UNAVAILABLE);
    assert_int_equal(tally_of_queue("q")->finished[JOB_SUCCEEDED], 0);
    erig_later(SECOND);
    assert_int_equal(report(1, 1, outcome)->accepted, 1);
    assert_int_equal(tally_of_queue("q")->finished[JOB_SUCCEEDED], 1);
}

static void waits_and_runs_are_measured_on_the_engines_clock(void **state)
{
    (void) state;
    submit("q", "k");
    erig_later(2 * SECOND);
    job_row running = lease_one(1, 1);
    erig_later(7 * SECOND);
    report(1, 1, failure(&running, true));
    const engine_tally *t = tally_of_queue("q");
    assert_int_equal(t->wait.counts[metrics_bucket_of(&metrics_long_times, 2 * SECOND)], 1);
    assert_int_equal(t->run.counts[metrics_bucket_of(&metrics_long_times, 7 * SECOND)], 1);
    assert_int_equal(t->failed_attempts, 1);
    assert_int_equal(t->finished[JOB_FAILED], 0);
}

static void a_released_job_has_neither_run_nor_failed(void **state)
{
    (void) state;
    submit("q", "k");
    job_row running = lease_one(1, 1);
    report(1, 1, released(&running));
    const engine_tally *t = tally_of_queue("q");
    assert_int_equal(t->failed_attempts + t->run.sum, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(what_a_broken_disk_undid_does_not_count, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_end_that_was_undone_counts_once_it_is_kept, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(waits_and_runs_are_measured_on_the_engines_clock, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_released_job_has_neither_run_nor_failed, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
