// sqlite_expiry - jobs that end unless they are leased by a time.
#include "store/sqlite_internal.h"

void sqlite_expiry_enter(sqlite_store *s, const job_row *row)
{
    if (sqlite_row_may_expire(row) && s->expiry.known && row->expire_us < s->expiry.rank)
        s->expiry.rank = row->expire_us;
}

void sqlite_expiry_leave(sqlite_store *s, const job_row *row)
{
    if (sqlite_row_may_expire(row) && s->expiry.known && row->expire_us <= s->expiry.rank)
        s->expiry.known = false;
}

status *sqlite_expiring(store *s, int64_t until, size_t limit, job_row *ret_rows, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_EXPIRING);
    sqlite3_bind_int64(statement, 1, until);
    sqlite3_bind_int64(statement, 2, (int64_t) limit);
    return sqlite_load_rows(s, statement, limit, ret_rows, ret_count);
}

status *sqlite_next_expiry(store *base, int64_t *ret)
{
    sqlite_store *s = sqlite_store_of(base);
    if (!s->expiry.known) {
        sqlite3_stmt *statement = sqlite_writer(base, WRITE_FIRST_EXPIRY);
        bool found = false;
        status *failure = sqlite_saves_write(s);
        if (!failure)
            failure = sqlite_step_row(statement, &found);
        int64_t first = found ? sqlite3_column_int64(statement, 0) : INT64_MAX;
        sqlite3_reset(statement);
        if (failure)
            return failure;
        s->expiry = (lane_first){.rank = first, .known = true};
    }
    *ret = s->expiry.rank;
    return NULL;
}
