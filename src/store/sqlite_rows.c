// sqlite_rows - a row read from the columns of table job.
#include "store/sqlite_rows.h"

#include "store/sqlite_link.h"

#include <math.h>

// How one C type is read. NULL stands for the column's own value.
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

#define READ(column, type, member, null) read_##type(statement, index++, &ret->member, null);

void sqlite_row_read(sqlite3_stmt *statement, job_row *ret)
{
    int index = 2;
    ret->seq = sqlite3_column_int64(statement, 0);
    ret->held = sqlite3_column_type(statement, 1) != SQLITE_NULL;
    JOB_COLUMNS(READ)
    (void) index;
}

void sqlite_row_read_ended(sqlite3_stmt *statement, job_row *ret)
{
    int index = 1;
    *ret = (job_row){.seq = sqlite3_column_int64(statement, 0)};
    JOB_ENDED_COLUMNS(READ)
    (void) index;
}

bool sqlite_row_is_held(const job_row *row)
{
    return row->held && job_row_lane(row) == JOB_LANE_HELD;
}

bool sqlite_row_may_expire(const job_row *row)
{
    return row->expire_us != 0 && row->attempt == 0 && row->state < JOB_RUNNING;
}

bool sqlite_row_holds_key(const job_row *row)
{
    return !uuid_is_nil(&row->unique_key) && !job_state_is_final(row->state);
}

static bool have_same_marks(const job_row *a, const job_row *b)
{
    bool held = sqlite_row_is_held(a);
    return held == sqlite_row_is_held(b) && (!held || job_row_rank(a) == job_row_rank(b)) &&
           sqlite_row_may_expire(a) == sqlite_row_may_expire(b) &&
           sqlite_row_holds_key(a) == sqlite_row_holds_key(b);
}

#define SAME(column, type, member, null) &&a->member == b->member

bool sqlite_row_same_special(const job_row *a, const job_row *b)
{
    return have_same_marks(a, b) JOB_SPECIAL_COLUMNS(SAME);
}

// Whether a value is stored as NULL.
static bool none_INT64(const int64_t *value, int64_t null)
{
    return *value == null;
}

static bool none_INT32(const int32_t *value, int64_t null)
{
    return *value == null;
}

static bool none_BOOL(const bool *value, int64_t null)
{
    return *value == (null != 0);
}

static bool none_REAL(const double *value, int64_t null)
{
    return !islessgreater(*value, (double) null);
}

static bool none_UUID(const uuid *value, int64_t null)
{
    (void) null;
    return uuid_is_nil(value);
}

#define NONE(column, type, member, null) &&none_##type(&row->member, null)

bool sqlite_row_is_fresh(const job_row *row)
{
    return true JOB_LATER_COLUMNS(NONE) JOB_CHOSEN_COLUMNS(NONE);
}

bool sqlite_row_is_plain(const job_row *row)
{
    static const job_row plain;
    return sqlite_row_same_special(row, &plain) && uuid_is_nil(&row->unique_key) &&
           uuid_is_nil(&row->concurrency_key);
}
