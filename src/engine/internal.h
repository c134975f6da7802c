// internal - what the files of the engine share. Only the engine's thread touches it, but for
// `inbox`.
#ifndef ERRAND_ENGINE_INTERNAL_H
#define ERRAND_ENGINE_INTERNAL_H

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((void) (element))

#include "engine/answers.h"
#include "engine/engine.h"
#include "engine/failures.h"
#include "engine/feed.h"
#include "engine/idle.h"
#include "engine/inbox.h"
#include "engine/queue.h"
#include "engine/supply.h"
#include "engine/tally.h"
#include "engine/timers.h"
#include "job/rules.h"
#include "job/spec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>
#include <utlist.h>

// Jobs of one concurrency key that run.
typedef struct key_count {
    uuid key;
    size_t running;
    UT_hash_handle hh;
} key_count;

// A job that a worker runs, or was handed. Exists exactly as long as the row is RUNNING.
typedef struct lease {
    int64_t seq;  // key
    job_row row;
    session *holder;
    struct lease *prev, *next;  // in the holder's list
    int64_t expires_us;         // monotonic: the worker must have renewed by then
    int64_t voided_us;          // monotonic: attempt timeout and grace
    timer clock;
    bool confirmed;  // the worker has named it: see lease_is_confirmed
    bool former;     // from before the server's start, and not renewed since
    bool orphan;     // former, and its worker ended with the server
    uint64_t seen;   // latest heartbeat that named it
    uint32_t progress_hash;
    UT_hash_handle hh;
} lease;

// A job that was cancelled while a worker ran it; the worker is told until it stops naming it.
typedef struct revoked {
    engine_lease_ref ref;  // key: its token
    session *holder;
    struct revoked *prev, *next;  // in the holder's list
    int64_t lease_sequence;       // of the Lease call that handed it out
    uint64_t seen;                // latest heartbeat that named it
    UT_hash_handle hh;
} revoked;

// A worker process.
struct session {
    uuid id;        // key
    char **queues;  // served, NAME or NAME=WEIGHT; NULL: all
    size_t queue_count;
    bool weighted;     // some queue has a weight
    int64_t *credits;  // of weights.c, one for each queue
    char **kinds;
    size_t kind_count;
    job_queue **named;       // the queues, those that exist
    job_queue **candidates;  // of take.c: room for all of them
    idle_post *posts;        // where its parked calls wait for jobs
    size_t post_count;
    size_t served;           // names and posts, counted in e->served
    bool waits;              // one does
    uint64_t since;          // its arrival
    int64_t acked;           // outcome sequence, contiguous
    bool unknown;            // acked is not known: its next batch tells
    bool stored;             // the store has a row of it
    int64_t lease_sequence;  // latest Lease call that was answered with jobs
    uint64_t heartbeats;
    char *host;
    int32_t pid, concurrency;
    int64_t heard_us;  // wall
    lease *leases;     // by the Lease call that handed them out
    size_t lease_count;
    int64_t confirmed_sequence;  // answers to earlier Lease calls have been seen
    struct parked *parked;       // its Lease call
    revoked *revoked;
    size_t revoked_count;
    bool untold;                 // of some of them
    engine_rejection *rejected;  // to be told, in order
    size_t rejected_count;
    size_t rejected_told;     // so many are in answers of this round
    size_t rejected_before;   // so many there were before this round
    uint64_t rejected_round;  // that one
    bool quiet;               // silent for long
    timer idle;               // forgets it
    UT_hash_handle hh;
};

// A parked command: a wait or a lease.
typedef struct parked {
    uint64_t ticket;  // key
    engine_command *command;
    timer deadline;
    struct parked *prev, *next;  // of the same job, or of the Lease calls
    UT_hash_handle hh;
} parked;

// The commands that wait for the end of one job.
typedef struct waiters {
    int64_t seq;  // key
    parked *list;
    UT_hash_handle hh;
} waiters;

// Commands in order.
typedef struct command_list {
    engine_command *first, *last;
} command_list;

typedef struct attempt_end attempt_end;  // recover.c

#define GONE_TICKETS 1024

struct engine {
    engine_options options;
    store *store;
    const clock_source *clock;
    inbox inbox;
    pthread_t thread;
    pthread_mutex_t rounds;   // held by who does rounds; guards all that follows but the atomic
    int64_t sleeps_until_us;  // the thread: monotonic
    atomic_bool quiet;        // the latest round had one command at most
    atomic_uint_fast64_t last_ticket;
    atomic_bool draining;
    atomic_bool stopping;

    uint64_t round;  // the one under way, from 1

    // Times of the round under way.
    int64_t now_us;  // wall, never less than what was stored
    int64_t mono_us;
    int64_t retry_us;  // monotonic: not before then, after the disk refused
    int refusals;      // rounds that the disk refused, in a row
    int64_t start_us;  // wall: what was stored before this run is not later
    int64_t slack_us;  // monotonic: when to give space back; INT64_MAX: there is none
    timer hourly;

