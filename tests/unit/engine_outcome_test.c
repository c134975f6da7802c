// engine_outcome - how attempts end, and what of that is applied, once and in order.
#include "unit/engine_calls.h"

static job_row submit_policy(int32_t max_attempts)
{
    Errand__V1__Job job = job_for("q", "k");
    engine_new_job fresh = new_job(&job);
    fresh.row.policy.max_attempts = max_attempts;
    fresh.row.policy.min_backoff_us = 8 * SECOND;
    return submit_new(fresh);
}

// ---- the three ends ----

static void a_success_is_kept_with_its_result(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    erig_pass(SECOND);
    engine_outcome outcome = success(&job);
    assert_int_equal(report(1, 1, outcome)->accepted, 1);
    store_job stored = read_job(&job.id);
    assert_int_equal(stored.row.state, JOB_SUCCEEDED);
    assert_int_equal(stored.row.finish_us, T0 + SECOND);
    assert_int_equal(stored.result.size, outcome.result.size);
    assert_memory_equal(stored.result.bytes, outcome.result.bytes, outcome.result.size);
    assert_int_equal(stored.attempt_count, 0);
}

static void a_failure_that_may_be_retried_is_scheduled_with_backoff(void **state)
{
    (void) state;
    submit_policy(5);
    job_row job = lease_one(1, 1);
    report(1, 1, failure(&job, true));
    job = row_of(&job.id);
    assert_int_equal(job.state, JOB_SCHEDULED);
    assert_int_equal(job.failures, 1);
    assert_in_range(job.due_us, T0, T0 + 8 * SECOND);
    assert_int_equal(lease_now(1, 2, 1)->assignment_count, 0);
    erig_later(8 * SECOND);
    assert_int_equal(lease_one(1, 2).attempt, 2);
}

static void backoff_has_jitter(void **state)
{
    (void) state;
    int64_t due_us[8];
    int differ = 0;
    for (int i = 0; i < 8; i++) {
        submit_policy(5);
        job_row job = lease_one(1, i + 1);
        report(1, i + 1, failure(&job, true));
        due_us[i] = row_of(&job.id).due_us;
        differ += i > 0 && due_us[i] != due_us[0];
    }
    assert_true(differ >= 6);
}

static void each_failed_attempt_is_kept(void **state)
{
    (void) state;
    submit_policy(2);
    job_row job = lease_one(1, 1);
    erig_pass(SECOND);
    report(1, 1, failure(&job, true));
    erig_later(8 * SECOND);
    job = lease_one(1, 2);
    report(1, 2, failure(&job, true));
    store_job stored = read_job(&job.id);
    assert_int_equal(stored.attempt_count, 2);
    Errand__V1__Attempt *first = attempt_of(&stored, 0), *second = attempt_of(&stored, 1);
    char worker[UUID_TEXT_SIZE];
    uuid id = worker_id(1);
    assert_int_equal(first->number, 1);
    assert_int_equal(second->number, 2);
    assert_int_equal(first->start_time->seconds, T0 / SECOND);
    assert_int_equal(first->end_time->seconds, T0 / SECOND + 1);
    assert_string_equal(first->worker, uuid_format(&id, worker));
    assert_int_equal(first->error->code, ERRAND__RPC__V1__CODE__ABORTED);
    assert_string_equal(first->error->message, "no luck");
}

static void the_last_attempt_ends_the_job(void **state)
{
    (void) state;
    submit_policy(3);
    for (int i = 1; i <= 3; i++) {
        job_row job = lease_one(1, i);
        report(1, i, failure(&job, true));
        job = row_of(&job.id);
        assert_int_equal(job.failures, i);
        assert_int_equal(job.state, i < 3 ? JOB_SCHEDULED : JOB_FAILED);
        erig_later(60 * SECOND);
    }
}

