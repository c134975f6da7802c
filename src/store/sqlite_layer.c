// sqlite_layer - what layers between SQLite and the system have in common.
#include "store/sqlite_layer.h"

static int pass_close(sqlite3_file *file)
{
    return layer_below(file)->pMethods->xClose(layer_below(file));
}

static int pass_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
    return layer_below(file)->pMethods->xRead(layer_below(file), bytes, size, at);
}

static int pass_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    return layer_below(file)->pMethods->xWrite(layer_below(file), bytes, size, at);
}

static int pass_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return layer_below(file)->pMethods->xTruncate(layer_below(file), size);
}

static int pass_sync(sqlite3_file *file, int flags)
{
    return layer_below(file)->pMethods->xSync(layer_below(file), flags);
}

static int pass_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    return layer_below(file)->pMethods->xFileSize(layer_below(file), ret);
}

static int pass_lock(sqlite3_file *file, int lock)
{
    return layer_below(file)->pMethods->xLock(layer_below(file), lock);
}

static int pass_unlock(sqlite3_file *file, int lock)
{
    return layer_below(file)->pMethods->xUnlock(layer_below(file), lock);
}

static int pass_check_lock(sqlite3_file *file, int *ret)
{
    return layer_below(file)->pMethods->xCheckReservedLock(layer_below(file), ret);
}

static int pass_control(sqlite3_file *file, int what, void *argument)
{
    return layer_below(file)->pMethods->xFileControl(layer_below(file), what, argument);
}

static int pass_sector_size(sqlite3_file *file)
{
    return layer_below(file)->pMethods->xSectorSize(layer_below(file));
}

static int pass_characteristics(sqlite3_file *file)
{
    return layer_below(file)->pMethods->xDeviceCharacteristics(layer_below(file));
}

static int pass_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    return layer_below(file)->pMethods->xShmMap(layer_below(file), region, size, extend, ret);
}

static int pass_shm_lock(sqlite3_file *file, int first, int count, int flags)
{
    return layer_below(file)->pMethods->xShmLock(layer_below(file), first, count, flags);
}

static void pass_shm_barrier(sqlite3_file *file)
{
    layer_below(file)->pMethods->xShmBarrier(layer_below(file));
}

static int pass_shm_unmap(sqlite3_file *file, int remove)
{
    return layer_below(file)->pMethods->xShmUnmap(layer_below(file), remove);
}

const sqlite3_io_methods layer_methods = {
    .iVersion = 1,
    .xClose = pass_close,
    .xRead = pass_read,
    .xWrite = pass_write,
    .xTruncate = pass_truncate,
    .xSync = pass_sync,
    .xFileSize = pass_size,
    .xLock = pass_lock,
    .xUnlock = pass_unlock,
    .xCheckReservedLock = pass_check_lock,
    .xFileControl = pass_control,
    .xSectorSize = pass_sector_size,
    .xDeviceCharacteristics = pass_characteristics,
    .xShmMap = pass_shm_map,
    .xShmLock = pass_shm_lock,
    .xShmBarrier = pass_shm_barrier,
    .xShmUnmap = pass_shm_unmap,
};

int layer_open(sqlite3_vfs *real, const char *name, layer_file *file, size_t own_size, int flags,
               int *ret)
{
    file->below = (sqlite3_file *) (void *) ((char *) file + own_size);
    return real->xOpen(real, name, file->below, flags, ret);
}

void layer_register(sqlite3_vfs *vfs, sqlite3_vfs *real, const char *name, size_t own_size,
                    layer_open_fn *open)
{
    *vfs = *real;
    vfs->zName = name;
    vfs->szOsFile += (int) own_size;
    vfs->xOpen = open;
    (void) sqlite3_vfs_register(vfs, 0);
}

status *layer_once(pthread_once_t *once, void (*make)(void), const char *name,
                   const char **ret_name)
{
    (void) pthread_once(once, make);
    if (!sqlite3_vfs_find(name))
        return status_new(STATUS_INTERNAL, "SQLite has no VFS");
    *ret_name = name;
    return NULL;
}
