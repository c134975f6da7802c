// store_plan - the SQLite backend's statements find what they want by an index, sort nothing, and
// read nothing twice.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include "store/sqlite_internal.h"
#include "store/sqlite_reader_internal.h"

static const store_backend sqlite = {"sqlite", store_sqlite_open};

// Tables that are read as a whole when a store is opened.
static bool is_read_whole(const char *step)
{
    return strstr(step, "SCAN worker") || strstr(step, "SCAN queue") || strstr(step, "SCAN route");
}

static bool is_slow(const char *step)
{
    if (strstr(step, "TEMP B-TREE") || strstr(step, "AUTOMATIC"))
        return true;
    if (!strstr(step, "SCAN") || is_read_whole(step))
        return false;
    // The caller's own array; and an index read in its order, up to a limit.
    return !strstr(step, "VIRTUAL TABLE") && !strstr(step, "job_by_expiry") &&
           !strstr(step, "CONSTANT ROW") && !strstr(step, "(subquery");
}

static int slow_steps(sqlite3 *db, const char *text)
{
    AUTO_FREE char *question = NULL;
    sqlite3_stmt *plan = NULL;
    int slow = 0;
    assert_true(asprintf(&question, "EXPLAIN QUERY PLAN %s", text) > 0);
    assert_int_equal(sqlite3_prepare_v2(db, question, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *) sqlite3_column_text(plan, 3);
        if (!is_slow(step))
            continue;
        print_error("%s\n  in %s\n", step, text);
        slow++;
    }
    sqlite3_finalize(plan);
    return slow;
}

static int slow_statements(const sqlite_link *link, size_t expected)
{
    int slow = 0;
    assert_int_equal(link->statement_count, expected);
    for (size_t i = 0; i < link->statement_count; i++)
        slow += slow_steps(link->db, sqlite3_sql(link->statements[i]));
    return slow;
}

// Enough of everything that a planner without statistics could be wrong about.
static void every_statement_of_the_writer_uses_an_index(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    const sqlite_link *link = &sqlite_store_of(r.store)->link;
    assert_int_equal(slow_statements(link, WRITE_STATEMENT_COUNT), 0);
    assert_true(slow_steps(link->db, "SELECT * FROM job WHERE rank = 1") > 0);
    assert_true(slow_steps(link->db, "SELECT * FROM job WHERE lane = 1 ORDER BY route") > 0);
    rig_stop(&r);
}

static void every_statement_of_a_reader_uses_an_index(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    store_reader *reader = rig_reader(&r);
    assert_int_equal(slow_statements(&((sqlite_reader *) reader)->link, READ_STATEMENT_COUNT), 0);
    reader->ops->close(reader);
    rig_stop(&r);
}

// What stands in an index costs each change of the row; a plain job is in two, by id and by lane.
static void a_plain_job_has_no_entry_in_the_other_indexes(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    static const char *const empty[] = {
        "SELECT count(*) FROM job INDEXED BY job_by_unique_key"
        " WHERE holds_key IS NOT NULL",
        "SELECT count(*) FROM job INDEXED BY job_by_held WHERE held_rank IS NOT NULL",
        "SELECT count(*) FROM job INDEXED BY job_by_held_route WHERE held_rank IS NOT NULL",
        "SELECT count(*) FROM job INDEXED BY job_by_expiry"
        " WHERE may_expire IS NOT NULL",
        "SELECT count(*) FROM job INDEXED BY job_by_end WHERE state > 5",
        "SELECT count(*) FROM label",
        "SELECT count(*) FROM dependency",
        "SELECT count(*) FROM progress",
    };
    rig_submit(&r);
    rig_finish(&r, rig_submit(&r));
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        assert_int_equal(sql_store_number(&r, empty[i]), 0);
    rig_stop(&r);
}

// A lease that begins its transaction only when there are jobs for it has read them before.
static void the_inputs_of_jobs_that_were_taken_are_there_for_their_leases(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    sqlite_store *s = sqlite_store_of(r.store);
    job_row rows[2], first = rig_submit(&r), second = rig_submit(&r);
    size_t count = 0;
    rig_ok(r.store->ops->take_ready(r.store, &first.route, 1, 2, rows, &count));
    rig_begin(&r);
    assert_non_null(sqlite_taken_input(s, first.seq).bytes);
    assert_non_null(sqlite_taken_input(s, second.seq).bytes);
    rig_ok(r.store->ops->take_ready(r.store, &first.route, 1, 2, rows, &count));
    rig_ok(r.store->ops->remove(r.store, &first, 1));
    assert_null(sqlite_taken_input(s, first.seq).bytes);
    rig_commit(&r);
    rig_stop(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_statement_of_the_writer_uses_an_index),
    cmocka_unit_test(every_statement_of_a_reader_uses_an_index),
    cmocka_unit_test(a_plain_job_has_no_entry_in_the_other_indexes),
    cmocka_unit_test(the_inputs_of_jobs_that_were_taken_are_there_for_their_leases),
};

UNIT_TEST_MAIN(tests)