static void retry_after_is_the_least_to_wait(void **state)
{
    (void) state;
    submit_policy(5);
    job_row job = lease_one(1, 1);
    engine_outcome outcome = failure(&job, true);
    outcome.retry_after_us = 100 * SECOND;
    report(1, 1, outcome);
    assert_int_equal(row_of(&job.id).due_us, T0 + 100 * SECOND);
    erig_later(100 * SECOND - 1);
    assert_state(&job.id, JOB_SCHEDULED);
    erig_later(1);
    assert_state(&job.id, JOB_READY);
}

static void a_permanent_failure_ends_the_job_at_once(void **state)
{
    (void) state;
    submit_policy(5);
    job_row job = lease_one(1, 1);
    report(1, 1, failure(&job, false));
    job = row_of(&job.id);
    assert_int_equal(job.state, JOB_FAILED);
    assert_int_equal(job.failures, 1);
    assert_int_equal(read_job(&job.id).attempt_count, 1);
}

static void released_counts_nothing(void **state)
{
    (void) state;
    submit_policy(1);
    for (int i = 1; i < 6; i++) {
        job_row job = lease_one(1, i);
        assert_int_equal(job.attempt, i);
        report(1, i, released(&job));
        job = row_of(&job.id);
        assert_int_equal(job.state, JOB_READY);
        assert_int_equal(job.failures + job.losses, 0);
    }
}

static void a_released_job_keeps_its_place_in_the_line(void **state)
{
    (void) state;
    job_row first = submit("q", "k");
    erig_later(SECOND);
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, released(&job));
    assert_int_equal(lease_one(1, 2).seq, first.seq);
}

// ---- batches ----

static void a_batch_is_applied_once(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    assert_int_equal(report(1, 1, failure(&job, true))->acked_outcome_sequence, 1);
    const engine_outcomes *again = report(1, 1, failure(&job, true));
    assert_int_equal(again->acked_outcome_sequence, 1);
    assert_int_equal(again->accepted, 0);
    assert_int_equal(again->rejected_count, 0);
    assert_int_equal(row_of(&job.id).failures, 1);
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.rejected_count, 0);
}

static void a_batch_that_comes_early_is_not_applied(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    const engine_outcomes *early = report(1, 2, success(&job));
    assert_int_equal(early->acked_outcome_sequence, 0);
    assert_int_equal(early->accepted, 0);
    assert_state(&job.id, JOB_RUNNING);
    report(1, 1, (engine_outcome){.type = ENGINE_RELEASED});
    assert_int_equal(report(1, 2, success(&job))->acked_outcome_sequence, 2);
    assert_state(&job.id, JOB_SUCCEEDED);
}

static void an_early_report_is_refused(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    call *c = outcomes_call(1, 3, &outcome, 1);
    c->outcomes.report = true;
    erig_failed(erig_post(c), STATUS_INVALID_ARGUMENT);
    assert_state(&job.id, JOB_RUNNING);
}

static void a_batch_without_a_number_is_applied(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    const engine_outcomes *done = report(1, 0, success(&job));
    assert_int_equal(done->accepted, 1);
    assert_int_equal(done->acked_outcome_sequence, 0);
    assert_state(&job.id, JOB_SUCCEEDED);
}

static void each_worker_counts_for_itself(void **state)
{
    (void) state;
    submit("q", "k");
    submit("q", "k");
    job_row one = lease_one(1, 1), two = lease_one(2, 1);
    assert_int_equal(report(1, 1, success(&one))->accepted, 1);
    assert_int_equal(report(2, 1, success(&two))->accepted, 1);
}

static void many_outcomes_of_one_batch_are_one_commit(void **state)
{
    (void) state;
    enum { MANY = 100 };
    engine_outcome outcomes[MANY];
    for (int i = 0; i < MANY; i++)
        submit("q", "k");
    const engine_lease *got = lease_now(1, 1, MANY);
    for (int i = 0; i < MANY; i++)
        outcomes[i] = success(&got->assignments[i].row);
    int before = atomic_load(&edisk.committed);
    call *c = erig_fine(erig_post(outcomes_call(1, 1, outcomes, MANY)));
    assert_int_equal(c->outcomes.accepted, MANY);
    assert_int_equal(atomic_load(&edisk.committed), before + 1);
}

