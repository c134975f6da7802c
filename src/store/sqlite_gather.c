// sqlite_gather - a file below SQLite that holds back writes which follow each other.
//
//     SQLite --> gather_file --> file of sqlite_locks.h's VFS
//
// Only the log is such a file: SQLite reads back and cuts off what it wrote itself, so whatever is
// not a write that goes on from the one before has what is held written first.
#include "store/sqlite_gather.h"

#include "store/sqlite_locks.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// SQLite itself writes no more than 128 KiB - 1 with one call.
#define HELD_BYTES 65536
#define VFS_NAME   "errand-gather"

typedef struct gather_file {
    sqlite3_file base;
    sqlite3_int64 at;  // where the held bytes belong
    int held;
    uint8_t *bytes;         // HELD_BYTES
    sqlite3_int64 below[];  // the other file; SQLite aligns files like this
} gather_file;

static gather_file *gather_of(sqlite3_file *file)
{
    return (gather_file *) file;
}

static sqlite3_file *below(sqlite3_file *file)
{
    return (sqlite3_file *) (void *) gather_of(file)->below;
}

// What could not be written is lost, as after any failed write: the transaction is undone.
static int write_held(gather_file *f)
{
    int size = f->held;
    sqlite3_file *real = below(&f->base);
    f->held = 0;
    return size > 0 ? real->pMethods->xWrite(real, f->bytes, size, f->at) : SQLITE_OK;
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
        return below(file)->pMethods->xWrite(below(file), bytes, size, at);
    memcpy(f->bytes + f->held, bytes, (size_t) size);
    f->held += size;
    return SQLITE_OK;
}

static int gather_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : below(file)->pMethods->xRead(below(file), bytes, size, at);
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : below(file)->pMethods->xTruncate(below(file), size);
}

static int gather_sync(sqlite3_file *file, int flags)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : below(file)->pMethods->xSync(below(file), flags);
}

static int gather_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code : below(file)->pMethods->xFileSize(below(file), ret);
}

static int gather_control(sqlite3_file *file, int what, void *argument)
{
    int code = write_held(gather_of(file));
    return code != SQLITE_OK ? code
                             : below(file)->pMethods->xFileControl(below(file), what, argument);
}

static int gather_lock(sqlite3_file *file, int lock)
{
    return below(file)->pMethods->xLock(below(file), lock);
}

static int gather_unlock(sqlite3_file *file, int lock)
{
    return below(file)->pMethods->xUnlock(below(file), lock);
}

static int gather_check_lock(sqlite3_file *file, int *ret)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), ret);
}

static int gather_sector_size(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int gather_characteristics(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int gather_close(sqlite3_file *file)
{
    int code = write_held(gather_of(file));
    int closed = below(file)->pMethods->xClose(below(file));
    free(gather_of(file)->bytes);
    return code != SQLITE_OK ? code : closed;
}

static const sqlite3_io_methods gather_methods = {
    .iVersion = 1,
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_size,
    .xLock = gather_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = gather_check_lock,
    .xFileControl = gather_control,
    .xSectorSize = gather_sector_size,
    .xDeviceCharacteristics = gather_characteristics,
};

// ---- the VFS ----

static sqlite3_vfs *real_vfs;

static int open_log(const char *name, gather_file *f, int flags, int *ret)
{
    *f = (gather_file){.bytes = malloc(HELD_BYTES)};
    if (!f->bytes)
        return SQLITE_NOMEM;
    int code = real_vfs->xOpen(real_vfs, name, below(&f->base), flags, ret);
    if (code == SQLITE_OK)
        f->base.pMethods = &gather_methods;
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

// All but the opening of files is the other VFS's own.
static void make_vfs(void)
{
    static sqlite3_vfs vfs;
    const char *name;
    status *failure = sqlite_locks_vfs(&name);
    if (failure) {
        status_free(failure);
        return;
    }
    real_vfs = sqlite3_vfs_find(name);
    vfs = *real_vfs;
    vfs.zName = VFS_NAME;
    vfs.szOsFile += (int) sizeof(gather_file);
    vfs.xOpen = gather_open;
    (void) sqlite3_vfs_register(&vfs, 0);
}

status *sqlite_gather_vfs(const char **ret_name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, make_vfs);
    if (!sqlite3_vfs_find(VFS_NAME))
        return status_new(STATUS_INTERNAL, "SQLite has no VFS");
    *ret_name = VFS_NAME;
    return NULL;
}
