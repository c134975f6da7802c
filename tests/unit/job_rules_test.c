// job_rules - the moves in the life of a job, and where a row stands.
#include "unit/unit_test.h"

#include "base/crypto.h"
#include "job/rules.h"

#include <stdlib.h>

#define NOW INT64_C(1700000000000000)

static const job_policy policy = {
    .attempt_timeout_us = 60000000,
    .retention_us = 3600000000,
    .min_backoff_us = 1000000,
    .max_backoff_us = 600000000,
    .multiplier = 2,
    .max_attempts = 3,
};

static const uuid worker = {{1, 2, 3}};

static job_row row_in(job_state state)
{
    return (job_row){
        .seq = 1, .route = 7, .state = state, .revision = 5, .due_us = NOW, .policy = policy};
}

static void fails(status *failure)
{
    assert_int_equal(status_code_of(failure), STATUS_FAILED_PRECONDITION);
    status_free(failure);
}

static void a_new_job_is_ready_unless_its_time_is_to_come(void **state)
{
    (void) state;
    job_row row = {.due_us = 0};
    job_start_life(&row, NOW);
    assert_int_equal(row.state, JOB_READY);
    assert_int_equal(row.due_us, NOW);
    assert_int_equal(row.create_us, NOW);
    assert_int_equal(row.revision, 1);
    row = (job_row){.due_us = NOW + 1};
    job_start_life(&row, NOW);
    assert_int_equal(row.state, JOB_SCHEDULED);
    assert_int_equal(row.due_us, NOW + 1);
}

static void a_schedule_in_the_past_is_no_way_past_others(void **state)
{
    (void) state;
    job_row row = {.due_us = 1};
    job_start_life(&row, NOW);
    assert_int_equal(row.state, JOB_READY);
    assert_int_equal(row.due_us, NOW);
}

static void promotion_waits_for_its_time(void **state)
{
    (void) state;
    job_row row = row_in(JOB_SCHEDULED);
    fails(job_promote(&row, NOW - 1));
    assert_int_equal(row.state, JOB_SCHEDULED);
    assert_null(job_promote(&row, NOW));
    assert_int_equal(row.state, JOB_READY);
    assert_int_equal(row.revision, 6);
}

static void a_lease_names_worker_attempt_and_start(void **state)
{
    (void) state;
    job_row row = row_in(JOB_READY);
    assert_null(job_lease(&row, &worker, 9, NOW + 3));
    assert_int_equal(row.state, JOB_RUNNING);
    assert_int_equal(row.attempt, 1);
    assert_int_equal(row.lease_sequence, 9);
    assert_int_equal(row.start_us, NOW + 3);
    assert_true(uuid_equal(&row.worker, &worker));
}

static void a_success_is_final(void **state)
{
    (void) state;
    job_row row = row_in(JOB_RUNNING);
    assert_null(job_succeed(&row, NOW + 5));
    assert_int_equal(row.state, JOB_SUCCEEDED);
    assert_int_equal(row.finish_us, NOW + 5);
    fails(job_succeed(&row, NOW + 6));
    assert_int_equal(row.finish_us, NOW + 5);
}

static void a_failed_attempt_is_tried_again_after_its_backoff(void **state)
{
    (void) state;
    job_row row = row_in(JOB_RUNNING);
    const job_failure failure = {.retryable = true};
    assert_null(job_fail(&row, &failure, 0.5, NOW));
    assert_int_equal(row.state, JOB_SCHEDULED);
    assert_int_equal(row.failures, 1);
    assert_int_equal(row.due_us, NOW + 500000);
    assert_int_equal(row.finish_us, 0);
}

static void the_last_attempt_that_fails_ends_the_job(void **state)
{
    (void) state;
    job_row row = row_in(JOB_RUNNING);
    const job_failure failure = {.retryable = true};
    row.failures = 1;
    assert_null(job_fail(&row, &failure, 0, NOW));
    assert_int_equal(row.state, JOB_SCHEDULED);
    row.state = JOB_RUNNING;
    assert_null(job_fail(&row, &failure, 0, NOW + 7));
    assert_int_equal(row.state, JOB_FAILED);
    assert_int_equal(row.failures, 3);
    assert_int_equal(row.finish_us, NOW + 7);
}

