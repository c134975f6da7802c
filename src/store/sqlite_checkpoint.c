// sqlite_checkpoint - moves the log into the database file beside the writer, and bounds the log.
//
// A commit only appends to the log. The helper copies the log's pages into the database file on a
// connection of its own while the writer goes on. Under a steady writer the helper never sees the
// end of the log, so it never starts anew: then the writer copies the short rest itself, between
// two transactions.
//
// No checkpoint ever begins on a log that is written back completely. It is asked for only after a
// commit has added pages, and none other runs meanwhile; so the writer can not start the log anew
// under a checkpoint that is beginning. SQLite before 3.51.3 can lose pages in just that case
// (sqlite.org/wal.html, "the WAL-reset bug").
#include "store/sqlite_checkpoint.h"

static int log_grew(void *data, sqlite3 *db, const char *name, int pages)
{
    checkpointer *c = data;
    (void) db;
    (void) name;
    if (pages < c->log_pages)  // it has started anew
        c->written_back = c->finish_pages = 0;
    c->log_pages = pages;
    return SQLITE_OK;
}

// Copies what no reader needs in the log any longer. Failing is no harm: the log stays, and the
// next request tries again.
static int write_back(sqlite3 *db, int mode)
{
    int pages = 0, done = 0;
    sqlite3_wal_checkpoint_v2(db, NULL, mode, &pages, &done);
    return done > 0 ? done : 0;
}

static void *run(void *data)
{
    checkpointer *c = data;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (!c->stop && !atomic_load(&c->busy))
            pthread_cond_wait(&c->changed, &c->lock);
        if (c->stop)
            break;
        pthread_mutex_unlock(&c->lock);
        int done = write_back(c->link.db, SQLITE_CHECKPOINT_PASSIVE);
        pthread_mutex_lock(&c->lock);
        c->done_pages = done;
        atomic_store(&c->busy, false);
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

status *checkpointer_start(checkpointer *c, sqlite3 *writer, const char *path)
{
    status *failure = sqlite_link_open(path, "PRAGMA synchronous = FULL;", &c->link);
    if (failure)
        return failure;
    // The first statement on a connection reads the schema; do it now rather than under load.
    failure = sqlite_run_text(c->link.db, "SELECT 1 FROM sqlite_schema");
    if (failure) {
        sqlite_link_close(&c->link);
        return failure;
    }
    c->limits = CHECKPOINT_LIMITS;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    sqlite3_wal_hook(writer, log_grew, c);
    if (pthread_create(&c->thread, NULL, run, c) != 0) {
        sqlite_link_close(&c->link);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "no thread for the checkpoints");
    }
    c->started = true;
    return NULL;
}

static void ask_helper(checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    c->done_pages = 0;
    atomic_store(&c->busy, true);
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void wait_for_helper(checkpointer *c)
{
    pthread_mutex_lock(&c->lock);
    while (atomic_load(&c->busy))
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static void note_done(checkpointer *c, int pages)
{
    if (pages > 0 && pages <= c->log_pages)
        c->written_back = pages;
    c->done_pages = 0;  // the helper is not at work meanwhile
}

// The log starts anew with the next commit, unless somebody still reads from it: then it is not
// worth trying at every commit. At the ceiling it waits a little for readers, whose calls are
// short.
static void finish(checkpointer *c, sqlite3 *writer, int mode)
{
    note_done(c, write_back(writer, mode));
    c->finish_pages = c->log_pages + c->limits.rest;
}

// Only what was in the log when a holder came can be written back: it is enough to look at times.
static void ask_seldom(checkpointer *c)
{
    if (c->log_pages < c->finish_pages)
        return;
    c->finish_pages = c->log_pages + c->limits.start;
    ask_helper(c);
}

void checkpointer_hold(checkpointer *c)
{
    atomic_fetch_add(&c->holders, 1);
}

void checkpointer_let_go(checkpointer *c)
{
    atomic_fetch_sub(&c->holders, 1);
}

void checkpointer_committed(checkpointer *c, sqlite3 *writer)
{
    bool held = atomic_load(&c->holders) > 0;
    if (c->log_pages >= c->limits.ceiling && !held)
        wait_for_helper(c);
    if (atomic_load(&c->busy))
        return;
    if (c->done_pages > 0)
        note_done(c, c->done_pages);
    int rest = c->log_pages - c->written_back;
    bool may_finish = c->log_pages >= c->finish_pages;
    if (rest <= 0)
        return;
    if (held && rest >= c->limits.start)
        ask_seldom(c);
    else if (c->log_pages >= c->limits.ceiling && may_finish && !held)
        finish(c, writer, SQLITE_CHECKPOINT_RESTART);
    else if (rest >= c->limits.start)
        ask_helper(c);
    else if (c->log_pages >= c->limits.start && rest <= c->limits.rest && may_finish)
        finish(c, writer, SQLITE_CHECKPOINT_PASSIVE);
}

void checkpointer_stop(checkpointer *c)
{
    if (!c->started)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    sqlite_link_close(&c->link);
    c->started = false;
}