    bool writing;                        // a transaction is open
    bool stale;                          // what was running could not be read
    status *trouble;                     // why the transaction can not be committed
    command_list to_workers, to_others;  // done after the commit, in this order
    answers answerer;

    job_queue *queues;    // by name
    job_queue **by_name;  // the same in order; new ones are not in it yet
    size_t by_name_count;
    job_queue *changed;  // to be saved with the commit
    supply supply;
    idle_lines idle;
    key_count *keys;
    int32_t *scratch;  // of take.c: routes of a queue
    size_t scratch_size;
    uint64_t turn;        // of those who may come first
    bool depth_limits;    // some queue has a max_depth
    bool releasing;       // a queue lets its held jobs go
    bool ranking;         // the jobs of a queue take new places
    int64_t settled_seq;  // the ended job whose dependants were told last
    bool full;            // a worker waits although there are jobs: max_leases run
    timer again;          // there is more to hand out at once

    lease *leases;
    attempt_end *ends;  // of the leases that are being read anew, by seq
    size_t end_count;
    session *sessions;
    size_t served;     // of all of them
    revoked *revoked;  // by token
    parked *tickets;
    uint64_t gone[GONE_TICKETS];  // callers that went before their command came, by ticket
    parked *leasing;              // parked Lease calls, in order of arrival
    waiters *waiters;
    timers timers;
    uint64_t random[4];
    tallies tallies;
    feeds feeds;
};

// ---- engine.c ----

// Of the caller of a parked command.
typedef struct gone_command {
    engine_command command;
    uint64_t ticket;
    bool answered;
} gone_command;

// round_all does rounds until all of the commands are done, and what their answers post; NULL: one
// round, of what is due. Like all functions below it is for who holds `rounds`.
void round_all(engine *e, engine_command *commands);
// round_is_light says that commands have few jobs, so that waking a thread for them takes longer.
bool round_is_light(const engine_command *commands);
void round_last(engine *e, engine_command *commands);  // at the stop: refuses what is parked
int64_t round_next(engine *e);                         // when something is due; monotonic
void round_read_clocks(engine *e);

// engine_collect keeps what this thread posts to an engine from now on, until it is called again
// and returns that; NULL: what is posted goes at once.
engine_command *engine_collect(engine *e);

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

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

// engine_use counts the room of a round down by what a command with so many jobs takes.
static inline void engine_use(size_t *room, size_t jobs)
{
    size_t used = jobs > 0 ? jobs : 1;
    *room -= smaller(used, *room);
}

// engine_answer has a command done after the commit.
void engine_answer(engine *e, engine_command *command);

// engine_refuse is engine_answer with a failure, which it takes.
void engine_refuse(engine *e, engine_command *command, status *failure);

// engine_save saves a row that was moved, and tells those who watch it.
bool engine_save(engine *e, const job_row *before, const job_row *row);

// ---- one file each ----

double engine_random(engine *e);                    // random.c: uniform in [0, 1)
void engine_seed_random(engine *e, uint64_t seed);  // 0: from the kernel

// submit_apply applies a Submit and those right behind it while there is room, which it counts
// down, and returns what comes next.
engine_command *submit_apply(engine *e, engine_command *command, size_t *room);  // submit.c

// ties_any tells whether a new job has to be stored by itself. ties_make looks at what it is tied
// to: false when it is refused or exists already, or the round is lost; otherwise row.blockers is
// the number of jobs it waits for, whose seqs are written.
bool ties_any(engine *e, const engine_new_job *job);  // ties.c
bool ties_make(engine *e, engine_new_job *job, int64_t ret_after[static JOB_MAX_AFTER]);

void wait_apply(engine *e, engine_wait *w);  // wait.c
// wait_wake tells that its job has ended. result: of one that has succeeded, valid until the
// command under way is done; NULL: there is none.
void wait_wake(engine *e, const job_row *row, const slice *result);
void wait_take_back(engine_wait *w);  // the round that told it so was undone
void wait_wake_removed(engine *e, const job_row *row);
void wait_tell(engine *e, const job_row *row);  // it has changed

void settle_run(engine *e);                              // settle.c: a step of telling dependants
void explain_apply(engine *e, engine_explain *command);  // explain.c
void workers_apply(engine *e, engine_workers *command);  // workers.c
void stats_apply(engine *e, engine_stats *command);      // workers.c
size_t workers_count(engine *e);                         // workers.c: heard of lately

// park keeps a command in a list until its deadline, when late runs; NULL when memory is short or
// its caller has gone, which refuses the command.
parked *park(engine *e, engine_command *command, uint64_t ticket, int64_t deadline_us,
             timer_fire_fn *late);             // park.c
engine_command *unpark(engine *e, parked *p);  // forgets p, which is in no list
parked *park_of(timer *t);
void park_gone(engine *e, uint64_t ticket);
void park_hurry(engine *e, uint64_t ticket);  // its deadline is now
void wait_leave(engine *e, parked *p);        // wait.c: out of its list
void assign_leave(engine *e, parked *p);      // assign.c: out of its list
void park_refuse_all(engine *e);              // at the end