static void a_permanent_failure_is_not_tried_again(void **state)
{
    (void) state;
    job_row row = row_in(JOB_RUNNING);
    const job_failure failure = {.retryable = false, .retry_after_us = 5};
    assert_null(job_fail(&row, &failure, 0, NOW));
    assert_int_equal(row.state, JOB_FAILED);
    assert_int_equal(row.failures, 1);
}

static void retry_after_is_honoured_when_it_is_longer(void **state)
{
    (void) state;
    job_row row = row_in(JOB_RUNNING);
    assert_null(job_fail(&row, &(job_failure){true, 9000000}, 0.5, NOW));
    assert_int_equal(row.due_us, NOW + 9000000);
    row = row_in(JOB_RUNNING);
    assert_null(job_fail(&row, &(job_failure){true, 1}, 0.5, NOW));
    assert_int_equal(row.due_us, NOW + 500000);
    row = row_in(JOB_RUNNING);
    assert_null(job_fail(&row, &(job_failure){true, INT64_MAX}, 0.5, NOW));
    assert_true(row.due_us == INT64_MAX);
}

static void a_released_job_keeps_its_place_and_counts_nothing(void **state)
{
    (void) state;
    job_row row = row_in(JOB_READY);
    int64_t rank = job_row_rank(&row);
    assert_null(job_lease(&row, &worker, 1, NOW + 1));
    assert_null(job_release(&row, NOW + 2));
    assert_int_equal(row.state, JOB_READY);
    assert_true(job_row_rank(&row) == rank);
    assert_int_equal(row.attempt, 1);
    assert_int_equal(row.failures + row.losses, 0);
}

static void the_third_lost_lease_is_poison(void **state)
{
    (void) state;
    job_row row = row_in(JOB_READY);
    for (int i = 1; i <= JOB_MAX_LOSSES; i++) {
        assert_null(job_lease(&row, &worker, i, NOW));
        assert_null(job_lose(&row, NOW));
        assert_int_equal(row.losses, i);
        assert_int_equal(row.state, i < JOB_MAX_LOSSES ? JOB_READY : JOB_FAILED);
    }
    assert_int_equal(row.failures, 0);
    assert_int_equal(row.finish_us, NOW);
}

static status *make_move(int number, job_row *row)
{
    switch (number) {
    case 0:
        return job_promote(row, NOW);
    case 1:
        return job_lease(row, &worker, 1, NOW);
    case 2:
        return job_succeed(row, NOW);
    case 3:
        return job_fail(row, &(job_failure){true, 0}, 0, NOW);
    case 4:
        return job_fail(row, &(job_failure){false, 0}, 0, NOW);
    case 5:
        return job_release(row, NOW);
    default:
        return job_lose(row, NOW);
    }
}

static void a_move_from_any_other_state_leaves_the_row_alone(void **state)
{
    (void) state;
    static const job_state from[] = {JOB_SCHEDULED, JOB_READY,   JOB_RUNNING, JOB_RUNNING,
                                     JOB_RUNNING,   JOB_RUNNING, JOB_RUNNING};
    for (int number = 0; number < 7; number++) {
        for (int s = JOB_BLOCKED; s <= JOB_EXPIRED; s++) {
            job_row row = row_in((job_state) s), before = row;
            status *failure = make_move(number, &row);
            if ((job_state) s == from[number]) {
                assert_null(failure);
                assert_int_equal(row.revision, before.revision + 1);
                assert_true(job_state_allows((job_state) s, row.state));
            } else {
                fails(failure);
                assert_memory_equal(&row, &before, sizeof row);
            }
        }
    }
}

static void final_states_lead_nowhere_but_back_to_ready(void **state)
{
    (void) state;
    for (int from = JOB_SUCCEEDED; from <= JOB_EXPIRED; from++)
        for (int to = 0; to < JOB_STATE_COUNT; to++)
            assert_int_equal(job_state_allows((job_state) from, (job_state) to),
                             from != JOB_SUCCEEDED && to == JOB_READY);
    assert_false(job_state_allows((job_state) 99, JOB_READY));
    assert_false(job_state_allows(JOB_READY, (job_state) 99));
    assert_false(job_state_allows((job_state) 0, JOB_READY));
}

