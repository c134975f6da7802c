// attempt - the jobs that a worker is running: slots, deadlines, and the handlers that do the work.
//
// Jobs come from one source or more, and each outcome goes back to where its job came from. Beside
// the slots there is a place for each source: a job that arrives just when another source has taken
// the last slot waits there for a moment, and is given back if none becomes free.
//
// Everything happens on the thread of the worker's loop.
#ifndef ERRAND_CLIENTS_C_WORKER_ATTEMPT_H
#define ERRAND_CLIENTS_C_WORKER_ATTEMPT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "worker/arena_pool.h"
#include "worker/lease_ref.h"
#include "worker/outbox.h"
#include "worker/worker.h"

#include "errand/v1/job.pb-c.h"

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>
#include <uv.h>

#define ATTEMPT_TEXT_BYTES 256  // of a progress message, at most

typedef struct attempt attempt;
typedef struct attempts attempts;

// What runs jobs, of one kind or more. A new kind is one more table.
typedef struct handler_ops {
    // open takes what it needs of the settings that stand beside the ops in the options.
    status *(*open)(const void *settings, const worker_options *options, uv_loop_t *loop,
                    void **ret);
    // start begins the work; it ends with attempt_succeed or attempt_fail, called exactly once,
    // maybe before start returns.
    void (*start)(void *handler, attempt *a);
    // abort ends the work at once, without attempt_succeed or attempt_fail.
    void (*abort)(void *handler, attempt *a);
    // turn comes before the loop waits: outcomes may have gone meanwhile. NULL: nothing to do.
    void (*turn)(void *handler);
    // stop comes when nothing runs any more, while the loop is still there: the last moment for
    // threads of the handler to reach for it. NULL: there are none.
    void (*stop)(void *handler);
    // close comes when nothing runs. What still lives on the loop is closed by then.
    void (*close)(void *handler);
} handler_ops;

// Where jobs come from: a server.
typedef struct attempt_source {
    outbox outbox;     // where the outcomes go
    int32_t running;   // attempts of its jobs, those that wait for a slot included
    int32_t waiting;   // those that wait for a slot
    bool turned_away;  // a job was given back for want of a slot, since it was last looked at
    bool progressed;   // some attempt has told progress since it was last looked at
} attempt_source;

struct attempt {
    lease_ref ref;
    attempt_source *source;
    bool started;                // false: it waits for a slot
    const Errand__V1__Job *job;  // with its input; lives in memory
    arena *memory;               // goes back to the pool when the attempt ends
    int64_t received_us;         // monotonic
    const handler_ops *ops;
    void *handler;
    void *work;           // the handler's own
    int64_t done, total;  // progress, in units of the handler; all zero: not said
    char message[ATTEMPT_TEXT_BYTES];
    attempts *owner;
    uv_timer_t deadline;
    attempt *prev, *next;  // of those that run, or of the free slots (next only)
    UT_hash_handle hh;
};

typedef struct opened_handler {
    const char *kind;
    const handler_ops *ops;
    void *state;
} opened_handler;

struct attempts {
    uv_loop_t *loop;
    attempt_source *const *sources;  // borrowed
    size_t source_count;
    size_t max_result_bytes;
    size_t max_message_bytes;
    size_t max_held_bytes;
    size_t held_bytes;  // of results under way, as the handlers count them
    opened_handler *handlers;
    size_t handler_count;
    arena_pool pool;  // of the memory of jobs
    attempt *slots;
    int32_t opened;      // slots and places to wait
    int32_t slot_count;  // that may run at once
    int32_t used;        // that run
    int32_t waiting;     // that wait for a slot
    int32_t lingering;   // what handlers have still to end of attempts that are gone: takes room
    attempt *vacant;
    attempt *running;  // a list, with those that wait
    attempt *by_ref;   // a hash table
};

// attempts_open gives memory and timers to the slots, and opens the handlers of the options, whose
// kinds must outlive it.
status *attempts_open(attempts *all, const worker_options *options, uv_loop_t *loop,
                      attempt_source *const *sources, size_t source_count);
// attempts_stop comes when nothing runs, attempts_close once all handles on the loop are closed.
void attempts_stop(attempts *all);
void attempts_close(attempts *all);

// attempts_start runs an assignment, whose job it keeps: then it takes the memory, which is the
// pool's. One that can not be run is released.
void attempts_start(attempts *all, attempt_source *source, const lease_ref *ref,
                    const Errand__V1__Job *job, arena **memory, int64_t now_us);

// attempts_release gives an assignment back without running it.
void attempts_release(attempt_source *source, const lease_ref *ref);

// attempts_drop aborts without an outcome: cancelled, or the lease is lost. Nothing if it is
// unknown.
void attempts_drop(attempts *all, const lease_ref *ref);

// attempts_drop_expired drops those of a source received, and renewed, longer than lease_us ago;
// returns when the next one expires, INT64_MAX without any.
int64_t attempts_drop_expired(attempts *all, const attempt_source *source, int64_t renewed_us,
                              int64_t lease_us, int64_t now_us);

// attempts_release_running aborts and gives back all that runs.
void attempts_release_running(attempts *all);

// attempts_turn gives free slots to those that wait, and lets the handlers make their turns.
// Returns when it wants to be called again, INT64_MAX: when something has happened.
int64_t attempts_turn(attempts *all, int64_t now_us);

// Memory of outcomes that are not acknowledged.
size_t attempts_unacked(const attempts *all);

// attempts_held is that, and the memory of results under way.
static inline size_t attempts_held(const attempts *all)
{
    return all->held_bytes + attempts_unacked(all);
}

// Slots that nothing runs in or waits for.
static inline int32_t attempts_free(const attempts *all)
{
    int32_t taken = all->used + all->waiting + all->lingering;
    return taken < all->slot_count ? all->slot_count - taken : 0;
}

// attempt_vacate frees the slot, without an outcome.
void attempt_vacate(attempt *a);

// ---- for handlers ----

// Monotonic time at which the attempt has taken too long.
int64_t attempt_deadline_us(const attempt *a);

// attempt_progress tells how far the work is; total is 0 when that is not known, numbers below 0
// count as 0. The message is cut and made valid UTF-8; NULL: none.
void attempt_progress(attempt *a, int64_t done, int64_t total, const char *message);

// attempt_succeed reports a result; one over the cap, or one that the server could not decode,
// becomes a permanent failure. The attempt is gone afterwards.
void attempt_succeed(attempt *a, Errand__V1__Result *result);

typedef struct attempt_failure {
    status_code code;
    bool retryable;
    int64_t retry_after_us;  // 0: not said
    const char *message;     // made valid UTF-8 if it is not
} attempt_failure;

// attempt_fail reports a failure. The attempt is gone afterwards.
void attempt_fail(attempt *a, const attempt_failure *failure);

#endif
