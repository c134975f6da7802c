// sqlite_held - ready jobs that wait until their concurrency key has room.
#include "store/sqlite_internal.h"

status *sqlite_held(store *s, const uuid *key, size_t limit, job_row *ret_rows, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_HELD);
    sqlite_bind_uuid(statement, 1, key);
    sqlite3_bind_int64(statement, 2, (int64_t) limit);
    return sqlite_load_rows(statement, limit, ret_rows, ret_count);
}

status *sqlite_held_of_route(store *s, int32_t route, int64_t after_seq, size_t limit,
                             job_row *ret_rows, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_HELD_OF_ROUTE);
    sqlite3_bind_int(statement, 1, route);
    sqlite3_bind_int64(statement, 2, after_seq);
    sqlite3_bind_int64(statement, 3, (int64_t) limit);
    return sqlite_load_rows(statement, limit, ret_rows, ret_count);
}
