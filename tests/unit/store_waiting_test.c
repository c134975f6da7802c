// store_waiting - conformance: jobs that expire, jobs that are held, and the place in the line.
#include "unit/store_rig.h"

#define MOST 64

// ---- expiry ----

static job_row submit_expiring(rig *r, int64_t expire_us, int64_t due_us)
{
    rig_begin(r);
    store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, due_us);
    job.row.expire_us = expire_us;
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_commit(r);
    return job.row;
}

static size_t expiring(rig *r, int64_t until, size_t limit, job_row *rows)
{
    size_t count = 999;
    rig_ok(r->store->ops->expiring(r->store, until, limit, rows, &count));
    return count;
}

static int64_t next_expiry(rig *r)
{
    int64_t time_us = -1;
    rig_ok(r->store->ops->next_expiry(r->store, &time_us));
    return time_us;
}

CONFORMS(expiring_jobs_come_in_the_order_of_their_times)
{
    job_row rows[MOST];
    job_row c = submit_expiring(r, T0 + 300, 0), a = submit_expiring(r, T0 + 100, T0 + 999);
    job_row b = submit_expiring(r, T0 + 200, 0), second = submit_expiring(r, T0 + 100, 0);
    rig_submit(r);
    rig_reopen(r);
    assert_int_equal(expiring(r, T0 + 99, MOST, rows), 0);
    assert_int_equal(expiring(r, T0 + 200, MOST, rows), 3);
    rig_assert_same_row(&rows[0], &a);
    rig_assert_same_row(&rows[1], &second);
    rig_assert_same_row(&rows[2], &b);
    assert_int_equal(expiring(r, INT64_MAX, MOST, rows), 4);
    assert_int_equal(rows[3].seq, c.seq);
    assert_int_equal(expiring(r, INT64_MAX, 2, rows), 2);
}

static job_row leased(rig *r, job_row row)
{
    uuid worker = uuid_new_v7(r->now_us);
    job_row before = row;
    rig_ok(job_lease(&row, &worker, 1, r->now_us));
    rig_change(r, &before, &row);
    return row;
}

CONFORMS(a_job_that_was_leased_does_not_expire)
{
    job_row rows[MOST];
    job_row row = leased(r, submit_expiring(r, T0 + 100, 0)), before = row;
    assert_int_equal(expiring(r, INT64_MAX, MOST, rows), 0);
    rig_ok(job_release(&row, T0));
    rig_change(r, &before, &row);
    assert_int_equal(expiring(r, INT64_MAX, MOST, rows), 0);
    assert_int_equal(next_expiry(r), INT64_MAX);
}

CONFORMS(a_job_that_ended_does_not_expire)
{
    job_row rows[MOST];
    job_row row = submit_expiring(r, T0 + 100, 0), before = row;
    rig_ok(job_cancel(&row, T0));
    rig_change(r, &before, &row);
    assert_int_equal(expiring(r, INT64_MAX, MOST, rows), 0);
    assert_int_equal(next_expiry(r), INT64_MAX);
}

CONFORMS(next_expiry_follows_every_change)
{
    assert_int_equal(next_expiry(r), INT64_MAX);
    submit_expiring(r, T0 + 500, 0);
    assert_int_equal(next_expiry(r), T0 + 500);
    job_row soon = submit_expiring(r, T0 + 100, 0);
    assert_int_equal(next_expiry(r), T0 + 100);
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, &soon, 1));
    assert_int_equal(next_expiry(r), T0 + 500);
    r->store->ops->rollback(r->store);
    assert_int_equal(next_expiry(r), T0 + 100);
    leased(r, soon);
    assert_int_equal(next_expiry(r), T0 + 500);
    rig_begin(r);
    store_new_job lost = rig_new_job(r, soon.route, 0, 0);
    lost.row.expire_us = T0 + 1;
    rig_ok(r->store->ops->insert(r->store, &lost, 1));
    assert_int_equal(next_expiry(r), T0 + 1);
    r->store->ops->rollback(r->store);
    assert_int_equal(next_expiry(r), T0 + 500);
    rig_reopen(r);
    assert_int_equal(next_expiry(r), T0 + 500);
}

// ---- held jobs ----

static job_row submit_held(rig *r, const char *kind, const char *key, int32_t priority)
{
    rig_begin(r);
    store_new_job job = rig_new_job(r, rig_route(r, "q", kind), priority, 0);
    job.row.concurrency_key = job_key("q", key);
    job.row.held = true;
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_commit(r);
    return job.row;
}

