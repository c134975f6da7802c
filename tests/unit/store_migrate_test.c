// store_migrate - a store that an older program wrote is opened and goes on.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include "store/sqlite_internal.h"
#include "store/sqlite_schema.h"

#include <fcntl.h>

static const store_backend sqlite = {"sqlite", store_sqlite_open};

// As a program that knew schema 1 left it: a ready job, and one that has failed.
static const char first_contents[] =
    "INSERT INTO route(route, queue, kind) VALUES (1, 'q', 'k');"
    "INSERT INTO counter(route, state, n) VALUES (1, 3, 1), (1, 6, 1);"
    "INSERT INTO meta(key, value) VALUES ('next_seq', 3), ('last_time_us', 1700000000000000);"
    "INSERT INTO job(seq, lane, rank, state, revision, due_us, id, route, create_us)"
    "  VALUES (1, 1, 0, 3, 1, 1700000000000000, x'018bcfe5680070008000000000000001', 1,"
    "          1700000000000000);"
    "INSERT INTO job(seq, lane, rank, state, attempt, failures, revision, due_us, finish_us, id,"
    "  route, create_us)"
    "  VALUES (2, -3, 5, 6, 1, 1, 4, 1700000000000000, 1700000000000000,"
    "          x'018bcfe5680070008000000000000002', 1, 1700000000000000);"
    "INSERT INTO input(seq, hash, spec) VALUES (1, zeroblob(32), 'one'), (2, zeroblob(32), 'two');";

// As a program that knew no later schema left it.
static void write_store(const char *place, int64_t version, const char *contents)
{
    sqlite3 *db = sql_open_file(place);
    rig_ok(sqlite_schema_update_to(db, version));
    rig_ok(sqlite_run_text(db, contents));
    sqlite3_close(db);
}

static rig start_with_first(void)
{
    rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
    rig_make_place(r.place);
    write_store(r.place, 1, first_contents);
    rig_open(&r);
    return r;
}

static void jobs_of_the_first_schema_are_read_as_before(void **state)
{
    (void) state;
    rig r = start_with_first();
    job_row ready = rig_load(&r, 1), failed = rig_load(&r, 2);
    const job_row expected = {.seq = 1,
                              .id = ready.id,
                              .route = 1,
                              .state = JOB_READY,
                              .revision = 1,
                              .create_us = T0,
                              .due_us = T0,
                              .policy = ready.policy};
    rig_assert_same_row(&ready, &expected);
    assert_int_equal(ready.id.bytes[15], 1);
    assert_int_equal(failed.state, JOB_FAILED);
    assert_int_equal(rig_count(&r, 1, JOB_READY), 1);
    assert_int_equal(r.store->ops->next_seq(r.store), 3);
    assert_int_equal(r.store->ops->last_time_us(r.store), T0);
    rig_stop(&r);
}

static void jobs_of_the_first_schema_go_on_under_the_latest(void **state)
{
    (void) state;
    rig r = start_with_first();
    size_t count = 0;
    job_row row, before = rig_load(&r, 1);
    const int32_t route = 1;
    rig_ok(r.store->ops->take_ready(r.store, &route, 1, 1, &row, &count));
    assert_int_equal(count, 1);
    rig_assert_same_row(&row, &before);
    row.held = row.has_dependants = true;
    row.retry_request = 5;
    rig_change(&r, &before, &row);
    rig_reopen(&r);
    before = rig_load(&r, 1);
    rig_assert_same_row(&before, &row);
    rig_remove(&r, &row);
    rig_submit(&r);
    rig_stop(&r);
}

// Each object by its text; the texts differ where columns were added.
static int64_t objects(const rig *r)
{
    return sql_store_number(r, "SELECT count(*) FROM sqlite_schema");
}

static void a_migrated_store_has_all_that_a_new_one_has(void **state)
{
    (void) state;
    rig migrated = start_with_first(), made = rig_start(&sqlite);
    assert_true(sql_store_number(&migrated, "PRAGMA user_version") > 1);
    assert_int_equal(objects(&migrated), objects(&made));
    rig_stop(&migrated);
    rig_stop(&made);
}

// What schema 4 keeps in one table was in two; all of it is kept, and what is not there is zero.
static void numbers_of_the_third_schema_are_kept(void **state)
{
    (void) state;
    rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
    rig_make_place(r.place);
    write_store(r.place, 3,
                "INSERT INTO route(route, queue, kind) VALUES"
                " (1, 'q', 'a'), (2, 'q', 'b'), (3, 'r', 'a');"
                "INSERT INTO meta(key, value) VALUES ('next_seq', 5000000000000);"
                "INSERT INTO counter(route, state, n) SELECT 1, value, value * 10"
                " FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8]');"
                "INSERT INTO counter(route, state, n) VALUES (3, 8, 1);");
    rig_open(&r);
    for (job_state s = 1; s < JOB_STATE_COUNT; s++) {
        assert_int_equal(rig_count(&r, 1, s), 10 * (int) s);
        assert_int_equal(rig_count(&r, 2, s), 0);
        assert_int_equal(rig_count(&r, 3, s), s == JOB_STATE_COUNT - 1);
    }
    assert_int_equal(r.store->ops->last_time_us(r.store), 0);
    assert_int_equal(r.store->ops->next_seq(r.store), 5000000000000);
    rig_stop(&r);
}

