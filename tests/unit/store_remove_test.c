// store_remove - conformance: jobs that go take along what belongs to them, and nothing else.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#define JOBS  24
#define LARGE 300  // bytes of a result that does not stand in the row of its job

// What nobody can see would only take space: so the tables themselves are asked.
static void assert_tables_have(rig *r, size_t jobs)
{
    static const char *const tables[] = {"result", "attempt", "progress", "label", "dependency"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "SELECT count(*) FROM %s", tables[i]);
        assert_int_equal(sql_store_number(r, text), jobs);
    }
}

// Jobs with all that a job can have, one behind the other.
static void make_jobs(rig *r, job_row *ret)
{
    static const store_label label = {.key = "team", .value = "red"};
    static const uint8_t large[LARGE] = {1};
    const slice bytes = {(const uint8_t *) "x", 1};
    rig_begin(r);
    job_row awaited = rig_insert(r, rig_route(r, "q", "k"), 0, 0);
    for (int i = 0; i < JOBS; i++) {
        store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
        job.labels = &label;
        job.label_count = 1;
        job.row.blockers = 1;
        job.after = &awaited.seq;
        job_start_life(&job.row, r->now_us);
        rig_ok(r->store->ops->insert(r->store, &job, 1));
        rig_ok(r->store->ops->put_result(r->store, job.row.seq, (slice){large, LARGE}));
        rig_ok(r->store->ops->put_attempt(r->store, job.row.seq, 1, bytes));
        rig_ok(r->store->ops->put_progress(r->store, job.row.seq, bytes));
        ret[i] = job.row;
    }
    rig_commit(r);
}

static void assert_whole(rig *r, store_reader *reader, const job_row *row)
{
    store_job job;
    rig_ok(reader->ops->get(reader, &row->id,
                            STORE_PART_SPEC | STORE_PART_RESULT | STORE_PART_ATTEMPTS |
                                STORE_PART_PROGRESS,
                            r->memory, &job));
    assert_int_equal(job.result.size, LARGE);
    assert_int_equal(job.attempt_count, 1);
    assert_int_equal(job.progress.size, 1);
}

static void assert_gone(rig *r, const job_row *row)
{
    slice bytes = {0};
    job_row found = rig_load(r, row->seq);
    assert_int_equal(found.seq, 0);
    rig_fails(STATUS_NOT_FOUND,
              r->store->ops->load_spec(r->store, row->seq, r->memory, &bytes, NULL));
    rig_ok(r->store->ops->load_result(r->store, row->seq, r->memory, &bytes));
    assert_int_equal(bytes.size, 0);
    rig_ok(r->store->ops->load_last_attempt(r->store, row->seq, r->memory, &bytes));
    assert_int_equal(bytes.size, 0);
}

static size_t count_labelled(rig *r, store_reader *reader)
{
    store_job *jobs = NULL;
    size_t count = 0;
    int64_t next = 0;
    const store_filter filter = {.label_key = "team", .label_value = "red"};
    rig_ok(reader->ops->list(reader, &filter, 0, 100, 0, r->memory, &jobs, &count, &next));
    return count;
}

static void check_left(rig *r, const job_row *rows, const bool *removed, size_t left)
{
    static job_row waiting[JOBS + 1];
    size_t count = 0;
    store_reader *reader = rig_reader(r);
    assert_tables_have(r, left);
    for (size_t i = 0; i < JOBS; i++) {
        if (removed[i])
            assert_gone(r, &rows[i]);
        else
            assert_whole(r, reader, &rows[i]);
    }
    assert_int_equal(count_labelled(r, reader), left);
    reader->ops->close(reader);
    assert_int_equal(rig_count(r, rows[0].route, JOB_BLOCKED), left);
    rig_begin(r);
    rig_ok(r->store->ops->take_dependants(r->store, rows[0].seq - 1, JOBS + 1, waiting, &count));
    rig_commit(r);
    assert_int_equal(count, left);
}