static void every_answer_tells_what_is_acknowledged(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.acked_outcome_sequence, 1);
    assert_int_equal(lease_now(1, 2, 1)->notices.acked_outcome_sequence, 1);
    assert_int_equal(lease_now(2, 1, 1)->notices.acked_outcome_sequence, 0);
}

// ---- void tokens ----

static void a_void_token_is_rejected_and_told_once_in_the_next_answer(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    erig_later(30 * SECOND);
    const engine_outcomes *done = report(1, 1, success(&job));
    assert_int_equal(done->accepted, 0);
    assert_int_equal(done->acked_outcome_sequence, 1);
    assert_int_equal(done->rejected_count, 0);
    assert_state(&job.id, JOB_READY);
    engine_lease_ref ref = ref_of(&job);
    const engine_notices *notices = &heartbeat(1, NULL, 0, 0)->notices;
    assert_int_equal(notices->rejected_count, 1);
    assert_memory_equal(&notices->rejected[0].ref, &ref, sizeof ref);
    assert_int_equal(notices->rejected[0].code, STATUS_FAILED_PRECONDITION);
    assert_int_equal(lease_now(1, 2, 0)->notices.rejected_count, 0);
}

static void a_lease_answer_tells_rejections_too(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    report(1, 1, success(&job));
    assert_int_equal(lease_now(1, 1, 0)->notices.rejected_count, 1);
}

static void a_report_is_told_its_rejections_at_once(void **state)
{
    (void) state;
    submit("q", "k");
    job_row other = submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_outcome outcomes[] = {success(&other), success(&job), success(&job)};
    call *c = outcomes_call(1, 1, outcomes, COUNT(outcomes));
    c->outcomes.report = true;
    erig_fine(erig_post(c));
    assert_int_equal(c->outcomes.accepted, 1);
    assert_int_equal(c->outcomes.rejected_count, 2);
    assert_true(uuid_equal(&c->outcomes.rejected[0].ref.id, &other.id));
    assert_true(uuid_equal(&c->outcomes.rejected[1].ref.id, &job.id));
    assert_int_equal(heartbeat(1, NULL, 0, 0)->notices.rejected_count, 0);
}

static void another_worker_can_not_end_the_job(void **state)
{
    (void) state;
    submit("q", "k");
    job_row job = lease_one(1, 1);
    assert_int_equal(report(2, 1, success(&job))->accepted, 0);
    assert_state(&job.id, JOB_RUNNING);
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
}

static void an_attempt_of_long_ago_can_not_end_the_job(void **state)
{
    (void) state;
    submit("q", "k");
    job_row before = lease_one(1, 1);
    erig_later(30 * SECOND);
    job_row now = lease_one(1, 2);
    assert_int_equal(now.seq, before.seq);
    assert_int_equal(report(1, 1, success(&before))->accepted, 0);
    assert_state(&now.id, JOB_RUNNING);
    assert_int_equal(report(1, 2, success(&now))->accepted, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_success_is_kept_with_its_result, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_failure_that_may_be_retried_is_scheduled_with_backoff,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(backoff_has_jitter, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(each_failed_attempt_is_kept, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_last_attempt_ends_the_job, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(retry_after_is_the_least_to_wait, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_permanent_failure_ends_the_job_at_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(released_counts_nothing, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_released_job_keeps_its_place_in_the_line, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_batch_is_applied_once, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_batch_that_comes_early_is_not_applied, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_early_report_is_refused, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_batch_without_a_number_is_applied, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(each_worker_counts_for_itself, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(many_outcomes_of_one_batch_are_one_commit, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(every_answer_tells_what_is_acknowledged, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_void_token_is_rejected_and_told_once_in_the_next_answer,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_lease_answer_tells_rejections_too, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_report_is_told_its_rejections_at_once, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(another_worker_can_not_end_the_job, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(an_attempt_of_long_ago_can_not_end_the_job, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