static job_row first_held(rig *r, const char *key, int32_t after_route)
{
    job_row row = {.seq = 999};
    uuid number = job_key("q", key);
    rig_ok(r->store->ops->first_held(r->store, &number, after_route, &row));
    return row;
}

static size_t held_of_route(rig *r, int32_t route, int64_t after_seq, size_t limit, job_row *rows)
{
    size_t count = 999;
    rig_ok(r->store->ops->held_of_route(r->store, route, after_seq, limit, rows, &count));
    return count;
}

CONFORMS(the_first_held_job_of_a_key_is_found_for_each_kind)
{
    job_row other = submit_held(r, "other", "x", 0);
    submit_held(r, "k", "x", 0);
    submit_held(r, "other", "x", 0);
    r->now_us = T0 + 5;
    submit_held(r, "k", "x", -1);
    job_row high = submit_held(r, "k", "x", 9), alone = submit_held(r, "k", "y", 50);
    rig_reopen(r);
    assert_true(other.route < high.route);
    job_row found = first_held(r, "x", 0);
    rig_assert_same_row(&found, &other);
    found = first_held(r, "x", other.route);
    rig_assert_same_row(&found, &high);
    assert_int_equal(first_held(r, "x", high.route).seq, 0);
    assert_int_equal(first_held(r, "y", 0).seq, alone.seq);
    assert_int_equal(first_held(r, "z", 0).seq, 0);
}

CONFORMS(a_held_job_that_is_put_off_moves_back_in_the_order)
{
    job_row first = submit_held(r, "k", "x", 0), second = submit_held(r, "k", "x", 0);
    job_row before = first;
    first.due_us = T0 + 100;
    rig_change(r, &before, &first);
    assert_int_equal(first_held(r, "x", 0).seq, second.seq);
    before = second;
    second.aging_us = 1;
    rig_change(r, &before, &second);
    job_row found = first_held(r, "x", 0);
    rig_assert_same_row(&found, &second);
}

CONFORMS(held_jobs_of_a_route_are_found)
{
    job_row rows[MOST];
    job_row a = submit_held(r, "k", "x", 0);
    job_row b = submit_held(r, "other", "x", 0);
    submit_held(r, "k", "y", 0);
    rig_submit(r);
    assert_int_equal(held_of_route(r, a.route, 0, MOST, rows), 2);
    assert_int_equal(held_of_route(r, a.route, 0, 1, rows), 1);
    rig_assert_same_row(&rows[0], &a);
    assert_int_equal(held_of_route(r, a.route, a.seq, MOST, rows), 1);
    assert_int_equal(held_of_route(r, a.route, rows[0].seq, MOST, rows), 0);
    assert_int_equal(held_of_route(r, b.route, 0, MOST, rows), 1);
    rig_assert_same_row(&rows[0], &b);
    assert_int_equal(held_of_route(r, 99, 0, MOST, rows), 0);
}

static size_t ready_behind(rig *r, const job_row *row, size_t limit, job_row *rows)
{
    size_t count = 999;
    const store_place behind = {job_row_rank(row), row->seq};
    rig_ok(r->store->ops->lane_behind(r->store, row->route, &behind, limit, rows, &count));
    return count;
}

CONFORMS(ready_jobs_are_read_behind_a_place)
{
    job_row rows[MOST], start = rig_submit(r);
    job_row second = rig_submit(r), before = second, third = rig_submit(r);
    submit_held(r, "k", "x", 0);
    second.aging_us = 1;  // comes first now
    rig_change(r, &before, &second);
    assert_int_equal(ready_behind(r, &second, MOST, rows), 2);
    rig_assert_same_row(&rows[0], &start);
    rig_assert_same_row(&rows[1], &third);
    assert_int_equal(ready_behind(r, &second, 1, rows), 1);
    assert_int_equal(ready_behind(r, &start, MOST, rows), 1);
    assert_int_equal(ready_behind(r, &third, MOST, rows), 0);
}

static size_t take_ready(rig *r, int32_t route, job_row *rows)
{
    size_t count = 999;
    rig_ok(r->store->ops->take_ready(r->store, &route, 1, MOST, rows, &count));
    return count;
}

