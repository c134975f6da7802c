// commands - what the engine can be asked, and what it answers.
#ifndef ERRAND_ENGINE_COMMANDS_H
#define ERRAND_ENGINE_COMMANDS_H

#include "base/arena.h"
#include "base/metrics.h"
#include "base/status.h"
#include "job/queue.h"
#include "job/queue_set.h"
#include "job/row.h"
#include "store/store.h"

#include "errand/v1/worker_service.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct engine_command engine_command;
typedef void engine_done_fn(engine_command *command);

typedef enum engine_verb {
    ENGINE_SUBMIT,
    ENGINE_WAIT,
    ENGINE_LEASE,
    ENGINE_HEARTBEAT,
    ENGINE_OUTCOMES,
    ENGINE_CONTROL,
    ENGINE_CONTROL_MANY,
    ENGINE_QUEUE,
    ENGINE_QUEUES,
    ENGINE_EXPLAIN,
    ENGINE_WORKERS,
    ENGINE_STATS,
    ENGINE_NUMBERS,
    ENGINE_FEED,
    ENGINE_GONE,
} engine_verb;

// The head of every command.
struct engine_command {
    engine_verb verb;
    engine_done_fn *done;
    void *owner;           // the poster's
    status *failure;       // set before done: NULL, or why nothing came of it; the poster frees it
    engine_command *next;  // the engine's
};

// submit: stores new jobs. Each is judged alone.
typedef struct engine_new_job {
    job_row row;       // in: id and all but seq, route, state. Out: as stored
    int64_t delay_us;  // > 0: due so long after it is stored, whatever row.due_us says
    const char *queue;
    const char *kind;
    slice spec;
    const uint8_t *hash;
    const uuid *after;  // row.blockers ids
    const store_label *labels;
    size_t label_count;
    const queue_set *visible;  // in which the jobs of after must be; NULL: in any
    bool duplicate;            // out: the job existed, with the same content or the same unique key
    bool other;                // out: with the same unique key: row is that of another job
    status *failure;           // out: why this one was refused; the poster frees it
} engine_new_job;

typedef struct engine_submit {
    engine_command command;
    engine_new_job *jobs;
    size_t count;
} engine_submit;

// wait: is done when the job has ended, or at the deadline; a watch also when its revision is
// larger than the given one.
typedef struct engine_wait {
    engine_command command;
    uint64_t ticket;
    uuid id;
    int64_t deadline_us;  // monotonic
    bool watch;
    int64_t revision;  // of a watch
    job_row row;       // in: as the poster knows it, or 0. Out: as it is now; failure is NOT_FOUND
                       // if there is none
    bool has_result;   // out: the job has succeeded while this waited, with the following
    slice result;      // out: encoded errand.v1.Result, valid until done returns
} engine_wait;

// A lease as the worker knows it: the job's seq and the attempt number, 12 bytes big-endian.
#define ENGINE_TOKEN_BYTES 12
typedef struct engine_token {
    uint8_t bytes[ENGINE_TOKEN_BYTES];
} engine_token;

typedef struct engine_lease_ref {
    uuid id;
    engine_token token;
} engine_lease_ref;

typedef struct engine_rejection {
    engine_lease_ref ref;
    status_code code;
    const char *message;  // static
} engine_rejection;

// What a worker is told with every answer. Memory is the command's arena.
typedef struct engine_notices {
    engine_lease_ref *cancel;
    size_t cancel_count;
    engine_rejection *rejected;
    size_t rejected_count;
    int64_t acked_outcome_sequence;
} engine_notices;

typedef struct engine_assignment {
    job_row row;
    slice spec;
    engine_token token;
    bool has_parent;  // a callback: the job it tells about follows
    job_row parent_row;
    slice parent_spec;
    slice parent_result;   // empty: none
    slice parent_attempt;  // its latest failed attempt; empty: none
} engine_assignment;

// lease: jobs for a worker; is done when there is one, at the deadline, or when a newer Lease of
// the worker comes.
typedef struct engine_lease {
    engine_command command;
    uint64_t ticket;
    const Errand__V1__Worker *worker;  // checked by the poster
    uuid worker_id;
    int32_t max_jobs;
    int64_t lease_sequence;
    int64_t deadline_us;  // monotonic
    arena *memory;        // of what follows
    engine_assignment *assignments;
    size_t assignment_count;
    engine_notices notices;
} engine_lease;

// heartbeat: renews the leases named, gives the missing ones back.
typedef struct engine_heartbeat {
    engine_command command;
    const Errand__V1__Worker *worker;
    uuid worker_id;
    const engine_lease_ref *running;
    const slice *progress;  // of each of them: encoded errand.v1.Progress without its time; empty:
                            // not said
    size_t running_count;
    int64_t lease_sequence;  // latest answer that running takes into account; 0: all
    arena *memory;           // of what follows
    engine_lease_ref *lost;
    size_t lost_count;
    engine_notices notices;
} engine_heartbeat;

typedef enum engine_outcome_type {
    ENGINE_SUCCESS,
    ENGINE_FAILURE,
    ENGINE_RELEASED,
} engine_outcome_type;

typedef struct engine_outcome {
    engine_lease_ref ref;
    engine_outcome_type type;
    slice result;                          // of a success: encoded errand.v1.Result
    const Errand__Rpc__V1__Status *error;  // of a failure
    bool retryable;
    int64_t retry_after_us;
    status_code refused;  // not OK: it could not be read; a failure, and rejected with that code
} engine_outcome;

