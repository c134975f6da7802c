// store_sql - SQL that a test runs itself, on any connection and on that of a store.
#ifndef ERRAND_TESTS_UNIT_STORE_SQL_H
#define ERRAND_TESTS_UNIT_STORE_SQL_H

#include "unit/store_rig.h"

#include "store/sqlite_internal.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

// The database file of a folder that no store has open; sqlite3_close it.
static inline sqlite3 *sql_open_file(const char *place)
{
    char path[128];
    sqlite3 *db = NULL;
    (void) snprintf(path, sizeof path, "%s/errand.db", place);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static inline void sql_run(sqlite3 *db, const char *text)
{
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

// The one number that the text selects.
static inline int64_t sql_number(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

// The same, by the connection with which the store writes.
static inline int64_t sql_store_number(const rig *r, const char *text)
{
    return sql_number(sqlite_store_of(r->store)->link.db, text);
}

// Files of this process can not grow beyond that: as good as a full disk.
static inline void sql_limit_files(rlim_t bytes)
{
    struct rlimit limit;
    (void) signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif
