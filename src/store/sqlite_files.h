// sqlite_files - the folder of a store: made private, and locked against a second server.
#ifndef ERRAND_STORE_SQLITE_FILES_H
#define ERRAND_STORE_SQLITE_FILES_H

#include "base/status.h"

// sqlite_files_prepare makes the folder (0700), takes DIR/lock and makes an empty DIR/errand.db
// (0600) if there is none; all of it is on disk when it returns. ret_lock is the descriptor that
// holds the lock until it is closed, ret_path (owned) names the database.
status *sqlite_files_prepare(const char *dir, int *ret_lock, char **ret_path);

// sqlite_files_make_partial makes an empty private file beside path, to be filled and then
// published. ALREADY_EXISTS when path is there. ret_partial (owned) names it.
status *sqlite_files_make_partial(const char *path, char **ret_partial, int *ret_fd);
// sqlite_files_publish gives the file its name, for ever on disk: never over another file.
status *sqlite_files_publish(const char *partial, const char *path, int fd);

#endif
