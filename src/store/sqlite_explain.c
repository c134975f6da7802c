// sqlite_explain - who is before a job in the line, and whom it waits for.
#include "store/sqlite_reader_internal.h"

// Jobs of one route that come before a row, up to limit.
static status *count_before(store_reader *r, int32_t route, const job_row *row, size_t limit,
                            size_t *ret)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, READ_POSITION);
    bool found = false;
    sqlite3_bind_int(statement, 1, route);
    sqlite3_bind_int64(statement, 2, job_row_rank(row));
    sqlite3_bind_int64(statement, 3, row->seq);
    sqlite3_bind_int64(statement, 4, (int64_t) limit);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure)
        *ret = found ? (size_t) sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return failure;
}

static status *count_in_queue(store_reader *r, const job_row *row, size_t limit, size_t *ret)
{
    sqlite3_stmt *routes = sqlite_reader_statement(r, READ_QUEUE_ROUTES);
    size_t count = 0, more = 0;
    bool found = true;
    sqlite3_bind_int(routes, 1, row->route);
    status *failure = sqlite_step_row(routes, &found);
    while (!failure && found && count < limit) {
        failure = count_before(r, sqlite3_column_int(routes, 0), row, limit - count, &more);
        if (!failure)
            failure = sqlite_step_row(routes, &found);
        count += more;
    }
    sqlite3_reset(routes);
    if (!failure)
        *ret = count;
    return failure;
}

status *sqlite_position(store_reader *r, const job_row *row, size_t limit, size_t *ret)
{
    status *failure = sqlite_reader_begin(r);
    if (failure)
        return failure;
    failure = count_in_queue(r, row, limit, ret);
    sqlite_reader_end(r);
    return failure;
}

static status *read_blockers(sqlite3_stmt *statement, size_t limit, uuid *ret, size_t *ret_count)
{
    size_t count = 0;
    bool row = true;
    status *failure = NULL;
    while (!failure && row && count < limit) {
        failure = sqlite_step_row(statement, &row);
        if (!failure && row)
            sqlite_read_uuid(statement, 0, &ret[count++]);
    }
    sqlite3_reset(statement);
    if (!failure)
        *ret_count = count;
    return failure;
}

status *sqlite_blockers(store_reader *r, int64_t seq, size_t limit, uuid *ret, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, READ_BLOCKERS);
    status *failure = sqlite_reader_begin(r);
    if (failure)
        return failure;
    sqlite3_bind_int64(statement, 1, seq);
    sqlite3_bind_int64(statement, 2, (int64_t) limit);
    failure = read_blockers(statement, limit, ret, ret_count);
    sqlite_reader_end(r);
    return failure;
}