static void backoff_grows_up_to_its_bound(void **state)
{
    (void) state;
    assert_int_equal(job_backoff_us(&policy, 1, 0), 0);
    assert_int_equal(job_backoff_us(&policy, 1, 0.5), 500000);
    assert_int_equal(job_backoff_us(&policy, 4, 0.5), 4000000);
    assert_int_equal(job_backoff_us(&policy, 20, 0.5), 300000000);
    assert_int_equal(job_backoff_us(&policy, 2000000, 0.5), 300000000);  // 2^n is infinite
}

static double draw(void)
{
    uint32_t bits = 0;
    crypto_random(&bits, sizeof bits);
    return (double) bits / 4294967296.0;
}

static void any_backoff_lies_between_zero_and_max(void **state)
{
    (void) state;
    for (int i = 0; i < 20000; i++) {
        job_policy p = {.max_backoff_us = (int64_t) (draw() * 3.2e13),
                        .multiplier = 1 + draw() * 999};
        p.min_backoff_us = (int64_t) (draw() * (double) p.max_backoff_us);
        int32_t failures = 1 + (int32_t) (draw() * 1000);
        int64_t backoff_us = job_backoff_us(&p, failures, draw());
        assert_true(backoff_us >= 0 && backoff_us <= p.max_backoff_us);
        assert_true(failures > 1 || backoff_us <= p.min_backoff_us);
    }
}

static void ranks_order_by_priority_then_due_time(void **state)
{
    (void) state;
    for (int i = 0; i < 20000; i++) {
        int32_t a = (int32_t) (draw() * 201) - 100, b = (int32_t) (draw() * 201) - 100;
        int64_t due_a = (int64_t) (draw() * 9e15), due_b = (int64_t) (draw() * 9e15);
        bool sooner = a != b ? a > b : due_a < due_b;
        if (a != b || due_a != due_b)
            assert_int_equal(job_ready_rank(a, due_a, 0) < job_ready_rank(b, due_b, 0), sooner);
        assert_true(job_ready_rank(a, due_a, 0) >= 0);
    }
    assert_true(job_ready_rank(0, INT64_MAX, 0) < job_ready_rank(-1, 0, 0));
    assert_true(job_ready_rank(0, INT64_MIN, 0) > job_ready_rank(1, INT64_MAX, 0));
}

#define SECOND INT64_C(1000000)

// With aging a point of priority is worth so much waiting, no more and no less.
static void aging_weighs_priority_against_waiting(void **state)
{
    (void) state;
    assert_true(job_ready_rank(1, NOW, SECOND) == job_ready_rank(0, NOW - SECOND, SECOND));
    assert_true(job_ready_rank(1, NOW, SECOND) < job_ready_rank(0, NOW - SECOND + 1, SECOND));
    assert_true(job_ready_rank(1, NOW, SECOND) > job_ready_rank(0, NOW - SECOND - 1, SECOND));
    assert_true(job_ready_rank(-100, NOW, 0) > job_ready_rank(100, INT64_MAX, 0));
    for (int i = 0; i < 20000; i++) {
        int32_t a = (int32_t) (draw() * 201) - 100, b = (int32_t) (draw() * 201) - 100;
        int64_t due_a = (int64_t) (draw() * 9e15), due_b = (int64_t) (draw() * 9e15);
        int64_t aging_us = 1 + (int64_t) (draw() * 8.64e10);
        int64_t lead_us = (a - b) * aging_us - (due_a - due_b);
        int64_t rank_a = job_ready_rank(a, due_a, aging_us);
        int64_t rank_b = job_ready_rank(b, due_b, aging_us);
        assert_int_equal(rank_a<rank_b, lead_us> 0);
        assert_int_equal(rank_a == rank_b, lead_us == 0);
    }
}

