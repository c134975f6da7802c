// sqlite_locks - a connection that reads again and again locks the log once.
//
// SQLite takes a shared lock on the log's index at the start of each read and lets go of it at the
// end: two system calls, behind a mutex that all connections share. With this VFS a connection goes
// on holding the lock that it has let go of, until another connection of this process asks for it
// alone, such as a checkpoint. Who only reads then asks nobody. To SQLite it looks as if the read
// had gone on, so that nothing is read otherwise, or later, than without it.
//
// It works only if all connections to a database have it: to others such a lock may be in use.
#ifndef ERRAND_STORE_SQLITE_LOCKS_H
#define ERRAND_STORE_SQLITE_LOCKS_H

#include "base/status.h"

// sqlite_locks_vfs registers the VFS, once, above the default one, and gives its name.
status *sqlite_locks_vfs(const char **ret_name);

#endif