session *session_find(engine *e, const uuid *id);                         // session.c
session *session_touch(engine *e, const uuid *id, status **ret_failure);  // finds or makes
session *session_recall(engine *e, const uuid *id);  // the same, beyond the cap too
status *session_describe(engine *e, session *s, const Errand__V1__Worker *worker);
void session_meet(session *s, const Errand__V1__Worker *worker);  // what it says of itself
job_queue *session_queue(engine *e, session *s,
                         size_t index);  // that it names; NULL: not there yet
bool session_runs(const session *s, const char *kind);
bool session_serves(const session *s, const job_route *r);
void session_reject(engine *e, session *s, const engine_rejection *rejection);
bool session_notices(engine *e, session *s, arena *memory, engine_notices *ret);
void session_undo(engine *e, session *s);  // what this round did to its rejections
bool session_save_ack(engine *e, session *s);
void session_free_all(engine *e);

lease *lease_find(engine *e, const engine_lease_ref *ref, const uuid *worker);  // lease.c
lease *lease_by_seq(engine *e, int64_t seq);
bool lease_is_confirmed(const lease *l);  // the worker has seen the assignment
lease *lease_open(engine *e, session *holder, const job_row *row);
// lease_is_own tells whether a worker is one of those that live and die with the server.
bool lease_is_own(const engine *e, const uuid *worker);
void lease_inherit(engine *e, lease *l);  // just opened, and may be from before the start
void lease_end(engine *e, lease *l);
void lease_free_all(engine *e);

void assign_apply(engine *e, engine_lease *command);  // assign.c
void assign_tell(engine *e, session *s);              // answers its parked Lease, if any
void assign_ready(engine *e);                         // jobs to the parked Lease calls
void assign_again(engine *e);                         // there is more: the next round comes at once
void assign_release_parked(engine *e);                // empty answers, when draining

// take leases jobs for a call, if there are any that may start.
void take(engine *e, session *s, engine_lease *command);  // take.c
// take_fill makes the assignment of a leased job.
status *take_fill(engine *e, const job_row *row, arena *memory, engine_assignment *ret);

bool weights_any(char *const *served, size_t count);  // whether a queue has one: weights.c

void heartbeat_apply(engine *e, engine_heartbeat *h);  // heartbeat.c

void outcomes_apply(engine *e, engine_outcomes *o);  // outcome.c

void control_apply(engine *e, engine_control *c);  // control.c
void control_many_apply(engine *e, engine_control_many *c);

// revoke remembers to tell the holder that the lease, which ends now, was cancelled.
void revoked_add(engine *e, const lease *l);  // revoked.c
bool revoked_seen(engine *e, const engine_lease_ref *ref, const session *s);
void revoked_forget_unseen(engine *e, session *s, const engine_heartbeat *h);
bool revoked_notices(session *s, arena *memory, engine_notices *ret);
void revoked_forget_all(engine *e, session *s);

// finish_failed ends an attempt without success: retried or final.
bool finish_failed(engine *e, lease *l, const job_failure *failure,
                   const Errand__Rpc__V1__Status *error);  // finish.c
bool finish_succeeded(engine *e, lease *l, slice result);
bool finish_released(engine *e, lease *l);
bool finish_lost(engine *e, lease *l);
// finish_cancelled cancels an unfinished job, and writes what became of it.
bool finish_cancelled(engine *e, const job_row *before, job_row *ret);
// finish_dependant cancels a job that waited for one that did not succeed.
bool finish_dependant(engine *e, const job_row *before, const job_row *ended);
bool finish_expired(engine *e, const job_row *before);
// finish_parent_of loads the job whose end a callback tells about. ret->seq is 0 when that can not
// be told any more: it was deleted, or tried again by hand, and then its new end is told.
bool finish_parent_of(engine *e, const job_row *callback, job_row *ret);
bool finish_keep_parent(engine *e, const job_row *callback);  // of a callback that is tried again
// finish_pointless cancels a callback that has nothing to tell.
bool finish_pointless(engine *e, const job_row *before);
bool finish_forgotten(engine *e, const job_row *row);  // nobody knows of it any more
// finish_removed forgets a job that is not running, and writes nothing else of it.
bool finish_removed(engine *e, const job_row *row);
// finish_goes_alone: no other job changes when it is removed. finish_removed_alone does that for
// several such jobs that do not run, with one write.
bool finish_goes_alone(const job_row *row);
bool finish_removed_alone(engine *e, const job_row *rows, size_t count);

void due_run(engine *e);      // due.c
int64_t due_next(engine *e);  // monotonic

void upkeep_start(engine *e);        // upkeep.c
void upkeep_space_later(engine *e);  // jobs were removed
void upkeep_space(engine *e);        // gives some space back, if it is time

status *recover(engine *e);  // recover.c

#endif
