// store_migrate_lives - jobs in every state that an older program left, with inputs and results of
// all sizes: under the latest schema they are read, and go on to their ends.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include "store/sqlite_internal.h"
#include "store/sqlite_schema.h"

static const store_backend sqlite = {"sqlite", store_sqlite_open};

// Two jobs in each state as schema 4 had them. What is odd has short bytes, what is even long ones.
static const char contents[] =
    "INSERT INTO route(route, queue, kind) VALUES (1, 'q', 'k');"
    "UPDATE total SET n1 = 17, n2 = 1700000000000000 WHERE route = 0;"
    "INSERT INTO total(route, n1, n2, n3, n4, n5, n6, n7, n8) VALUES (1, 2, 2, 2, 2, 2, 2, 2, 2);"
    "INSERT INTO job(seq, lane, rank, state, revision, attempt, due_us, create_us, start_us,"
    "  finish_us, worker, blockers, id, route)"
    " WITH n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 16),"
    "  s AS (SELECT seq, (seq + 1) / 2 AS state FROM n)"
    " SELECT seq,"
    "  CASE state WHEN 1 THEN -5 WHEN 2 THEN -1 WHEN 3 THEN 1 WHEN 4 THEN -2 ELSE -3 END,"
    "  CASE state WHEN 2 THEN 1700000000000000 WHEN 3 THEN (100 << 53) + 1700000000000000"
    "   WHEN 1 THEN 0 WHEN 4 THEN 0 ELSE 1700000000000000 + 86400000000 END,"
    "  state, 3, iif(state > 3, 1, NULL), 1700000000000000, 1700000000000000,"
    "  iif(state > 3, 1700000000000000, NULL), iif(state > 4, 1700000000000000, NULL),"
    "  iif(state > 3, x'018bcfe5680070008000000000000006', NULL), iif(state = 1, 1, NULL),"
    "  CAST(printf('id of a job: %3d', seq) AS BLOB), 1 FROM s;"
    "INSERT INTO input(seq, hash, spec) SELECT seq, zeroblob(32),"
    "  zeroblob(iif(seq % 2, 100, 3000)) FROM job;"
    "INSERT INTO result(seq, body) SELECT seq, zeroblob(iif(seq % 2, 100, 3000)) FROM job"
    "  WHERE state > 4;"
    "INSERT INTO attempt(seq, number, body) SELECT seq, 1, x'33' FROM job WHERE state > 5;"
    "INSERT INTO dependency(on_seq, seq) VALUES (7, 1), (7, 2);";

#define JOBS 16

static rig start_closed(void)
{
    rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
    rig_make_place(r.place);
    sqlite3 *db = sql_open_file(r.place);
    rig_ok(sqlite_schema_update_to(db, 4));
    rig_ok(sqlite_run_text(db, contents));
    sqlite3_close(db);
    return r;
}

static rig start(void)
{
    rig r = start_closed();
    rig_open(&r);
    return r;
}

static size_t old_size(int64_t seq)
{
    return seq % 2 ? 100 : 3000;
}

static slice bytes_of(size_t size)
{
    static const uint8_t all[4000] = {7};
    return (slice){all, size};
}

// What the writer and a reader find of a job. result: its size.
static void expect(rig *r, const job_row *row, size_t result)
{
    slice spec, found;
    store_job job;
    job_row loaded = rig_load(r, row->seq);
    store_reader *reader = rig_reader(r);
    rig_assert_same_row(&loaded, row);
    rig_ok(r->store->ops->load_spec(r->store, row->seq, r->memory, &spec, NULL));
    rig_ok(r->store->ops->load_result(r->store, row->seq, r->memory, &found));
    rig_ok(reader->ops->get(reader, &row->id,
                            STORE_PART_SPEC | STORE_PART_RESULT | STORE_PART_ATTEMPTS, r->memory,
                            &job));
    rig_assert_same_row(&job.row, row);
    assert_int_equal(spec.size, old_size(row->seq));
    assert_int_equal(job.spec.size, old_size(row->seq));
    assert_int_equal(found.size, result);
    assert_int_equal(job.result.size, result);
    reader->ops->close(reader);
}

static void expect_all(rig *r)
{
    for (int64_t seq = 1; seq <= JOBS; seq++) {
        job_row row = rig_load(r, seq);
        assert_int_equal(row.state, (seq + 1) / 2);
        assert_int_equal(row.id.bytes[15], '0' + seq % 10);
        assert_int_equal(row.attempt, row.state > JOB_READY);
        assert_int_equal(row.start_us, row.state > JOB_READY ? T0 : 0);
        assert_int_equal(row.finish_us, row.state > JOB_RUNNING ? T0 : 0);
        assert_int_equal(row.blockers, row.state == JOB_BLOCKED);
        expect(r, &row, row.state > JOB_RUNNING ? old_size(seq) : 0);
    }
}

static void jobs_in_every_state_are_read_as_before(void **state)
{
    (void) state;
    rig r = start();
    expect_all(&r);
    rig_stop(&r);
}

static void a_migration_that_finds_no_room_leaves_all_as_it_was(void **state)
{
    (void) state;
    rig r = start_closed();
    sql_limit_files(36 << 10);  // of the log: the rest is there already
    rig_fails(STATUS_UNAVAILABLE, store_sqlite_open(r.place, &r.store));
    sql_limit_files(RLIM_INFINITY);
    sqlite3 *db = sql_open_file(r.place);
    assert_int_equal(sql_number(db, "PRAGMA user_version"), 4);
    sqlite3_close(db);
    rig_open(&r);
    expect_all(&r);
    rig_stop(&r);
}

