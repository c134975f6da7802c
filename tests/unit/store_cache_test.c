// store_cache - SQLite above the cache of its pages that knows which numbers they can have.
#include "store/sqlite_cache.h"
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#define STEPS 400

static sqlite3 *open_database(const char *place)
{
    sqlite3 *db = NULL;
    char path[80];
    (void) snprintf(path, sizeof path, "%s/x", place);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sql_run(db, "PRAGMA auto_vacuum = FULL; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
                "CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b BLOB, c INTEGER);"
                "CREATE INDEX IF NOT EXISTS t_c ON t(c)");
    return db;
}

// The file grows and shrinks, and transactions are taken back; what another connection has in its
// cache is forgotten each time.
static void a_file_that_grows_and_shrinks_stays_whole(void **state)
{
    (void) state;
    char place[64];
    assert_true(sqlite_cache_install());
    rig_make_place(place);
    sqlite3 *db = open_database(place), *other = open_database(place);
    char text[256];
    int64_t rows = 0;
    for (int i = 0; i < STEPS; i++) {
        bool shrinks = i % 4 == 3, taken_back = i % 7 == 6;
        (void) snprintf(text, sizeof text,
                        shrinks ? "BEGIN; DELETE FROM t WHERE c %% 3 <> %d %% 3"
                                : "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                                  "FROM n WHERE i < 200) INSERT INTO t(b, c) SELECT "
                                  "zeroblob(i * 11), abs(i * 7919 + %d) %% 1000 FROM n",
                        i);
        sql_run(db, text);
        sql_run(db, taken_back ? "ROLLBACK" : "COMMIT");
        int64_t now = sql_number(db, "SELECT count(*) FROM t");
        assert_int_equal(sql_number(other, "SELECT count(*) FROM t"), now);
        assert_true(taken_back ? now == rows : shrinks ? now < rows : now == rows + 200);
        rows = now;
    }
    sqlite3_close(other);
    sqlite3_close(db);
    db = open_database(place);
    assert_int_equal(sql_number(db, "SELECT count(*) FROM t"), rows);
    assert_int_equal(sql_number(db, "SELECT count(*) FROM t INDEXED BY t_c WHERE c >= 0"), rows);
    assert_int_equal(sql_number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
                     1);
    sqlite3_close(db);
    rig_remove_place(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_that_grows_and_shrinks_stays_whole),
};

UNIT_TEST_MAIN(tests)
