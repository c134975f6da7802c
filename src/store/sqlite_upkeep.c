// sqlite_upkeep - how large the files are, and giving back what is no longer used.
#include "store/sqlite_internal.h"

#include <stdio.h>
#include <sys/stat.h>

// Free pages are soon used again; only what is far more than that goes back to the file system.
#define FREE_PAGES_KEPT   INT64_C(4096)
#define FREE_PART_KEPT    4  // one page in four
#define PAGES_BACK_A_STEP "256"

static int64_t file_bytes(const char *path, const char *suffix)
{
    AUTO_FREE char *name = NULL;
    struct stat found;
    if (asprintf(&name, "%s%s", path, suffix) < 0) {
        name = NULL;
        return 0;
    }
    return stat(name, &found) == 0 ? (int64_t) found.st_size : 0;
}

int64_t sqlite_size_bytes(store *base)
{
    const char *path = sqlite_store_of(base)->path;
    return file_bytes(path, "") + file_bytes(path, "-wal") + file_bytes(path, "-shm");
}

static status *read_slack(sqlite3 *db, int64_t *ret)
{
    int64_t free_pages = 0, pages = 0;
    status *failure = sqlite_read_number(db, "PRAGMA freelist_count", &free_pages);
    if (!failure)
        failure = sqlite_read_number(db, "PRAGMA page_count", &pages);
    int64_t kept =
        pages / FREE_PART_KEPT > FREE_PAGES_KEPT ? pages / FREE_PART_KEPT : FREE_PAGES_KEPT;
    if (!failure)
        *ret = free_pages > kept ? free_pages - kept : 0;
    return failure;
}

status *sqlite_maintain(store *base, bool *ret_more)
{
    sqlite_store *s = sqlite_store_of(base);
    int64_t slack = 0;
    status *failure = read_slack(s->link.db, &slack);
    if (!failure && slack > 0)
        failure = sqlite_run_text(s->link.db, "PRAGMA incremental_vacuum(" PAGES_BACK_A_STEP ")");
    if (!failure && slack > 0)
        failure = read_slack(s->link.db, &slack);
    if (failure)
        return failure;
    checkpointer_committed(&s->checkpoints, s->link.db);
    *ret_more = slack > 0;
    return NULL;
}
