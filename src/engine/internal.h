// internal - what the files of the engine share. Only the engine's thread touches it, but for
// `inbox`.
#ifndef ERRAND_ENGINE_INTERNAL_H
#define ERRAND_ENGINE_INTERNAL_H

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((void) (element))

#include "engine/answers.h"
#include "engine/engine.h"
#include "engine/inbox.h"
#include "engine/timers.h"
#include "job/rules.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>
#include <utlist.h>

typedef struct session session;

// A job that a worker runs, or was handed. Exists exactly as long as the row is RUNNING.
typedef struct lease {
    int64_t seq;  // key
    job_row row;
    session *holder;
    struct lease *prev, *next;  // in the holder's list
    int64_t expires_us;         // monotonic: the worker must have renewed by then
    int64_t voided_us;          // monotonic: attempt timeout and grace
    timer clock;
    bool confirmed;  // the worker has seen the assignment
    bool former;     // from before the server's start, and not renewed since
    bool orphan;     // former, and its worker ended with the server
    uint64_t seen;   // latest heartbeat that named it
    UT_hash_handle hh;
} lease;

// A worker process.
struct session {
    uuid id;        // key
    char **queues;  // served; NULL: all
    size_t queue_count;
    char **kinds;
    size_t kind_count;
    int32_t *routes;  // of the first routes_seen routes, those that it serves
    size_t route_count;
    size_t routes_seen;
    int64_t acked;           // outcome sequence, contiguous
    bool unknown;            // acked is not known: its next batch tells
    bool stored;             // the store has a row of it
    int64_t lease_sequence;  // latest Lease call that was answered with jobs
    uint64_t heartbeats;
    lease *leases;
    size_t lease_count;
    engine_lease *parked;
    engine_rejection *rejected;  // not told yet
    size_t rejected_count;
    timer idle;  // forgets it
    UT_hash_handle hh;
};

// A parked command: a wait or a lease.
typedef struct parked {
    uint64_t ticket;  // key
    engine_command *command;
    timer deadline;
    struct parked *prev, *next;  // of the same job, or of the idle workers
    UT_hash_handle hh;
} parked;

// The commands that wait for the end of one job.
typedef struct waiters {
    int64_t seq;  // key
    parked *list;
    UT_hash_handle hh;
} waiters;

// When the server voids an attempt: what a lease has on the monotonic clock only.
typedef struct attempt_end {
    int64_t seq;
    int32_t attempt;
    int64_t voided_us;
} attempt_end;

#define GONE_TICKETS 1024

struct engine {
    engine_options options;
    store *store;
    const clock_source *clock;
    inbox inbox;
    pthread_t thread;
    atomic_uint_fast64_t last_ticket;
    atomic_bool draining;
    atomic_bool stopping;

    // Times of the round under way.
    int64_t now_us;  // wall, never less than what was stored
    int64_t mono_us;
    int64_t retry_us;  // monotonic: not before then, after the disk refused
    int refusals;      // rounds that the disk refused, in a row
    int64_t start_us;  // wall: what was stored before this run is not later
    int64_t slack_us;  // monotonic: when to give space back; INT64_MAX: there is none
    timer hourly;

    bool writing;                            // a transaction is open
    bool stale;                              // what was running could not be read
    status *trouble;                         // why the transaction can not be committed
    engine_command *answers, *answers_tail;  // done after the commit
    answers answerer;

    lease *leases;
    attempt_end *ends;  // of the leases that are being read anew, by seq
    size_t end_count;
    session *sessions;
    parked *tickets;
    uint64_t gone[GONE_TICKETS];  // callers that went before their command came, by ticket
    parked *idle;                 // parked Lease calls, in order of arrival
    waiters *waiters;
    timers timers;
    uint64_t random[4];
};

// ---- engine.c ----

// engine_write opens the transaction if there is none. False when the disk refuses: e->trouble says
// why.
bool engine_write(engine *e);

// engine_check takes note of a store's failure; true when there was none.
bool engine_check(engine *e, status *failure);

