// store_lanes - conformance: the order of what is ready, what is due, and when the next is.
#include "unit/store_rig.h"

#define MOST 64

static size_t take(rig *r, const int32_t *routes, size_t route_count, size_t limit, job_row *rows)
{
    size_t count = 999;
    rig_ok(r->store->ops->take_ready(r->store, routes, route_count, limit, rows, &count));
    return count;
}

static size_t due(rig *r, job_lane lane, int64_t until, size_t limit, job_row *rows)
{
    size_t count = 999;
    rig_ok(r->store->ops->due(r->store, lane, until, limit, rows, &count));
    return count;
}

static int64_t next_due(rig *r, job_lane lane)
{
    int64_t rank = -1;
    rig_ok(r->store->ops->next_due(r->store, lane, &rank));
    return rank;
}

CONFORMS(ready_jobs_come_by_priority_then_due_time_then_submission)
{
    job_row rows[MOST];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row first = rig_insert(r, route, 0, 0);
    job_row second = rig_insert(r, route, 0, 0);
    r->now_us = T0 + 10;
    job_row later = rig_insert(r, route, 0, 0);
    job_row low = rig_insert(r, route, -100, 0);
    job_row high = rig_insert(r, route, 100, 0);
    assert_int_equal(take(r, &route, 1, MOST, rows), 5);
    const int64_t expected[] = {high.seq, first.seq, second.seq, later.seq, low.seq};
    for (int i = 0; i < 5; i++)
        assert_int_equal(rows[i].seq, expected[i]);
    rig_assert_same_row(&rows[0], &high);
    rig_commit(r);
}

CONFORMS(routes_are_merged_into_one_order)
{
    job_row rows[MOST];
    int32_t routes[3];
    rig_begin(r);
    for (int i = 0; i < 3; i++)
        routes[i] = rig_route(r, "q", (const char *[]){"a", "b", "c"}[i]);
    for (int i = 0; i < 30; i++) {
        r->now_us = T0 + i * 7 % 30;
        rig_insert(r, routes[i % 3], i % 2, 0);
    }
    assert_int_equal(take(r, routes, 3, 10, rows), 10);
    for (int i = 1; i < 10; i++)
        assert_true(job_row_rank(&rows[i - 1]) < job_row_rank(&rows[i]) ||
                    (job_row_rank(&rows[i - 1]) == job_row_rank(&rows[i]) &&
                     rows[i - 1].seq < rows[i].seq));
    for (int i = 0; i < 10; i++)
        assert_int_equal(rows[i].priority, 1);
    assert_int_equal(take(r, routes, 3, MOST, rows), 30);
    assert_int_equal(take(r, routes, 2, MOST, rows), 20);
    rig_commit(r);
}

CONFORMS(a_route_named_twice_gives_its_jobs_once)
{
    job_row rows[MOST];
    rig_begin(r);
    int32_t routes[3] = {rig_route(r, "q", "a"), rig_route(r, "q", "b"), rig_route(r, "q", "a")};
    rig_insert(r, routes[0], 0, 0);
    rig_insert(r, routes[1], 0, 0);
    assert_int_equal(take(r, routes, 3, MOST, rows), 2);
    rig_commit(r);
}

CONFORMS(only_ready_jobs_of_the_routes_are_taken)
{
    job_row rows[MOST];
    job_row ready = rig_submit(r);
    rig_finish(r, rig_submit(r));
    rig_begin(r);
    rig_insert(r, ready.route, 0, T0 + 100);
    rig_insert(r, rig_route(r, "other", "k"), 0, 0);
    rig_commit(r);
    assert_int_equal(take(r, &ready.route, 1, MOST, rows), 1);
    assert_int_equal(rows[0].seq, ready.seq);
    const int32_t unknown = 999;
    assert_int_equal(take(r, &unknown, 1, MOST, rows), 0);
    assert_int_equal(take(r, NULL, 0, MOST, rows), 0);
    assert_int_equal(take(r, &ready.route, 1, 0, rows), 0);
}

