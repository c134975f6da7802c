// sqlite_gather - a file below SQLite that holds back writes which follow each other.
//
//     SQLite --> gather_file --> file of sqlite_locks.h's VFS
//
// Only the log is such a file: SQLite reads back and cuts off what it wrote itself, so whatever is
// not a write that goes on from the one before has what is held written first.
#include "store/sqlite_gather.h"

#include "store/sqlite_layer.h"
#include "store/sqlite_locks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// SQLite itself writes no more than 128 KiB - 1 with one call.
#define HELD_BYTES 65536
#define VFS_NAME   "errand-gather"

typedef struct gather_file {
    layer_file layer;
    sqlite3_int64 at;  // where the held bytes belong
    int held;
    uint8_t *bytes;  // HELD_BYTES
} gather_file;

static gather_file *gather_of(sqlite3_file *file)
{
    return (gather_file *) file;
}

// What could not be written is lost, as after any failed write: the transaction is undone.
static int write_held(gather_file *f)
{
    int size = f->held;
    f->held = 0;
    return size > 0 ? layer_methods.xWrite(&f->layer.base, f->bytes, size, f->at) : SQLITE_OK;
}

static int gather_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    gather_file *f = gather_of(file);
    if (at != f->at + f->held || size > HELD_BYTES - f->held) {
        int code = write_held(f);
        if (code != SQLITE_OK)
            return code;
        f->at = at;
    }
    if (size > HELD_BYTES)
        return layer_methods.xWrite(file, bytes, size, at);
    memcpy(f->bytes + f->held, bytes, (size_t) size);
    f->held += size;
    return SQLITE_OK;
}

static int gather_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : layer_methods.xRead(file, bytes, size, at);
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : layer_methods.xTruncate(file, size);
}

static int gather_sync(sqlite3_file *file, int flags)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : layer_methods.xSync(file, flags);
}

static int gather_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : layer_methods.xFileSize(file, ret);
}

static int gather_control(sqlite3_file *file, int what, void *argument)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : layer_methods.xFileControl(file, what, argument);
}

static int gather_close(sqlite3_file *file)
{
    int code = write_held(gather_of(file));
    int closed = layer_methods.xClose(file);
    free(gather_of(file)->bytes);
    return code != SQLITE_OK ? code : closed;
}

// ---- the VFS ----

static sqlite3_vfs *real_vfs;
static sqlite3_io_methods methods;

static int open_log(const char *name, gather_file *f, int flags, int *ret)
{
    *f = (gather_file){.bytes = malloc(HELD_BYTES)};
    if (!f->bytes)
        return SQLITE_NOMEM;
    int code = layer_open(real_vfs, name, &f->layer, sizeof *f, flags, ret);
    if (code == SQLITE_OK)
        f->layer.base.pMethods = &methods;
    else
        free(f->bytes);
    return code;
}

static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    (void) vfs;
    return flags & SQLITE_OPEN_WAL ? open_log(name, gather_of(file), flags, ret)
                                   : real_vfs->xOpen(real_vfs, name, file, flags, ret);
}

static void make_methods(void)
{
    methods = layer_methods;
    methods.xClose = gather_close;
    methods.xRead = gather_read;
    methods.xWrite = gather_write;
    methods.xTruncate = gather_truncate;
    methods.xSync = gather_sync;
    methods.xFileSize = gather_size;
    methods.xFileControl = gather_control;
}

static void make_vfs(void)
{
    static sqlite3_vfs vfs;
    const char *name;
    AUTO(status) failure = sqlite_locks_vfs(&name);
    if (failure)
        return;
    make_methods();
    real_vfs = sqlite3_vfs_find(name);
    layer_register(&vfs, real_vfs, VFS_NAME, sizeof(gather_file), gather_open);
}

status *sqlite_gather_vfs(const char **ret_name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return layer_once(&once, make_vfs, VFS_NAME, ret_name);
}
