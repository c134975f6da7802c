// sqlite_locks - a file below SQLite whose shared locks are kept between two reads.
//
//     SQLite --> lock_file --> file of the VFS that is the default one
//
//            taken                    let go                    asked for by another,
//     FREE ---------> in use <---------------------> KEPT ---------------------------> FREE
//                             taken again: no call             or another slot is taken
//
// The files below are what decides: a kept lock is one that they still have as shared. Whoever
// wants slots for himself has all others let go of those first, and meanwhile nobody keeps any.
#include "store/sqlite_locks.h"

#include "store/sqlite_layer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define VFS_NAME "errand-locks"

// Slots of the index below this one are for writing, checkpoints and recovery; those from there on
// stand for what readers may still look at.
#define FIRST_READ_SLOT 3
#define NO_SLOT         (-1)

typedef struct lock_file lock_file;

struct lock_file {
    layer_file layer;
    const char *name;      // SQLite's own, as long as the file is open
    lock_file *next;       // of all files
    pthread_mutex_t lock;  // of what follows, and for each call for locks of the file below
    int used, kept;        // slots of readers
};

static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;  // taken before that of a file
static lock_file *files;
static atomic_int asking;  // for slots of readers, to have them alone

static lock_file *lock_file_of(sqlite3_file *file)
{
    return (lock_file *) file;
}

// ---- locks ----

static int call_below(lock_file *f, int first, int count, int flags)
{
    return layer_methods.xShmLock(&f->layer.base, first, count, flags);
}

// The lock of the file is held, here and in the next two.
static void let_go(lock_file *f)
{
    if (f->kept != NO_SLOT)
        (void) call_below(f, f->kept, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
    f->kept = NO_SLOT;
}

static int take_shared(lock_file *f, int slot)
{
    int code = SQLITE_OK;
    if (f->kept == slot) {
        f->kept = NO_SLOT;
    } else {
        let_go(f);
        code = call_below(f, slot, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED);
    }
    if (code == SQLITE_OK && slot >= FIRST_READ_SLOT)
        f->used = slot;
    return code;
}

static int leave_shared(lock_file *f, int slot)
{
    bool was_used = f->used == slot;
    f->used = was_used ? NO_SLOT : f->used;
    if (!was_used || f->kept != NO_SLOT || atomic_load(&asking) > 0)
        return call_below(f, slot, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
    f->kept = slot;
    return SQLITE_OK;
}

// Has everybody let go of the slots that are kept, the one who asks too.
static void clear_slots(const char *name, int first, int count)
{
    (void) pthread_mutex_lock(&files_lock);
    for (lock_file *f = files; f; f = f->next) {
        (void) pthread_mutex_lock(&f->lock);
        if (f->kept >= first && f->kept < first + count && strcmp(f->name, name) == 0)
            let_go(f);
        (void) pthread_mutex_unlock(&f->lock);
    }
    (void) pthread_mutex_unlock(&files_lock);
}

static int call_locked(lock_file *f, int first, int count, int flags)
{
    (void) pthread_mutex_lock(&f->lock);
    int code = call_below(f, first, count, flags);
    (void) pthread_mutex_unlock(&f->lock);
    return code;
}

static int take_alone(lock_file *f, int first, int count)
{
    bool readers = first + count > FIRST_READ_SLOT;
    if (readers) {
        atomic_fetch_add(&asking, 1);
        clear_slots(f->name, first, count);
    }
    int code = call_locked(f, first, count, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
    if (readers)
        atomic_fetch_sub(&asking, 1);
    return code;
}

static int locks_shm_lock(sqlite3_file *file, int first, int count, int flags)
{
    lock_file *f = lock_file_of(file);
    if (flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE))
        return take_alone(f, first, count);
    if (flags == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE))
        return call_locked(f, first, count, flags);
    (void) pthread_mutex_lock(&f->lock);
    int code = flags & SQLITE_SHM_LOCK ? take_shared(f, first) : leave_shared(f, first);
    (void) pthread_mutex_unlock(&f->lock);
    return code;
}

static int locks_shm_unmap(sqlite3_file *file, int remove)
{
    lock_file *f = lock_file_of(file);
    (void) pthread_mutex_lock(&f->lock);
    let_go(f);
    (void) pthread_mutex_unlock(&f->lock);
    return layer_methods.xShmUnmap(file, remove);
}

// The file below takes a mutex of the whole process for the same.
static void locks_shm_barrier(sqlite3_file *file)
{
    (void) file;
    atomic_thread_fence(memory_order_seq_cst);
}

static int locks_close(sqlite3_file *file)
{
    lock_file *f = lock_file_of(file);
    (void) pthread_mutex_lock(&files_lock);
    lock_file **at = &files;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    (void) pthread_mutex_unlock(&files_lock);
    (void) pthread_mutex_destroy(&f->lock);
    return layer_methods.xClose(file);
}

// ---- the VFS ----

static sqlite3_vfs *real_vfs;  // the default one
static sqlite3_io_methods methods;

static int open_database(const char *name, lock_file *f, int flags, int *ret)
{
    *f = (lock_file){.name = name, .used = NO_SLOT, .kept = NO_SLOT};
    int code = layer_open(real_vfs, name, &f->layer, sizeof *f, flags, ret);
    if (code != SQLITE_OK)
        return code;
    if (f->layer.below->pMethods->iVersion < 2 || pthread_mutex_init(&f->lock, NULL) != 0) {
        (void) layer_methods.xClose(&f->layer.base);
        return SQLITE_CANTOPEN;
    }
    (void) pthread_mutex_lock(&files_lock);
    f->next = files;
    files = f;
    (void) pthread_mutex_unlock(&files_lock);
    f->layer.base.pMethods = &methods;
    return SQLITE_OK;
}

static int locks_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    (void) vfs;
    return flags & SQLITE_OPEN_MAIN_DB ? open_database(name, lock_file_of(file), flags, ret)
                                       : real_vfs->xOpen(real_vfs, name, file, flags, ret);
}

static void make_methods(void)
{
    methods = layer_methods;
    methods.iVersion = 2;  // with an index of the log; the third can map the database itself
    methods.xClose = locks_close;
    methods.xShmLock = locks_shm_lock;
    methods.xShmBarrier = locks_shm_barrier;
    methods.xShmUnmap = locks_shm_unmap;
}

static void make_vfs(void)
{
    static sqlite3_vfs vfs;
    make_methods();
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs)
        layer_register(&vfs, real_vfs, VFS_NAME, sizeof(lock_file), locks_open);
}

status *sqlite_locks_vfs(const char **ret_name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return layer_once(&once, make_vfs, VFS_NAME, ret_name);
}
