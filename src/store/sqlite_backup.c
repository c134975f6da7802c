// sqlite_backup - a copy of the store as it was at one moment, made beside the writer.
//
// The copy is read in one transaction of a connection of its own: what is committed meanwhile goes
// to the log and not into the copy, and the log can not start anew until the copy is done. What was
// copied is synced step by step: a disk that has much to write would hold up the writer's commits.
#include "store/sqlite_internal.h"

#include "store/sqlite_files.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES_A_STEP 1024

#define SOURCE_PRAGMAS                                                                             \
    "PRAGMA query_only = ON;"                                                                      \
    "PRAGMA cache_size = -1024;"                                                                   \
    "PRAGMA wal_autocheckpoint = 0;"

// Half a copy is thrown away, so it needs no journal; the whole of it is synced before it is named.
#define TARGET_PRAGMAS                                                                             \
    "PRAGMA journal_mode = OFF;"                                                                   \
    "PRAGMA synchronous = OFF;"                                                                    \
    "PRAGMA cache_size = -1024;"

typedef struct copy {
    sqlite_link source, target;
    char *partial;
    int fd;
    const atomic_bool *stop;
} copy;

static status *disk_failure(sqlite3 *target, int code)
{
    int primary = code & 0xff;
    if (primary == SQLITE_NOMEM)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    if (primary == SQLITE_CORRUPT)
        return status_new(STATUS_DATA_LOSS, "the store is damaged: %s", sqlite3_errstr(code));
    if (primary == SQLITE_FULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "there is no room on the disk of the copy");
    return status_new(STATUS_UNAVAILABLE, "the copy failed: %s", sqlite3_errmsg(target));
}

static bool is_stopped(const copy *c)
{
    return c->stop && atomic_load(c->stop);
}

static status *copy_pages(copy *c)
{
    sqlite3_backup *pages = sqlite3_backup_init(c->target.db, "main", c->source.db, "main");
    if (!pages)
        return disk_failure(c->target.db, sqlite3_errcode(c->target.db));
    int code = SQLITE_OK;
    while (code == SQLITE_OK && !is_stopped(c)) {
        code = sqlite3_backup_step(pages, PAGES_A_STEP);
        if (code == SQLITE_OK && fdatasync(c->fd) < 0)
            code = SQLITE_IOERR_FSYNC;
    }
    int end = sqlite3_backup_finish(pages);
    if (code == SQLITE_DONE && end == SQLITE_OK)
        return NULL;
    if (code == SQLITE_OK)
        return status_new(STATUS_UNAVAILABLE, "the server is stopping");
    return disk_failure(c->target.db, code == SQLITE_DONE ? end : code);
}

static status *copy_all(copy *c, const char *source)
{
    status *failure = sqlite_link_open(source, SOURCE_PRAGMAS, &c->source);
    if (!failure)
        failure = sqlite_link_open(c->partial, TARGET_PRAGMAS, &c->target);
    if (!failure)
        failure = sqlite_run_text(c->source.db, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1;");
    if (!failure)
        failure = copy_pages(c);
    sqlite_link_close(&c->target);
    sqlite_link_close(&c->source);
    return failure;
}

// The descriptor is closed last: with it go SQLite's locks on the file.
static status *publish(copy *c, const char *path, int64_t *ret_bytes)
{
    struct stat found;
    status *failure = sqlite_files_publish(c->partial, path, c->fd);
    if (!failure && fstat(c->fd, &found) < 0)
        failure = status_new(STATUS_UNAVAILABLE, "%s: its size can not be read", path);
    if (!failure)
        *ret_bytes = (int64_t) found.st_size;
    return failure;
}

status *sqlite_backup_to(store *base, const char *path, const atomic_bool *stop, int64_t *ret_bytes)
{
    sqlite_store *s = sqlite_store_of(base);
    copy c = {.fd = -1, .stop = stop};
    status *failure = sqlite_files_make_partial(path, &c.partial, &c.fd);
    if (failure)
        return failure;
    checkpointer_hold(&s->checkpoints);
    failure = copy_all(&c, s->path);
    checkpointer_let_go(&s->checkpoints);
    if (!failure)
        failure = publish(&c, path, ret_bytes);
    if (failure)
        unlink(c.partial);
    close(c.fd);
    free(c.partial);
    return failure;
}