// However large the aging, nothing wraps around: higher priority is never later.
static void no_aging_is_too_large(void **state)
{
    (void) state;
    static const int64_t agings[] = {INT64_MAX, INT64_MAX / 2, INT64_MAX / 100, INT64_MAX / 101,
                                     3650 * INT64_C(86400) * SECOND};
    static const int64_t dues[] = {INT64_MIN, 0, NOW, INT64_MAX};
    for (size_t i = 0; i < sizeof agings / sizeof agings[0]; i++)
        for (size_t d = 0; d < sizeof dues / sizeof dues[0]; d++)
            for (int32_t priority = -100; priority < 100; priority++) {
                int64_t rank = job_ready_rank(priority, dues[d], agings[i]);
                assert_true(job_ready_rank(priority + 1, dues[d], agings[i]) <= rank);
                assert_true(job_ready_rank(priority, dues[d] / 2, agings[i]) <= rank ||
                            dues[d] < 0);
            }
}

static void each_state_has_its_lane(void **state)
{
    (void) state;
    static const int32_t lanes[JOB_STATE_COUNT] = {0,
                                                   JOB_LANE_BLOCKED,
                                                   JOB_LANE_SCHEDULED,
                                                   7,
                                                   JOB_LANE_RUNNING,
                                                   JOB_LANE_FINISHED,
                                                   JOB_LANE_FINISHED,
                                                   JOB_LANE_FINISHED,
                                                   JOB_LANE_FINISHED};
    for (int s = JOB_BLOCKED; s <= JOB_EXPIRED; s++) {
        job_row row = row_in((job_state) s);
        assert_int_equal(job_row_lane(&row), lanes[s]);
        row.callbacks_open = 1;
        assert_int_equal(job_row_lane(&row),
                         job_state_is_final((job_state) s) ? JOB_LANE_KEPT : lanes[s]);
    }
}

static void a_finished_job_ranks_by_the_end_of_its_retention(void **state)
{
    (void) state;
    job_row row = row_in(JOB_FAILED);
    row.finish_us = NOW;
    assert_int_equal(job_row_rank(&row), NOW + policy.retention_us);
    row.policy.retention_us = INT64_MAX;
    assert_true(job_row_rank(&row) == INT64_MAX);
}

static void states_have_the_names_of_the_api(void **state)
{
    (void) state;
    assert_string_equal(job_state_name(JOB_BLOCKED), "BLOCKED");
    assert_string_equal(job_state_name(JOB_EXPIRED), "EXPIRED");
    assert_string_equal(job_state_name((job_state) 0), "STATE_UNSPECIFIED");
    assert_string_equal(job_state_name((job_state) 77), "STATE_UNSPECIFIED");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_new_job_is_ready_unless_its_time_is_to_come),
    cmocka_unit_test(a_schedule_in_the_past_is_no_way_past_others),
    cmocka_unit_test(promotion_waits_for_its_time),
    cmocka_unit_test(a_lease_names_worker_attempt_and_start),
    cmocka_unit_test(a_success_is_final),
    cmocka_unit_test(a_failed_attempt_is_tried_again_after_its_backoff),
    cmocka_unit_test(the_last_attempt_that_fails_ends_the_job),
    cmocka_unit_test(a_permanent_failure_is_not_tried_again),
    cmocka_unit_test(retry_after_is_honoured_when_it_is_longer),
    cmocka_unit_test(a_released_job_keeps_its_place_and_counts_nothing),
    cmocka_unit_test(the_third_lost_lease_is_poison),
    cmocka_unit_test(a_move_from_any_other_state_leaves_the_row_alone),
    cmocka_unit_test(final_states_lead_nowhere_but_back_to_ready),
    cmocka_unit_test(backoff_grows_up_to_its_bound),
    cmocka_unit_test(any_backoff_lies_between_zero_and_max),
    cmocka_unit_test(ranks_order_by_priority_then_due_time),
    cmocka_unit_test(aging_weighs_priority_against_waiting),
    cmocka_unit_test(no_aging_is_too_large),
    cmocka_unit_test(each_state_has_its_lane),
    cmocka_unit_test(a_finished_job_ranks_by_the_end_of_its_retention),
    cmocka_unit_test(states_have_the_names_of_the_api),
};

UNIT_TEST_MAIN(tests)
