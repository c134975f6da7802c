// sqlite_files - the folder of a store: made private, and locked against a second server.
#ifndef ERRAND_STORE_SQLITE_FILES_H
#define ERRAND_STORE_SQLITE_FILES_H

#include "base/status.h"

// sqlite_files_prepare makes the folder (0700), takes DIR/lock and makes an empty DIR/errand.db
// (0600) if there is none; all of it is on disk when it returns. ret_lock is the descriptor that
// holds the lock until it is closed, ret_path (owned) names the database.
status *sqlite_files_prepare(const char *dir, int *ret_lock, char **ret_path);

#endif
