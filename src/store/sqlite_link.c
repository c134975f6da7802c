// sqlite_link - one connection to the database with its prepared statements.
#include "store/sqlite_link.h"

#include "store/sqlite_locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Only a checkpoint that waits for readers ever needs it.
#define BUSY_TIMEOUT_MS 100

// The disk's own words, when it had any.
static status *disk_failure(sqlite3 *db)
{
    int error = sqlite3_system_errno(db);
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    if (full || (sqlite3_errcode(db) & 0xff) == SQLITE_FULL)
        return status_new(STATUS_UNAVAILABLE, "the disk of the store is full");
    const char *reason = error ? strerrordesc_np(error) : NULL;
    return status_new(STATUS_UNAVAILABLE, "the disk of the store failed: %s%s%s",
                      sqlite3_errmsg(db), reason ? ", " : "", reason ? reason : "");
}

status *sqlite_failure(sqlite3 *db)
{
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return disk_failure(db);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return status_new(STATUS_UNAVAILABLE, "the store can not be written: %s",
                          sqlite3_errmsg(db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return status_new(STATUS_UNAVAILABLE, "the store is busy: %s", sqlite3_errmsg(db));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return status_new(STATUS_DATA_LOSS, "the store is damaged: %s", sqlite3_errmsg(db));
    case SQLITE_NOMEM:
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    case SQLITE_TOOBIG:
        return status_new(STATUS_RESOURCE_EXHAUSTED, "too large for the store");
    default:
        return status_new(STATUS_INTERNAL, "the store failed: %s", sqlite3_errmsg(db));
    }
}

status *sqlite_link_open_with(const char *vfs, const char *path, const char *pragmas,
                              sqlite_link *ret)
{
    // One thread at a time uses a connection, so SQLite need not lock it.
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    sqlite_link link = {0};
    if (sqlite3_open_v2(path, &link.db, flags, vfs) != SQLITE_OK) {
        status *failure =
            link.db ? sqlite_failure(link.db)
                    : status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
        sqlite_link_close(&link);
        return failure;
    }
    sqlite3_extended_result_codes(link.db, 1);
    sqlite3_busy_timeout(link.db, BUSY_TIMEOUT_MS);
    status *failure = sqlite_run_text(link.db, pragmas);
    if (failure) {
        sqlite_link_close(&link);
        return failure;
    }
    *ret = link;
    return NULL;
}

status *sqlite_link_open(const char *path, const char *pragmas, sqlite_link *ret)
{
    const char *vfs;
    status *failure = sqlite_locks_vfs(&vfs);
    return failure ? failure : sqlite_link_open_with(vfs, path, pragmas, ret);
}

status *sqlite_link_prepare(sqlite_link *link, const char *const *texts, size_t count)
{
    link->statements = calloc(count, sizeof(sqlite3_stmt *));
    if (!link->statements)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    link->statement_count = count;
    for (size_t i = 0; i < count; i++)
        if (sqlite3_prepare_v3(link->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &link->statements[i], NULL) != SQLITE_OK)
            return sqlite_failure(link->db);
    return NULL;
}

void sqlite_link_close(sqlite_link *link)
{
    for (size_t i = 0; i < link->statement_count; i++)
        sqlite3_finalize(link->statements[i]);
    free(link->statements);
    sqlite3_close(link->db);
    *link = (sqlite_link){0};
}

status *sqlite_run_text(sqlite3 *db, const char *text)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? NULL : sqlite_failure(db);
}

status *sqlite_run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    status *failure = NULL;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        failure = sqlite_failure(sqlite3_db_handle(statement));
    sqlite3_reset(statement);
    return failure;
}

status *sqlite_step_row(sqlite3_stmt *statement, bool *ret_row)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sqlite_failure(sqlite3_db_handle(statement));
    *ret_row = code == SQLITE_ROW;
    return NULL;
}

status *sqlite_read_number(sqlite3 *db, const char *text, int64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
        return sqlite_failure(db);
    status *failure = sqlite_step_row(statement, &row);
    if (!failure)
        *ret = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return failure;
}

void sqlite_bind_slice(sqlite3_stmt *statement, int index, slice bytes)
{
    // No address would mean NULL rather than no bytes.
    const void *start = bytes.bytes ? (const void *) bytes.bytes : "";
    sqlite3_bind_blob64(statement, index, start, bytes.size, SQLITE_STATIC);
}

void sqlite_bind_uuid(sqlite3_stmt *statement, int index, const uuid *id)
{
    if (uuid_is_nil(id))
        sqlite3_bind_null(statement, index);
    else
        sqlite3_bind_blob(statement, index, id->bytes, sizeof id->bytes, SQLITE_STATIC);
}

void sqlite_read_uuid(sqlite3_stmt *statement, int column, uuid *ret)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    memset(ret, 0, sizeof *ret);
    if (bytes && sqlite3_column_bytes(statement, column) == sizeof ret->bytes)
        memcpy(ret->bytes, bytes, sizeof ret->bytes);
}

status *sqlite_read_slice(sqlite3_stmt *statement, int column, arena *memory, slice *ret)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t size = (size_t) sqlite3_column_bytes(statement, column);
    if (!bytes || size == 0) {
        *ret = (slice){NULL, 0};
        return NULL;
    }
    uint8_t *copy = arena_copy(memory, bytes, size);
    if (!copy)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for %zu bytes of a job", size);
    *ret = (slice){copy, size};
    return NULL;
}