// Removes the jobs with these indexes, in this order.
static void remove_and_check(rig *r, const size_t *indexes, size_t count)
{
    job_row rows[JOBS], gone[JOBS];
    bool removed[JOBS] = {false};
    make_jobs(r, rows);
    for (size_t i = 0; i < count; i++) {
        gone[i] = rows[indexes[i]];
        removed[indexes[i]] = true;
    }
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, gone, count));
    rig_commit(r);
    check_left(r, rows, removed, JOBS - count);
}

CONFORMS(jobs_side_by_side_go_with_all_they_have)
{
    remove_and_check(r, (const size_t[]){3, 4, 5, 6, 7, 8, 9, 10}, 8);
}

CONFORMS(several_rows_of_jobs_in_any_order_go_with_all_they_have)
{
    remove_and_check(r, (const size_t[]){16, 17, 15, 14, 18, 4, 2, 3, 1, 5}, 10);
}

CONFORMS(jobs_far_apart_go_with_all_they_have)
{
    remove_and_check(r, (const size_t[]){20, 1, 9, 5, 13, 17}, 6);
}

CONFORMS(a_job_goes_alone_with_all_it_has)
{
    remove_and_check(r, (const size_t[]){JOBS - 1}, 1);
}

CONFORMS(a_job_that_is_not_there_is_not_removed)
{
    job_row rows[JOBS], twice[2];
    make_jobs(r, rows);
    rig_remove(r, &rows[5]);
    rig_begin(r);
    rig_fails(STATUS_INTERNAL, r->store->ops->remove(r->store, &rows[5], 1));
    rig_fails(STATUS_INTERNAL, r->store->ops->remove(r->store, rows, JOBS));
    twice[0] = twice[1] = rows[7];
    rig_fails(STATUS_INTERNAL, r->store->ops->remove(r->store, twice, 2));
    r->store->ops->rollback(r->store);
    assert_int_equal(rig_load(r, rows[7].seq).seq, rows[7].seq);
}

CONFORMS(a_job_that_is_not_there_is_not_saved)
{
    job_row row = rig_submit(r), other = rig_submit(r), before[2] = {row, other}, after[2];
    rig_remove(r, &row);
    after[0] = row;
    after[1] = other;
    after[0].attempt = after[1].attempt = 1;
    rig_begin(r);
    rig_fails(STATUS_INTERNAL, r->store->ops->save(r->store, before, after, 2));
    r->store->ops->rollback(r->store);
    assert_int_equal(rig_load(r, row.seq).seq, 0);
    assert_int_equal(rig_load(r, other.seq).attempt, 0);
}

CONFORMS(ended_jobs_are_read_once_their_time_has_come)
{
    job_row rows[2];
    size_t count = 0;
    job_row ended = rig_finish(r, rig_submit(r));
    int64_t end_us = job_row_rank(&ended);
    rig_ok(r->store->ops->due(r->store, JOB_LANE_FINISHED, end_us - 1, 2, rows, &count));
    assert_int_equal(count, 0);
    rig_ok(r->store->ops->due(r->store, JOB_LANE_FINISHED, end_us, 2, rows, &count));
    assert_int_equal(count, 1);
    rig_assert_same_row(&ended, &rows[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(jobs_side_by_side_go_with_all_they_have),
    cmocka_unit_test(several_rows_of_jobs_in_any_order_go_with_all_they_have),
    cmocka_unit_test(jobs_far_apart_go_with_all_they_have),
    cmocka_unit_test(a_job_goes_alone_with_all_it_has),
    cmocka_unit_test(a_job_that_is_not_there_is_not_removed),
    cmocka_unit_test(a_job_that_is_not_there_is_not_saved),
    cmocka_unit_test(ended_jobs_are_read_once_their_time_has_come),
};

UNIT_TEST_MAIN(tests)