// outcomes: how attempts ended. sequence is the batch's number within its worker: a repeated one is
// not applied again, one that comes too early is not applied at all. 0: not numbered.
typedef struct engine_outcomes {
    engine_command command;
    uuid worker_id;
    int64_t sequence;
    const engine_outcome *outcomes;
    size_t count;
    arena *memory;  // of rejected
    int32_t accepted;
    engine_rejection *rejected;
    size_t rejected_count;
    int64_t acked_outcome_sequence;
    bool report;  // the answer carries rejected; otherwise the worker's next answer does
} engine_outcomes;

// control: a job cancelled, retried by hand, or deleted.
typedef enum engine_control_type {
    ENGINE_CANCEL,  // a finished job is left as it is
    ENGINE_RETRY,   // FAILED_PRECONDITION unless FAILED, CANCELLED or EXPIRED
    ENGINE_DELETE,  // FAILED_PRECONDITION when RUNNING
} engine_control_type;

typedef struct engine_control {
    engine_command command;
    engine_control_type type;
    uuid id;
    int64_t request;  // of a retry: hash of caller and request-id, so that twice is once; 0: none
    job_row row;      // out: as it is now, or was before it was deleted
} engine_control;

// control_many: the same for several jobs; those that can not be changed so are left as they are.
typedef struct engine_control_many {
    engine_command command;
    engine_control_type type;
    const job_row *rows;  // as they were read
    unsigned states;      // bits of the states that they must be in by now; 0: any
    size_t count;
    int64_t done;  // out: jobs changed
} engine_control_many;

// queue: the settings of a queue, read or changed.
typedef struct engine_queue_info {
    const char *name;
    queue_settings settings;
    int64_t depth[JOB_STATE_COUNT];
} engine_queue_info;

typedef struct engine_queue {
    engine_command command;
    const char *name;
    const Errand__V1__Queue *wanted;  // NULL: only read
    unsigned mask;                    // of queue_field: what changes
    engine_queue_info info;           // out; name is the one given
} engine_queue;

// queues: a page of all queues by name. NOT_FOUND never.
typedef struct engine_queues {
    engine_command command;
    const queue_set *only;  // leave out all others; NULL: none
    const char *after;      // name before the first; "": from the start
    size_t limit;
    arena *memory;  // of what follows
    engine_queue_info *infos;
    size_t count;
    bool more;
} engine_queues;

// feed: what has happened in a queue behind a place; is done when something has, or at the
// deadline. NOT_FOUND when there is no such queue.
typedef struct engine_feed_place {
    uint64_t run;   // of the server
    int64_t jobs;   // number of the latest change of a job that was seen
    int64_t queue;  // likewise of the queue itself
} engine_feed_place;

typedef struct engine_feed_item {
    int64_t number;
    uuid id;
    const char *kind;  // valid as long as the engine
    int64_t revision;
    int64_t time_us;  // wall
    int32_t attempt;
    job_state state;
    bool deleted;
} engine_feed_item;

typedef enum engine_feed_reset {
    ENGINE_FEED_WHOLE,      // nothing is missing
    ENGINE_FEED_RESTARTED,  // the place is of another run
    ENGINE_FEED_OVERRUN,    // too much has happened since
} engine_feed_reset;

typedef struct engine_feed {
    engine_command command;
    uint64_t ticket;
    const char *queue;
    bool from_now;            // otherwise from place
    engine_feed_place place;  // in and out: where to go on
    int64_t deadline_us;      // monotonic
    size_t limit;             // of items
    arena *memory;            // of items
    engine_feed_reset reset;  // out
    engine_feed_item *items;  // in order
    size_t count;
    bool has_info;  // it has changed
    engine_queue_info info;
} engine_feed;

// explain: what the engine knows of why a job does not run.
typedef struct engine_explain {
    engine_command command;
    uuid id;
    job_row row;
    queue_settings settings;
    int64_t queue_running;
    int64_t key_running;
    int64_t next_token_us;   // wall; 0: there is one, or no rate limit
    int64_t held_back_us;    // wall: until then the queue waits after a Retry-After; 0: not
    bool probing;            // one job at a time until one succeeds
    bool has_worker;         // a connected worker serves its queue and kind
    bool has_room;           // one of those can take another job
    double starts_a_second;  // of its queue, lately
} engine_explain;

// workers: those heard of lately.
typedef struct engine_worker_info {
    Errand__V1__Worker worker;  // its texts and lists live in the arena
    int64_t heard_us;           // wall
} engine_worker_info;

typedef struct engine_workers {
    engine_command command;
    arena *memory;  // of what follows
    engine_worker_info *infos;
    size_t count;
} engine_workers;

// stats: counters.
typedef struct engine_stats {
    engine_command command;
    int64_t jobs[JOB_STATE_COUNT];
    size_t workers;
    size_t waiting;  // parked commands
    int64_t store_bytes;
} engine_stats;

// numbers: what happened since the start, by queue. Beyond max_named_queues all count as one.
#define ENGINE_OTHER_QUEUES "other"
typedef struct engine_tally {
    uint64_t submitted;
    uint64_t failed_attempts;
    uint64_t finished[JOB_STATE_COUNT];
    metrics_tally wait;  // from being due to each start: in metrics_long_times
    metrics_tally run;   // attempts that succeeded or failed: likewise
} engine_tally;

typedef struct engine_queue_numbers {
    const char *queue;  // valid as long as the engine
    int64_t jobs[JOB_STATE_COUNT];
    engine_tally tally;
} engine_queue_numbers;

typedef struct engine_numbers {
    engine_command command;
    arena *memory;  // of what follows
    engine_queue_numbers *queues;
    size_t count;
    size_t workers;  // heard of lately
} engine_numbers;

engine_token engine_token_make(int64_t seq, int32_t attempt);

#endif
