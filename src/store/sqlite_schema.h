// sqlite_schema - the tables, and the numbered migrations that lead to them.
#ifndef ERRAND_STORE_SQLITE_SCHEMA_H
#define ERRAND_STORE_SQLITE_SCHEMA_H

#include "base/status.h"

#include <sqlite3.h>
#include <stdint.h>

// sqlite_schema_update makes the tables of a new file, or brings an older file up to date, each
// migration in one transaction. FAILED_PRECONDITION, with the file untouched, when a newer program
// or another program altogether wrote it.
status *sqlite_schema_update(sqlite3 *db);

// sqlite_schema_update_to goes no further than to a version: files as older programs left them, for
// tests.
status *sqlite_schema_update_to(sqlite3 *db, int64_t latest);

#endif