CONFORMS(a_held_job_is_ready_but_not_taken_until_it_is_let_go)
{
    job_row rows[MOST];
    job_row row = submit_held(r, "k", "x", 0), before = row;
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
    assert_int_equal(take_ready(r, row.route, rows), 0);
    row.held = false;
    rig_begin(r);
    rig_save(r, &before, &row);
    assert_int_equal(take_ready(r, row.route, rows), 1);
    assert_int_equal(first_held(r, "x", 0).seq, 0);
    r->store->ops->rollback(r->store);
    assert_int_equal(first_held(r, "x", 0).seq, row.seq);
    rig_change(r, &before, &row);
    assert_int_equal(first_held(r, "x", 0).seq, 0);
    assert_int_equal(held_of_route(r, row.route, 0, MOST, rows), 0);
    assert_int_equal(take_ready(r, row.route, rows), 1);
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
    rig_change(r, &row, &before);
    assert_int_equal(first_held(r, "x", 0).seq, row.seq);
    rig_remove(r, &before);
    assert_int_equal(first_held(r, "x", 0).seq, 0);
}

// ---- finished jobs that others wait for ----

CONFORMS(a_finished_job_settles_before_it_is_kept_or_purged)
{
    job_row rows[MOST];
    size_t count = 0;
    job_row row = rig_finish(r, rig_submit(r)), before = row;
    row.has_dependants = true;
    rig_change(r, &before, &row);
    rig_reopen(r);
    rig_ok(r->store->ops->due(r->store, JOB_LANE_FINISHED, INT64_MAX, MOST, rows, &count));
    assert_int_equal(count, 0);
    rig_ok(r->store->ops->due(r->store, JOB_LANE_SETTLING, INT64_MAX, MOST, rows, &count));
    assert_int_equal(count, 1);
    rig_assert_same_row(&rows[0], &row);
    int64_t rank = -1;
    rig_ok(r->store->ops->next_due(r->store, JOB_LANE_SETTLING, &rank));
    assert_int_equal(rank, 0);
    rig_change(r, &row, &before);
    rig_ok(r->store->ops->next_due(r->store, JOB_LANE_SETTLING, &rank));
    assert_int_equal(rank, INT64_MAX);
}

// ---- the place in the line ----

static size_t position(rig *r, const job_row *row, size_t limit)
{
    size_t ret = 999;
    store_reader *reader = rig_reader(r);
    rig_ok(reader->ops->position(reader, row, limit, &ret));
    reader->ops->close(reader);
    return ret;
}

CONFORMS(the_position_is_exact_over_all_kinds_of_the_queue)
{
    job_row rows[40];
    rig_begin(r);
    for (int i = 0; i < 40; i++)
        rows[i] = rig_insert(r, rig_route(r, "q", (const char *[]){"a", "b", "c"}[i % 3]),
                             (int32_t[]){0, 5, -5, 0}[i % 4], 0);
    for (int i = 0; i < 5; i++)
        rig_insert(r, rig_route(r, "other", "a"), 100, 0);
    rig_commit(r);
    submit_held(r, "a", "x", 100);
    for (int i = 0; i < 40; i++) {
        size_t before = 0;
        for (int j = 0; j < 40; j++)
            before += rows[j].priority > rows[i].priority ||
                      (rows[j].priority == rows[i].priority && rows[j].seq < rows[i].seq);
        assert_int_equal(position(r, &rows[i], 1000), before);
        assert_int_equal(position(r, &rows[i], 10), before < 10 ? before : 10);
        assert_int_equal(position(r, &rows[i], 0), 0);
    }
}

CONFORMS(a_held_job_has_a_position_too)
{
    job_row first = rig_submit(r);
    job_row row = submit_held(r, "k", "x", 0);
    submit_held(r, "k", "x", 50);
    rig_submit(r);
    assert_int_equal(position(r, &first, 10), 0);
    assert_int_equal(position(r, &row, 10), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(expiring_jobs_come_in_the_order_of_their_times),
    cmocka_unit_test(a_job_that_was_leased_does_not_expire),
    cmocka_unit_test(a_job_that_ended_does_not_expire),
    cmocka_unit_test(next_expiry_follows_every_change),
    cmocka_unit_test(the_first_held_job_of_a_key_is_found_for_each_kind),
    cmocka_unit_test(a_held_job_that_is_put_off_moves_back_in_the_order),
    cmocka_unit_test(held_jobs_of_a_route_are_found),
    cmocka_unit_test(ready_jobs_are_read_behind_a_place),
    cmocka_unit_test(a_held_job_is_ready_but_not_taken_until_it_is_let_go),
    cmocka_unit_test(a_finished_job_settles_before_it_is_kept_or_purged),
    cmocka_unit_test(the_position_is_exact_over_all_kinds_of_the_queue),
    cmocka_unit_test(a_held_job_has_a_position_too),
};

UNIT_TEST_MAIN(tests)
