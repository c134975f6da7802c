// sqlite_held - ready jobs that wait until their concurrency key has room.
#include "store/sqlite_internal.h"

status *sqlite_first_held(store *s, const uuid *key, int32_t after_route, job_row *ret_row)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_FIRST_HELD);
    size_t count = 0;
    sqlite_bind_uuid(statement, 1, key);
    sqlite3_bind_int(statement, 2, after_route);
    status *failure = sqlite_load_rows(s, statement, 1, ret_row, &count);
    if (!failure && count == 0)
        ret_row->seq = 0;
    return failure;
}

status *sqlite_held_of_route(store *s, int32_t route, int64_t after_seq, size_t limit,
                             job_row *ret_rows, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_HELD_OF_ROUTE);
    sqlite3_bind_int(statement, 1, route);
    sqlite3_bind_int64(statement, 2, after_seq);
    sqlite3_bind_int64(statement, 3, (int64_t) limit);
    return sqlite_load_rows(s, statement, limit, ret_rows, ret_count);
}
