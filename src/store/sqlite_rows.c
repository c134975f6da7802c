// sqlite_rows - a row to and from the columns of table job.
#include "store/sqlite_rows.h"

#include "store/sqlite_link.h"

#include <string.h>

// How one C type is bound and read. NULL stands for the column's own value.
static void bind_INT64(sqlite3_stmt *statement, int index, const int64_t *value, int64_t null)
{
    if (*value == null)
        sqlite3_bind_null(statement, index);
    else
        sqlite3_bind_int64(statement, index, *value);
}

static void bind_INT32(sqlite3_stmt *statement, int index, const int32_t *value, int64_t null)
{
    int64_t wide = *value;
    bind_INT64(statement, index, &wide, null);
}

static void bind_BOOL(sqlite3_stmt *statement, int index, const bool *value, int64_t null)
{
    int64_t wide = *value;
    bind_INT64(statement, index, &wide, null);
}

// The state is never NULL: it is indexed.
static void bind_STATE(sqlite3_stmt *statement, int index, const job_state *value, int64_t null)
{
    (void) null;
    sqlite3_bind_int(statement, index, (int) *value);
}

static void bind_REAL(sqlite3_stmt *statement, int index, const double *value, int64_t null)
{
    double same = (double) null;
    if (memcmp(value, &same, sizeof same) == 0)
        sqlite3_bind_null(statement, index);
    else
        sqlite3_bind_double(statement, index, *value);
}

static void bind_UUID(sqlite3_stmt *statement, int index, const uuid *value, int64_t null)
{
    (void) null;
    sqlite_bind_uuid(statement, index, value);
}

static int64_t number_or(sqlite3_stmt *statement, int column, int64_t null)
{
    int64_t value = sqlite3_column_int64(statement, column);
    if (value == 0 && null != 0 && sqlite3_column_type(statement, column) == SQLITE_NULL)
        return null;
    return value;
}

static void read_INT64(sqlite3_stmt *statement, int column, int64_t *ret, int64_t null)
{
    *ret = number_or(statement, column, null);
}

static void read_INT32(sqlite3_stmt *statement, int column, int32_t *ret, int64_t null)
{
    *ret = (int32_t) number_or(statement, column, null);
}

static void read_BOOL(sqlite3_stmt *statement, int column, bool *ret, int64_t null)
{
    *ret = number_or(statement, column, null) != 0;
}

static void read_STATE(sqlite3_stmt *statement, int column, job_state *ret, int64_t null)
{
    *ret = (job_state) number_or(statement, column, null);
}

static void read_REAL(sqlite3_stmt *statement, int column, double *ret, int64_t null)
{
    bool is_null = sqlite3_column_type(statement, column) == SQLITE_NULL;
    *ret = is_null ? (double) null : sqlite3_column_double(statement, column);
}

static void read_UUID(sqlite3_stmt *statement, int column, uuid *ret, int64_t null)
{
    (void) null;
    sqlite_read_uuid(statement, column, ret);
}

#define BIND(column, type, member, null) bind_##type(statement, index++, &row->member, null);
#define READ(column, type, member, null) read_##type(statement, index++, &ret->member, null);

void sqlite_row_bind(sqlite3_stmt *statement, const job_row *row)
{
    int index = 4;
    sqlite3_bind_int64(statement, 1, row->seq);
    sqlite3_bind_int(statement, 2, job_row_lane(row));
    sqlite3_bind_int64(statement, 3, job_row_rank(row));
    JOB_CHANGING_COLUMNS(BIND)
    (void) index;
}

void sqlite_row_bind_new(sqlite3_stmt *statement, const job_row *row)
{
    int index = 4;
    sqlite3_bind_int64(statement, 1, row->seq);
    sqlite3_bind_int(statement, 2, job_row_lane(row));
    sqlite3_bind_int64(statement, 3, job_row_rank(row));
    JOB_CHANGING_COLUMNS(BIND)
    JOB_FIXED_COLUMNS(BIND)
    (void) index;
}

void sqlite_row_read(sqlite3_stmt *statement, job_row *ret)
{
    int index = 1;
    ret->seq = sqlite3_column_int64(statement, 0);
    JOB_CHANGING_COLUMNS(READ)
    JOB_FIXED_COLUMNS(READ)
    (void) index;
}
