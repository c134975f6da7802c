// sqlite_queues - the settings of queues, and what is left of their rate limits.
#include "store/sqlite_internal.h"

status *sqlite_save_queue(store *s, const store_queue *queue)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_SAVE_QUEUE);
    sqlite3_bind_text(statement, 1, queue->name, -1, SQLITE_STATIC);
    sqlite_bind_slice(statement, 2, queue->settings);
    sqlite3_bind_double(statement, 3, queue->tokens);
    sqlite3_bind_int64(statement, 4, queue->tokens_us);
    return sqlite_run(statement);
}

static status *read_queue(sqlite3_stmt *statement, arena *memory, store_queue *ret)
{
    const char *name = (const char *) sqlite3_column_text(statement, 0);
    ret->name = name ? arena_strdup(memory, name) : NULL;
    if (!ret->name)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the queues");
    ret->tokens = sqlite3_column_double(statement, 2);
    ret->tokens_us = sqlite3_column_int64(statement, 3);
    return sqlite_read_slice(statement, 1, memory, &ret->settings);
}

// Each row tells how many there are, behind the columns of its own.
static store_queue *room_for_all(sqlite3_stmt *statement, arena *memory)
{
    return arena_alloc(memory, (size_t) sqlite3_column_int64(statement, 4) * sizeof(store_queue));
}

status *sqlite_load_queues(store *s, arena *memory, store_queue **ret, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LOAD_QUEUES);
    store_queue *list = NULL;
    size_t count = 0;
    bool row = true;
    status *failure = sqlite_step_row(statement, &row);
    while (!failure && row) {
        list = list ? list : room_for_all(statement, memory);
        failure = list ? read_queue(statement, memory, &list[count++])
                       : status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the queues");
        if (!failure)
            failure = sqlite_step_row(statement, &row);
    }
    sqlite3_reset(statement);
    if (failure)
        return failure;
    *ret = list;
    *ret_count = count;
    return NULL;
}