// Held jobs that a program with schema 2 left are found by the index of schema 3.
static void held_jobs_of_the_second_schema_are_found(void **state)
{
    (void) state;
    rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
    char text[256];
    job_row found;
    rig_make_place(r.place);
    write_store(r.place, 1, first_contents);
    snprintf(text, sizeof text,
             "UPDATE job SET lane = %d, held_rank = rank,"
             " concurrency_key = x'018bcfe5680070008000000000000009' WHERE seq = 1",
             JOB_LANE_HELD);
    write_store(r.place, 2, text);
    rig_open(&r);
    job_row held = rig_load(&r, 1);
    assert_true(held.held);
    rig_ok(r.store->ops->first_held(r.store, &held.concurrency_key, 0, &found));
    rig_assert_same_row(&found, &held);
    rig_stop(&r);
}

// A job that has something in every column of schema 4, and one that has nothing where it may.
static const char fourth_contents[] =
    "INSERT INTO route(route, queue, kind) VALUES (1, 'q', 'k');"
    "UPDATE total SET n1 = 9, n2 = 1700000000000000 WHERE route = 0;"
    "INSERT INTO total(route, n3, n6) VALUES (1, 1, 1);"
    "INSERT INTO job(seq, lane, rank, state, attempt, failures, losses, revision, due_us,"
    "  start_us, finish_us, worker, lease_sequence, callbacks_open, id, route, priority,"
    "  create_us, parent_seq, has_callback, attempt_timeout_us, retention_us, min_backoff_us,"
    "  max_backoff_us, max_attempts, multiplier, retry_request, expire_us, aging_us, blockers,"
    "  has_dependants, unique_key, concurrency_key)"
    " VALUES (7, -7, 0, 6, 11, 12, 13, 14, 1700000000000015, 1700000000000016,"
    "  1700000000000017, x'018bcfe5680070008000000000000006', 18, 19,"
    "  x'018bcfe5680070008000000000000007', 1, -20, 1700000000000000, 5, 1, 21, 22, 23, 24, 25,"
    "  1.25, -26, 1700000000000027, 28, 29, 1, x'018bcfe5680070008000000000000008',"
    "  x'018bcfe5680070008000000000000009');"
    "INSERT INTO job(seq, lane, rank, state, id, route)"
    " VALUES (8, 1, 3, 3, x'018bcfe5680070008000000000000010', 1);"
    "INSERT INTO input(seq, hash, spec) VALUES (7, zeroblob(32), 'seven'), (8, zeroblob(32), '');"
    "INSERT INTO result(seq, body) VALUES (7, 'done');";

static void every_column_of_the_fourth_schema_is_kept(void **state)
{
    (void) state;
    rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
    slice spec;
    rig_make_place(r.place);
    write_store(r.place, 4, fourth_contents);
    rig_open(&r);
    job_row full = rig_load(&r, 7), bare = rig_load(&r, 8);
    const job_row all = {.seq = 7,
                         .id = full.id,
                         .parent_seq = 5,
                         .route = 1,
                         .state = JOB_FAILED,
                         .priority = -20,
                         .attempt = 11,
                         .failures = 12,
                         .losses = 13,
                         .revision = 14,
                         .create_us = T0,
                         .due_us = T0 + 15,
                         .start_us = T0 + 16,
                         .finish_us = T0 + 17,
                         .worker = full.worker,
                         .lease_sequence = 18,
                         .has_callback = true,
                         .callbacks_open = 19,
                         .retry_request = -26,
                         .expire_us = T0 + 27,
                         .aging_us = 28,
                         .blockers = 29,
                         .has_dependants = true,
                         .unique_key = full.unique_key,
                         .concurrency_key = full.concurrency_key,
                         .policy = {21, 22, 23, 24, 1.25, 25}};
    const job_row none = {.seq = 8,
                          .id = bare.id,
                          .route = 1,
                          .state = JOB_READY,
                          .policy = {60000000, 86400000000, 1000000, 600000000, 2, 10}};
    rig_assert_same_row(&full, &all);
    rig_assert_same_row(&bare, &none);
    assert_int_equal(full.worker.bytes[15], 6);
    assert_int_equal(full.id.bytes[15], 7);
    assert_int_equal(full.unique_key.bytes[15], 8);
    assert_int_equal(full.concurrency_key.bytes[15], 9);
    rig_ok(r.store->ops->load_spec(r.store, 7, r.memory, &spec, NULL));
    assert_int_equal(spec.size, 5);
    rig_ok(r.store->ops->load_result(r.store, 7, r.memory, &spec));
    assert_int_equal(spec.size, 4);
    assert_int_equal(r.store->ops->next_seq(r.store), 9);
    rig_stop(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(jobs_of_the_first_schema_are_read_as_before),
    cmocka_unit_test(jobs_of_the_first_schema_go_on_under_the_latest),
    cmocka_unit_test(a_migrated_store_has_all_that_a_new_one_has),
    cmocka_unit_test(numbers_of_the_third_schema_are_kept),
    cmocka_unit_test(held_jobs_of_the_second_schema_are_found),
    cmocka_unit_test(every_column_of_the_fourth_schema_is_kept),
};

UNIT_TEST_MAIN(tests)
