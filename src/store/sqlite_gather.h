// sqlite_gather - what a transaction writes to the log goes to the disk in large pieces.
//
// SQLite writes each page of its log with two calls, header and page, a dozen or more for the
// smallest commit. On a connection with this VFS they are gathered in memory until the sync that
// ends a commit. So it is only for a connection with synchronous = FULL: others learn of the pages
// in the log after that sync.
#ifndef ERRAND_STORE_SQLITE_GATHER_H
#define ERRAND_STORE_SQLITE_GATHER_H

#include "base/status.h"

// sqlite_gather_vfs registers the VFS, once, and gives its name.
status *sqlite_gather_vfs(const char **ret_name);

#endif
