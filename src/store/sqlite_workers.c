// sqlite_workers - what is remembered of worker processes.
#include "store/sqlite_internal.h"

#include <string.h>

status *sqlite_save_worker(store *base, const store_worker *worker)
{
    sqlite_store *s = sqlite_store_of(base);
    sqlite3_stmt *statement = sqlite_writer(base, WRITE_SAVE_WORKER);
    sqlite3_bind_blob(statement, 1, worker->id.bytes, sizeof worker->id.bytes, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, worker->acked_outcome_sequence);
    sqlite3_bind_int64(statement, 3, worker->lease_sequence);
    sqlite3_bind_int64(statement, 4, worker->seen_us);
    if (worker->seen_us > s->last_time_us)
        s->last_time_us = worker->seen_us;
    return sqlite_run(statement);
}

static void read_worker(sqlite3_stmt *statement, store_worker *ret)
{
    sqlite_read_uuid(statement, 0, &ret->id);
    ret->acked_outcome_sequence = sqlite3_column_int64(statement, 1);
    ret->lease_sequence = sqlite3_column_int64(statement, 2);
    ret->seen_us = sqlite3_column_int64(statement, 3);
}

// An array with room for one more, in the arena.
static store_worker *room_for(store_worker *list, size_t count, size_t *capacity, arena *memory)
{
    if (count < *capacity)
        return list;
    size_t larger = *capacity ? *capacity * 2 : 16;
    store_worker *moved = arena_alloc(memory, larger * sizeof *moved);
    if (!moved)
        return NULL;
    if (count > 0)
        memcpy(moved, list, count * sizeof *moved);
    *capacity = larger;
    return moved;
}

status *sqlite_load_workers(store *base, arena *memory, store_worker **ret, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(base, WRITE_LOAD_WORKERS);
    store_worker *list = NULL;
    size_t count = 0, capacity = 0;
    bool row = true;
    status *failure = sqlite_step_row(statement, &row);
    while (!failure && row) {
        list = room_for(list, count, &capacity, memory);
        if (!list) {
            failure = status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the workers");
            break;
        }
        read_worker(statement, &list[count++]);
        failure = sqlite_step_row(statement, &row);
    }
    sqlite3_reset(statement);
    if (failure)
        return failure;
    *ret = list;
    *ret_count = count;
    return NULL;
}

status *sqlite_forget_workers(store *base, int64_t seen_before_us)
{
    sqlite3_stmt *statement = sqlite_writer(base, WRITE_FORGET_WORKERS);
    sqlite3_bind_int64(statement, 1, seen_before_us);
    return sqlite_run(statement);
}
