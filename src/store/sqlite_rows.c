// sqlite_rows - a row read from the columns of table job.
#include "store/sqlite_rows.h"

#include "store/sqlite_details.h"
#include "store/sqlite_link.h"

#include <inttypes.h>

status *sqlite_row_read(sqlite3_stmt *statement, job_row *ret)
{
    const uint8_t *details = sqlite3_column_blob(statement, 4);
    size_t size = (size_t) sqlite3_column_bytes(statement, 4);
    ret->seq = sqlite3_column_int64(statement, 0);
    ret->state = (job_state) sqlite3_column_int(statement, 1);
    sqlite_read_uuid(statement, 2, &ret->id);
    ret->route = sqlite3_column_int(statement, 3);
    if (!details || !sqlite_details_read(details, size, ret))
        return status_new(STATUS_DATA_LOSS, "the row of the job with seq %" PRId64 " is damaged",
                          ret->seq);
    ret->held = sqlite3_column_type(statement, 5) != SQLITE_NULL;
    ret->expire_us = sqlite3_column_int64(statement, 6);
    sqlite_read_uuid(statement, 7, &ret->unique_key);
    sqlite_read_uuid(statement, 8, &ret->concurrency_key);
    return NULL;
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

bool sqlite_row_same_special(const job_row *a, const job_row *b)
{
    bool held = sqlite_row_is_held(a);
    return held == sqlite_row_is_held(b) && (!held || job_row_rank(a) == job_row_rank(b)) &&
           sqlite_row_may_expire(a) == sqlite_row_may_expire(b) &&
           sqlite_row_holds_key(a) == sqlite_row_holds_key(b) && a->expire_us == b->expire_us;
}

bool sqlite_row_is_plain(const job_row *row)
{
    return row->expire_us == 0 && !sqlite_row_is_held(row) && uuid_is_nil(&row->unique_key) &&
           uuid_is_nil(&row->concurrency_key);
}
