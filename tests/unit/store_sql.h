// store_sql - SQL that a test runs itself, on any connection.
#ifndef ERRAND_TESTS_UNIT_STORE_SQL_H
#define ERRAND_TESTS_UNIT_STORE_SQL_H

#include "unit/unit_test.h"

#include <sqlite3.h>
#include <sys/resource.h>

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

// Files of this process can not grow beyond that: as good as a full disk. SIGXFSZ is to be ignored.
static inline void sql_limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif
