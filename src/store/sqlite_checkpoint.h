// sqlite_checkpoint - moves the log into the database file beside the writer, and bounds the log.
#ifndef ERRAND_STORE_SQLITE_CHECKPOINT_H
#define ERRAND_STORE_SQLITE_CHECKPOINT_H

#include "base/status.h"
#include "store/sqlite_link.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

// Lengths of the log in pages of 4 KiB. When more than start is not yet written back the helper
// gets to work. Once it is done and no more than rest is left, the writer finishes, so that the log
// starts anew. At the ceiling the writer waits until it does.
typedef struct checkpoint_limits {
    int start;
    int rest;
    int ceiling;
} checkpoint_limits;

#define CHECKPOINT_LIMITS ((checkpoint_limits){.start = 4096, .rest = 1024, .ceiling = 65536})

typedef struct checkpointer {
    checkpoint_limits limits;
    sqlite_link link;
    pthread_t thread;
    bool started;
    int log_pages;         // length of the log after the latest commit; the writer's own
    int finish_pages;      // the writer tries to finish no sooner than at this length; its own
    atomic_int holders;    // who reads from the log for long, so that it can not start anew
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
// While anybody holds the log the writer does not wait for it to start anew. Any thread.
void checkpointer_hold(checkpointer *c);
void checkpointer_let_go(checkpointer *c);
void checkpointer_stop(checkpointer *c);  // waits for the thread; accepts a zeroed one

#endif
