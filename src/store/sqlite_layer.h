// sqlite_layer - what layers between SQLite and the system have in common.
//
//     SQLite --> file of the layer --> file of the VFS below
//
// A layer is a VFS whose files pass on to a file below them all that they do not do themselves.
// Both lie in the same memory, the one below behind the layer's own part.
#ifndef ERRAND_STORE_SQLITE_LAYER_H
#define ERRAND_STORE_SQLITE_LAYER_H

#include "base/status.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

// A layer's own part of a file begins with this.
typedef struct layer_file {
    sqlite3_file base;
    sqlite3_file *below;
} layer_file;

static inline sqlite3_file *layer_below(sqlite3_file *file)
{
    return ((layer_file *) file)->below;
}

// layer_methods pass all on. A layer puts its own in the places of some; version 1, so that those
// for the index of a log are not asked for.
extern const sqlite3_io_methods layer_methods;

typedef int layer_open_fn(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                          int *ret);

// layer_open opens the file below; own_size bytes are the layer's.
int layer_open(sqlite3_vfs *real, const char *name, layer_file *file, size_t own_size, int flags,
               int *ret);

// layer_register makes a VFS of the one below it: only the opening of files is another.
void layer_register(sqlite3_vfs *vfs, sqlite3_vfs *real, const char *name, size_t own_size,
                    layer_open_fn *open);

// layer_once has a layer registered by the first caller, and gives its name.
status *layer_once(pthread_once_t *once, void (*make)(void), const char *name,
                   const char **ret_name);

#endif