CONFORMS(due_gives_what_is_due_in_order)
{
    job_row rows[MOST];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    for (int i = 5; i >= 1; i--)
        rig_insert(r, route, 0, T0 + INT64_C(100) * i);
    rig_commit(r);
    assert_int_equal(due(r, JOB_LANE_SCHEDULED, T0 + 99, MOST, rows), 0);
    assert_int_equal(due(r, JOB_LANE_SCHEDULED, T0 + 300, MOST, rows), 3);
    assert_int_equal(rows[0].due_us, T0 + 100);
    assert_int_equal(rows[2].due_us, T0 + 300);
    assert_int_equal(due(r, JOB_LANE_SCHEDULED, INT64_MAX, 2, rows), 2);
}

CONFORMS(next_due_follows_every_change)
{
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), INT64_MAX);
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row late = rig_insert(r, route, 0, T0 + 500);
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), T0 + 500);
    job_row soon = rig_insert(r, route, 0, T0 + 100), before = soon;
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), T0 + 100);
    rig_commit(r);
    rig_begin(r);
    rig_ok(job_promote(&soon, T0 + 100));
    rig_save(r, &before, &soon);
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), T0 + 500);
    r->store->ops->rollback(r->store);
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), T0 + 100);
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, (job_row[]){late, before}, 2));
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), INT64_MAX);
    rig_commit(r);
    rig_reopen(r);
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), INT64_MAX);
}

CONFORMS(a_rollback_takes_back_a_sooner_next_due)
{
    rig_begin(r);
    rig_insert(r, rig_route(r, "q", "k"), 0, T0 + 500);
    rig_commit(r);
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), T0 + 500);
    rig_begin(r);
    rig_insert(r, rig_route(r, "q", "k"), 0, T0 + 100);
    r->store->ops->rollback(r->store);
    assert_int_equal(next_due(r, JOB_LANE_SCHEDULED), T0 + 500);
}

CONFORMS(running_jobs_are_found_again_after_a_restart)
{
    job_row rows[MOST];
    job_row row = rig_submit(r), before = row;
    uuid worker = uuid_new_v7(T0);
    rig_begin(r);
    rig_ok(job_lease(&row, &worker, 3, T0 + 5));
    rig_save(r, &before, &row);
    rig_commit(r);
    rig_reopen(r);
    assert_int_equal(due(r, JOB_LANE_RUNNING, INT64_MAX, MOST, rows), 1);
    rig_assert_same_row(&rows[0], &row);
}

CONFORMS(finished_jobs_are_due_when_their_retention_ends)
{
    job_row rows[MOST];
    job_row row = rig_finish(r, rig_submit(r));
    int64_t end_us = row.finish_us + row.policy.retention_us;
    assert_int_equal(next_due(r, JOB_LANE_FINISHED), end_us);
    assert_int_equal(due(r, JOB_LANE_FINISHED, end_us - 1, MOST, rows), 0);
    assert_int_equal(due(r, JOB_LANE_FINISHED, end_us, MOST, rows), 1);
}

CONFORMS(a_finished_job_is_kept_while_a_callback_needs_it)
{
    job_row rows[MOST];
    job_row row = rig_finish(r, rig_submit(r)), before = row;
    rig_begin(r);
    row.callbacks_open = 1;
    rig_save(r, &before, &row);
    rig_commit(r);
    assert_int_equal(due(r, JOB_LANE_FINISHED, INT64_MAX, MOST, rows), 0);
    assert_int_equal(due(r, JOB_LANE_KEPT, INT64_MAX, MOST, rows), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ready_jobs_come_by_priority_then_due_time_then_submission),
    cmocka_unit_test(routes_are_merged_into_one_order),
    cmocka_unit_test(a_route_named_twice_gives_its_jobs_once),
    cmocka_unit_test(only_ready_jobs_of_the_routes_are_taken),
    cmocka_unit_test(due_gives_what_is_due_in_order),
    cmocka_unit_test(next_due_follows_every_change),
    cmocka_unit_test(a_rollback_takes_back_a_sooner_next_due),
    cmocka_unit_test(running_jobs_are_found_again_after_a_restart),
    cmocka_unit_test(finished_jobs_are_due_when_their_retention_ends),
    cmocka_unit_test(a_finished_job_is_kept_while_a_callback_needs_it),
};

UNIT_TEST_MAIN(tests)