// engine_rests: the disk has refused twice in a row, and is left alone until retry_us. What has to
// be written waits or is refused at once, so that the rest of a round goes on.
static inline bool engine_rests(const engine *e)
{
    return e->refusals > 1 && e->mono_us < e->retry_us;
}

// engine_use counts the room of a round down by what a command with so many jobs takes.
static inline void engine_use(size_t *room, size_t jobs)
{
    size_t used = jobs > 0 ? jobs : 1;
    *room -= used < *room ? used : *room;
}

// is_damage: one job's bytes can not be read, whereas the store as such works.
static inline bool is_damage(const status *failure)
{
    return failure != NULL &&
           (failure->code == STATUS_DATA_LOSS || failure->code == STATUS_NOT_FOUND);
}

// engine_answer has a command done after the commit.
void engine_answer(engine *e, engine_command *command);

// engine_refuse is engine_answer with a failure, which it takes.
void engine_refuse(engine *e, engine_command *command, status *failure);

static inline status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

double engine_random(engine *e);  // uniform in [0, 1)

// ---- one file each ----

// submit_apply applies a Submit and those right behind it while there is room, which it counts
// down, and returns what comes next.
engine_command *submit_apply(engine *e, engine_command *command, size_t *room);  // submit.c

void wait_apply(engine *e, engine_wait *w);     // wait.c
void wait_wake(engine *e, const job_row *row);  // its job has ended

// park keeps a command in a list until its deadline, when late runs; NULL when memory is short or
// its caller has gone, which refuses the command.
parked *park(engine *e, engine_command *command, uint64_t ticket, int64_t deadline_us,
             timer_fire_fn *late);             // park.c
engine_command *unpark(engine *e, parked *p);  // forgets p, which is in no list
parked *park_of(timer *t);
void park_gone(engine *e, uint64_t ticket);
void wait_leave(engine *e, parked *p);    // wait.c: out of its list
void assign_leave(engine *e, parked *p);  // assign.c: out of its list
void park_refuse_all(engine *e);          // at the end

session *session_find(engine *e, const uuid *id);                         // session.c
session *session_touch(engine *e, const uuid *id, status **ret_failure);  // finds or makes
bool session_describe(session *s, const Errand__V1__Worker *worker);      // false: no memory
void session_routes(engine *e, session *s);  // brings s->routes up to date
void session_reject(session *s, const engine_rejection *rejection);
bool session_notices(session *s, arena *memory, engine_notices *ret);
bool session_save_ack(engine *e, session *s);
void session_free_all(engine *e);

lease *lease_find(engine *e, const engine_lease_ref *ref, const uuid *worker);  // lease.c
lease *lease_open(engine *e, session *holder, const job_row *row);
void lease_inherit(engine *e, lease *l);  // just opened, and may be from before the start
void lease_end(engine *e, lease *l);
void lease_free_all(engine *e);

void assign_apply(engine *e, engine_lease *command);  // assign.c
void assign_ready(engine *e);                         // jobs to the parked Lease calls
void assign_release_parked(engine *e);                // empty answers, when draining

void heartbeat_apply(engine *e, engine_heartbeat *h);  // heartbeat.c

void outcomes_apply(engine *e, engine_outcomes *o);  // outcome.c

// finish_failed ends an attempt without success: retried or final.
bool finish_failed(engine *e, lease *l, const job_failure *failure,
                   const Errand__Rpc__V1__Status *error);  // finish.c
bool finish_succeeded(engine *e, lease *l, slice result);
bool finish_released(engine *e, lease *l);
bool finish_lost(engine *e, lease *l);

void due_run(engine *e);      // due.c
int64_t due_next(engine *e);  // monotonic

void upkeep_start(engine *e);        // upkeep.c
void upkeep_space_later(engine *e);  // jobs were removed
void upkeep_space(engine *e);        // gives some space back, if it is time

status *recover(engine *e);  // recover.c

#endif