static void jobs_in_every_state_stand_in_their_lanes(void **state)
{
    (void) state;
    rig r = start();
    const job_lane lanes[] = {JOB_LANE_BLOCKED, JOB_LANE_SCHEDULED, JOB_LANE_RUNNING,
                              JOB_LANE_FINISHED};
    const size_t counts[] = {2, 2, 2, 8};
    const int32_t route = 1;
    job_row rows[JOBS];
    size_t count = 0;
    for (int i = 0; i < 4; i++) {
        rig_ok(r.store->ops->due(r.store, lanes[i], INT64_MAX, JOBS, rows, &count));
        assert_int_equal(count, counts[i]);
        for (size_t j = 0; j < count; j++)
            assert_int_equal(job_row_lane(&rows[j]), lanes[i]);
    }
    rig_ok(r.store->ops->take_ready(r.store, &route, 1, JOBS, rows, &count));
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].seq, 5);
    assert_int_equal(
        sql_store_number(&r, "SELECT count(*) FROM job WHERE lane = 1 AND rank <> (100 << 53) +"
                             " 1700000000000000"),
        0);
    assert_int_equal(job_row_rank(&rows[0]), (INT64_C(100) << JOB_RANK_DUE_BITS) + T0);
    rig_begin(&r);
    rig_ok(r.store->ops->take_dependants(r.store, 7, JOBS, rows, &count));
    rig_commit(&r);
    assert_int_equal(count, 2);
    assert_int_equal(rows[1].seq, 2);
    rig_stop(&r);
}

static job_row succeed(rig *r, job_row row, size_t result)
{
    const uuid worker = uuid_new_v7(T0);
    job_row ready = row;
    rig_begin(r);
    rig_ok(job_lease(&row, &worker, 1, T0));
    rig_save(r, &ready, &row);
    job_row running = row;
    rig_ok(job_succeed(&row, T0));
    rig_ok(r->store->ops->put_result(r->store, row.seq, bytes_of(result)));
    rig_save(r, &running, &row);
    rig_commit(r);
    expect(r, &row, result);
    return row;
}

// An old result in a table of its own gives way to whatever comes after it.
static void old_results_are_replaced_by_results_of_any_size(void **state)
{
    (void) state;
    const size_t sizes[] = {0, 50, 255, 256, 3500};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rig r = start();
        for (int64_t seq = 11; seq <= JOBS; seq++) {
            job_row before = rig_load(&r, seq), row = before;
            rig_ok(job_retry(&row, T0));
            rig_change(&r, &before, &row);
            expect(&r, &row, old_size(seq));
            succeed(&r, row, sizes[i]);
        }
        rig_reopen(&r);
        for (int64_t seq = 11; seq <= JOBS; seq++) {
            job_row row = rig_load(&r, seq);
            expect(&r, &row, sizes[i]);
        }
        rig_stop(&r);
    }
}

static void old_jobs_go_with_all_that_belongs_to_them(void **state)
{
    (void) state;
    for (int together = 0; together < 2; together++) {
        rig r = start();
        job_row rows[JOBS];
        for (int64_t seq = 1; seq <= JOBS; seq++)
            rows[seq - 1] = rig_load(&r, seq);
        rig_begin(&r);
        if (together)
            rig_ok(r.store->ops->remove(r.store, rows, JOBS));
        for (int i = 0; i < JOBS && !together; i++)
            rig_ok(r.store->ops->remove(r.store, &rows[i], 1));
        rig_commit(&r);
        assert_int_equal(
            sql_store_number(&r, "SELECT (SELECT count(*) FROM job) +"
                                 " (SELECT count(*) FROM input) +"
                                 " (SELECT count(*) FROM result) +"
                                 " (SELECT count(*) FROM attempt) +"
                                 " (SELECT count(*) FROM dependency) +"
                                 " (SELECT sum(n1 + n2 + n3 + n4 + n5 + n6 + n7 + n8) FROM total"
                                 "  WHERE route > 0)"),
            0);
        rig_stop(&r);
    }
}

static void old_jobs_live_beside_new_ones(void **state)
{
    (void) state;
    rig r = start();
    const int32_t route = 1;
    job_row rows[JOBS];
    size_t count = 0;
    rig_begin(&r);
    store_new_job job = rig_new_job(&r, route, 0, 0);
    assert_int_equal(job.row.seq, JOBS + 1);
    job.lasts = true;
    rig_ok(r.store->ops->insert(r.store, &job, 1));
    rig_ok(r.store->ops->take_ready(r.store, &route, 1, JOBS, rows, &count));
    assert_int_equal(count, 3);
    rig_assert_same_row(&rows[2], &job.row);
    for (size_t i = 0; i < count; i++) {
        slice spec;
        rig_ok(r.store->ops->load_spec(r.store, rows[i].seq, r.memory, &spec, NULL));
        assert_int_equal(spec.size, i < 2 ? old_size(rows[i].seq) : job.spec.size);
    }
    rig_commit(&r);
    for (size_t i = 0; i < 2; i++)
        (void) succeed(&r, rows[i], 20);
    assert_int_equal(sql_store_number(&r, "SELECT count(*) FROM pragma_integrity_check"
                                          " WHERE integrity_check <> 'ok'"),
                     0);
    rig_stop(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(jobs_in_every_state_are_read_as_before),
    cmocka_unit_test(a_migration_that_finds_no_room_leaves_all_as_it_was),
    cmocka_unit_test(jobs_in_every_state_stand_in_their_lanes),
    cmocka_unit_test(old_results_are_replaced_by_results_of_any_size),
    cmocka_unit_test(old_jobs_go_with_all_that_belongs_to_them),
    cmocka_unit_test(old_jobs_live_beside_new_ones),
};

UNIT_TEST_MAIN(tests)
