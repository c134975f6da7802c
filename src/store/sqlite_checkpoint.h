// sqlite_checkpoint - moves the log into the database file beside the writer, and bounds the log.
#ifndef ERRAND_STORE_SQLITE_CHECKPOINT_H
#define ERRAND_STORE_SQLITE_CHECKPOINT_H

#include "base/status.h"
#include "store/sqlite_link.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

// Sizes of the log in pages of 4 KiB. When more than START is not yet written back the helper gets
// to work. Once it is done and no more than SHORT is left, the writer finishes, so that the log
// starts anew. At CEILING the writer waits until it does.
#define CHECKPOINT_START_PAGES   4096   // 16 MiB
#define CHECKPOINT_SHORT_PAGES   1024   // 4 MiB
#define CHECKPOINT_CEILING_PAGES 65536  // 256 MiB

typedef struct checkpointer {
    sqlite_link link;
    pthread_t thread;
    bool started;
    int log_pages;         // length of the log after the latest commit; the writer's own
    int finish_pages;      // the writer tries to finish no sooner than at this length; its own
    int written_back;      // pages of it known to be in the database file; the writer's own
    pthread_mutex_t lock;  // guards what follows
    pthread_cond_t changed;
    bool stop;
    atomic_bool busy;  // from the writer's request until the helper is done
    int done_pages;    // what the helper reported
} checkpointer;

// checkpointer_start starts the helper thread and hooks into the writer's commits.
status *checkpointer_start(checkpointer *c, sqlite3 *writer, const char *path);
// checkpointer_committed is called by the writer between transactions.
void checkpointer_committed(checkpointer *c, sqlite3 *writer);
void checkpointer_stop(checkpointer *c);  // waits for the thread; accepts a zeroed one

#endif
