// sqlite - the embedded backend: one SQLite file in WAL mode.
#ifndef ERRAND_STORE_SQLITE_H
#define ERRAND_STORE_SQLITE_H

#include "store/store.h"

// store_sqlite_open opens or creates DIR/errand.db (directory and files private to the user) and
// brings its schema up to date. FAILED_PRECONDITION when another process has it open, or when it
// was written by a newer program; PERMISSION_DENIED / UNAVAILABLE with the path when it can not be
// written.
status *store_sqlite_open(const char *dir, store **ret);

#endif
