// store_saves - conformance: rows that are saved one by one, and who sees them before the commit.
#include "unit/store_rig.h"

#define MANY 600  // more than are written at one time

static job_row leased(rig *r, job_row row)
{
    uuid worker = uuid_new_v7(r->now_us);
    rig_ok(job_lease(&row, &worker, 1, r->now_us));
    return row;
}

static size_t lane_count(rig *r, int32_t lane)
{
    static job_row rows[MANY + 1];
    const store_place first = {.rank = INT64_MIN};
    size_t count = 0;
    rig_ok(r->store->ops->lane_behind(r->store, lane, &first, MANY + 1, rows, &count));
    return count;
}

CONFORMS(a_saved_row_is_seen_by_each_read_of_its_transaction)
{
    job_row row = rig_submit(r), after = leased(r, row), taken;
    size_t count = 1;
    rig_begin(r);
    rig_save(r, &row, &after);
    job_row loaded = rig_load(r, row.seq);
    rig_assert_same_row(&after, &loaded);
    rig_ok(r->store->ops->take_ready(r->store, &row.route, 1, 1, &taken, &count));
    assert_int_equal(count, 0);
    r->store->ops->rollback(r->store);
    loaded = rig_load(r, row.seq);
    rig_assert_same_row(&row, &loaded);
}

CONFORMS(a_job_that_is_saved_twice_is_as_it_was_saved_last)
{
    job_row row = rig_submit(r), after = leased(r, row), ended = after;
    rig_ok(job_succeed(&ended, r->now_us));
    rig_begin(r);
    rig_save(r, &row, &after);
    rig_save(r, &after, &ended);
    rig_commit(r);
    job_row loaded = rig_load(r, row.seq);
    rig_assert_same_row(&ended, &loaded);
    assert_int_equal(rig_count(r, row.route, JOB_SUCCEEDED), 1);
}

CONFORMS(however_many_are_saved_all_are_written)
{
    static job_row rows[MANY];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    for (size_t i = 0; i < MANY; i++)
        rows[i] = rig_insert(r, route, 0, 0);
    for (size_t i = 0; i < MANY; i++) {
        job_row after = leased(r, rows[i]);
        rig_save(r, &rows[i], &after);
    }
    rig_commit(r);
    rig_reopen(r);
    assert_int_equal(rig_count(r, route, JOB_RUNNING), MANY);
    assert_int_equal(lane_count(r, JOB_LANE_RUNNING), MANY);
    assert_int_equal(lane_count(r, route), 0);
}

CONFORMS(a_saved_job_can_be_removed_in_the_same_transaction)
{
    job_row row = rig_submit(r), after = leased(r, row);
    rig_begin(r);
    rig_save(r, &row, &after);
    rig_ok(r->store->ops->remove(r->store, &after, 1));
    rig_commit(r);
    assert_int_equal(rig_find(r, &row.id).seq, 0);
    assert_int_equal(rig_count(r, row.route, JOB_RUNNING), 0);
}

CONFORMS(what_was_saved_before_a_rollback_is_not_written_by_the_next_commit)
{
    job_row row = rig_submit(r), other = rig_submit(r), after = leased(r, row);
    job_row next = leased(r, other);
    rig_begin(r);
    rig_save(r, &row, &after);
    r->store->ops->rollback(r->store);
    rig_change(r, &other, &next);
    job_row loaded = rig_load(r, row.seq);
    rig_assert_same_row(&row, &loaded);
    loaded = rig_load(r, other.seq);
    rig_assert_same_row(&next, &loaded);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_saved_row_is_seen_by_each_read_of_its_transaction),
    cmocka_unit_test(a_job_that_is_saved_twice_is_as_it_was_saved_last),
    cmocka_unit_test(however_many_are_saved_all_are_written),
    cmocka_unit_test(a_saved_job_can_be_removed_in_the_same_transaction),
    cmocka_unit_test(what_was_saved_before_a_rollback_is_not_written_by_the_next_commit),
};

UNIT_TEST_MAIN(tests)
