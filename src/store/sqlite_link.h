// sqlite_link - one connection to the database with its prepared statements.
#ifndef ERRAND_STORE_SQLITE_LINK_H
#define ERRAND_STORE_SQLITE_LINK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/uuid.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sqlite_link {
    sqlite3 *db;
    sqlite3_stmt **statements;
    size_t statement_count;
} sqlite_link;

// sqlite_link_open connects. pragmas is SQL text run once. ret is zeroed on failure.
// sqlite_link_open_with names the VFS.
status *sqlite_link_open(const char *path, const char *pragmas, sqlite_link *ret);
status *sqlite_link_open_with(const char *vfs, const char *path, const char *pragmas,
                              sqlite_link *ret);
status *sqlite_link_prepare(sqlite_link *link, const char *const *texts, size_t count);
void sqlite_link_close(sqlite_link *link);

// sqlite_failure says in words why the latest call on the connection failed.
status *sqlite_failure(sqlite3 *db);

// sqlite_run_text runs SQL text; sqlite_run a bound statement that gives no rows, and resets it.
status *sqlite_run_text(sqlite3 *db, const char *text);
status *sqlite_run(sqlite3_stmt *statement);
// sqlite_step_row steps to the next row: ret_row false behind the last one.
status *sqlite_step_row(sqlite3_stmt *statement, bool *ret_row);
// sqlite_read_number runs SQL text that gives one number.
status *sqlite_read_number(sqlite3 *db, const char *text, int64_t *ret);

void sqlite_bind_slice(sqlite3_stmt *statement, int index, slice bytes);
void sqlite_bind_uuid(sqlite3_stmt *statement, int index, const uuid *id);  // nil: NULL
void sqlite_read_uuid(sqlite3_stmt *statement, int column, uuid *ret);
// sqlite_read_slice copies a blob into the arena.
status *sqlite_read_slice(sqlite3_stmt *statement, int column, arena *memory, slice *ret);

#endif
