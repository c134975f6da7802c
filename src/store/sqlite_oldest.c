// sqlite_oldest - the READY job of a queue that has been due for the longest time.
#include "store/sqlite_reader_internal.h"
#include "store/sqlite_rows.h"

// A lane is sorted by priority, then time: the first of each priority that there is will do. They
// are sought one after the other, so that a backlog costs nothing. Where a queue has aging the line
// is one, and its first stands for all.
static int64_t next_priority(int64_t rank)
{
    int64_t priority = rank >> JOB_RANK_DUE_BITS;
    return (priority + 1) * ((int64_t) 1 << JOB_RANK_DUE_BITS);
}

static status *oldest_of_route(store_reader *r, int32_t route, int64_t *oldest)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, READ_READY_FROM);
    status *failure = NULL;
    int64_t rank = INT64_MIN;
    job_row row;
    bool found = true;
    while (!failure && found) {
        sqlite3_bind_int(statement, 1, route);
        sqlite3_bind_int64(statement, 2, rank);
        failure = sqlite_step_row(statement, &found);
        if (!failure && found)
            failure = sqlite_row_read(statement, &row);
        if (!failure && found) {
            rank = next_priority(job_row_rank(&row));
            *oldest = row.due_us < *oldest ? row.due_us : *oldest;
        }
        sqlite3_reset(statement);
    }
    return failure;
}

static status *oldest_of_queue(store_reader *r, const char *queue, int64_t *oldest)
{
    sqlite3_stmt *routes = sqlite_reader_statement(r, READ_ROUTES);
    bool found = true;
    sqlite3_bind_text(routes, 1, queue, -1, SQLITE_STATIC);
    sqlite3_bind_null(routes, 2);
    status *failure = sqlite_step_row(routes, &found);
    for (size_t i = 0; i < STORE_OLDEST_ROUTES && !failure && found; i++) {
        failure = oldest_of_route(r, sqlite3_column_int(routes, 0), oldest);
        if (!failure)
            failure = sqlite_step_row(routes, &found);
    }
    sqlite3_reset(routes);
    return failure;
}

status *sqlite_oldest_ready(store_reader *r, const char *queue, int64_t *ret)
{
    int64_t oldest = INT64_MAX;
    status *failure = sqlite_reader_begin(r);
    if (failure)
        return failure;
    failure = oldest_of_queue(r, queue, &oldest);
    sqlite_reader_end(r);
    if (!failure)
        *ret = oldest;
    return failure;
}
