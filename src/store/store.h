// store - jobs on disk, behind an interface of sets.
//
// One writer (a `store`) and any number of readers beside it. The writer is used by one thread;
// each reader by one thread at a time. Everything between begin and commit is one transaction:
// visible to readers, and durable, only once commit has returned OK.
#ifndef ERRAND_STORE_STORE_H
#define ERRAND_STORE_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "job/queue_set.h"
#include "job/row.h"
#include "job/spec.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct store store;
typedef struct store_reader store_reader;

typedef struct store_label {
    const char *key;
    const char *value;
} store_label;

typedef struct store_new_job {
    job_row row;  // seq, id, route and state are set
    slice spec;
    const uint8_t *hash;  // JOB_HASH_BYTES
    const store_label *labels;
    size_t label_count;
    const int64_t
        *after;  // row.blockers seqs of unfinished jobs, each once; they are stored already
    bool lasts;  // spec and hash stay as they are until commit or rollback
} store_new_job;

// A route is one (queue, kind) pair; numbers start at 1 and stay for ever.
typedef struct store_route {
    int32_t route;
    const char *queue;  // owned by the store, as long as it is open
    const char *kind;
} store_route;

// What the store remembers of a worker process.
typedef struct store_worker {
    uuid id;
    int64_t acked_outcome_sequence;
    int64_t lease_sequence;  // latest Lease call answered with jobs
    int64_t seen_us;         // wall time
} store_worker;

// What the store remembers of a queue that was given settings.
typedef struct store_queue {
    const char *name;
    slice settings;     // encoded errand.v1.Queue
    double tokens;      // of the rate limit, at that time
    int64_t tokens_us;  // wall time
} store_queue;

// Where a job stands in its lane.
typedef struct store_place {
    int64_t rank;
    int64_t seq;
} store_place;

typedef struct store_ops {
    // begin starts the write transaction. UNAVAILABLE when the disk refuses (full, read-only).
    status *(*begin)(store *s);
    // commit returns OK only once every row would survive a power cut. On failure everything since
    // begin is undone, as if rollback had been called. Counters and seq are written here.
    status *(*commit)(store *s);
    // rollback undoes everything since begin, counters included. A route made since then keeps its
    // number for as long as the store is open, and is written with the next commit.
    void (*rollback)(store *s);

    // insert adds new jobs; counts them. A second job with the same id is ALREADY_EXISTS (a
    // caller's bug). Of jobs that last, what could not be written may be said by a later call, by
    // commit at the latest.
    status *(*insert)(store *s, const store_new_job *jobs, size_t count);
    // find looks ids up; ret_rows[i].seq is 0 where there is none. Sees this transaction's own
    // inserts.
    status *(*find)(store *s, const uuid *ids, size_t count, job_row *ret_rows);
    // load reads rows by seq; ret_rows[i].seq is 0 where there is none.
    status *(*load)(store *s, const int64_t *seqs, size_t count, job_row *ret_rows);
    // spec and hash of a job, bytes in the arena. NOT_FOUND if there is none. ret_hash may be NULL.
    status *(*load_spec)(store *s, int64_t seq, arena *memory, slice *ret_spec, uint8_t *ret_hash);
    // result of a job; an empty slice when it has none.
    status *(*load_result)(store *s, int64_t seq, arena *memory, slice *ret_result);
    // load_last_attempt reads the latest failed attempt of a job; an empty slice when none failed.
    status *(*load_last_attempt)(store *s, int64_t seq, arena *memory, slice *ret_attempt);
    // save writes changed rows, each job at most once in a call; before[i] is the row as it was,
    // for the counters. What it could not write may be said by a later call, by commit at the
    // latest.
    status *(*save)(store *s, const job_row *before, const job_row *rows, size_t count);
    // put_result stores or replaces the encoded errand.v1.Result of a job.
    status *(*put_result)(store *s, int64_t seq, slice result);
    // put_attempt stores an encoded errand.v1.Attempt.
    status *(*put_attempt)(store *s, int64_t seq, int32_t number, slice attempt);
    // put_progress stores or replaces the encoded errand.v1.Progress of a job.
    status *(*put_progress)(store *s, int64_t seq, slice progress);
    // remove deletes jobs with all that belongs to them: input, result, attempts, progress, labels,
    // and what they wait for.
    status *(*remove)(store *s, const job_row *rows, size_t count);

    // take_ready reads the first READY jobs of the given routes, merged by rank, then seq. It
    // changes nothing: the engine leases and saves them. Cost does not grow with the backlog.
    status *(*take_ready)(store *s, const int32_t *routes, size_t route_count, size_t limit,
                          job_row *ret_rows, size_t *ret_count);
    // lane_behind reads jobs of a lane, such as the READY ones of a route, that stand behind a
    // place, in order.
    status *(*lane_behind)(store *s, int32_t lane, const store_place *behind, size_t limit,
                           job_row *ret_rows, size_t *ret_count);
    // entered lists the routes whose lanes jobs may have entered since the last call, each once.
    // The array is the store's, and valid until the next change.
    const int32_t *(*entered)(store *s, size_t *ret_count);
    // due reads jobs of a lane whose rank is <= until, in order.
    status *(*due)(store *s, job_lane lane, int64_t until, size_t limit, job_row *ret_rows,
                   size_t *ret_count);
    // next_due is the smallest rank in a lane; INT64_MAX when it is empty.
    status *(*next_due)(store *s, job_lane lane, int64_t *ret);

    // expiring reads unfinished jobs that were never leased and whose expire_us is <= until, in
    // order; next_expiry is the earliest such time, INT64_MAX when there is none.
    status *(*expiring)(store *s, int64_t until, size_t limit, job_row *ret_rows,
                        size_t *ret_count);
    status *(*next_expiry)(store *s, int64_t *ret);

    // find_unique looks up the unfinished jobs that hold unique keys; ret_rows[i].seq is 0 where
    // there is none. Sees this transaction's own inserts.
    status *(*find_unique)(store *s, const uuid *keys, size_t count, job_row *ret_rows);
    // first_held reads, of the held jobs of a concurrency key, the first of the next route behind
    // the given one, in the order of their ready ranks; ret_row->seq is 0 where there is none.
    // held_of_route reads those of a route behind a seq, in the order of their seqs.
    status *(*first_held)(store *s, const uuid *key, int32_t after_route, job_row *ret_row);
    status *(*held_of_route)(store *s, int32_t route, int64_t after_seq, size_t limit,
                             job_row *ret_rows, size_t *ret_count);

    // take_dependants reads jobs that wait for a job, up to limit, and forgets that they do.
    status *(*take_dependants)(store *s, int64_t on_seq, size_t limit, job_row *ret_rows,
                               size_t *ret_count);

    // save_queue inserts or replaces; load_queues reads all into the arena.
    status *(*save_queue)(store *s, const store_queue *queue);
    status *(*load_queues)(store *s, arena *memory, store_queue **ret, size_t *ret_count);

    // find_route is the number of a pair of queue and kind; 0 when there is none yet.
    int32_t (*find_route)(store *s, const char *queue, const char *kind);
    // route finds or makes the number of a pair. Works without a transaction for known pairs.
    status *(*route)(store *s, const char *queue, const char *kind, int32_t *ret);
    // count is the number of jobs of a route in a state, kept, never counted; sees the transaction.
    int64_t (*count)(store *s, int32_t route, job_state state);
    // count_queue is that number for all routes of the queue that a route belongs to, count_all for
    // all routes there are; kept as well.
    int64_t (*count_queue)(store *s, int32_t route, job_state state);
    int64_t (*count_all)(store *s, job_state state);
    // routes lists all pairs; the array is owned by the store and valid until the next new route.
    const store_route *(*routes)(store *s, size_t *ret_count);

    // next_seq hands out the next seq; never the same twice, not even over restarts.
    int64_t (*next_seq)(store *s);

    // save_worker inserts or replaces; load_workers reads all into the arena; forget_workers
    // removes those not seen since a time.
    status *(*save_worker)(store *s, const store_worker *worker);
    status *(*load_workers)(store *s, arena *memory, store_worker **ret, size_t *ret_count);
    status *(*forget_workers)(store *s, int64_t seen_before_us);

    // last_time_us is the largest wall time ever stored (with save, insert); wall time must not go
    // below it.
    int64_t (*last_time_us)(store *s);
    // size_bytes is what the store takes on disk, about.
    int64_t (*size_bytes)(store *s);

    // maintain does a bounded step of housekeeping outside of transactions (space given back);
    // called when there is nothing else to do. ret_more: there is more.
    status *(*maintain)(store *s, bool *ret_more);

    status *(*open_reader)(store *s, store_reader **ret);

    // backup writes a consistent copy of the store to a new file beside running work, in steps;
    // called by any thread but the writer's. The file has its name only once it is whole and on
    // disk. ALREADY_EXISTS when the file is there. ret_bytes: its size. The store must not be
    // closed meanwhile. stop: gives up with UNAVAILABLE soon after it became true, and leaves
    // nothing behind; NULL: never.
    status *(*backup)(store *s, const char *path, const atomic_bool *stop, int64_t *ret_bytes);
    void (*close)(store *s);
} store_ops;

struct store {
    const store_ops *ops;
};

// Parts of a job that a reader fetches.
typedef enum store_part {
    STORE_PART_SPEC = 1,
    STORE_PART_RESULT = 2,
    STORE_PART_LAST_ATTEMPT = 4,  // the latest failed attempt only, unless the job has succeeded
    STORE_PART_ATTEMPTS = 8,      // all failed attempts
    STORE_PART_PROGRESS = 16,
    STORE_PART_QUEUE = 32,
} store_part;

// One job as read; bytes live in the arena given to the call.
typedef struct store_job {
    job_row row;
    slice spec;
    slice result;     // empty: none
    slice progress;   // encoded errand.v1.Progress; empty: none
    slice *attempts;  // encoded errand.v1.Attempt, oldest first
    size_t attempt_count;
    uuid parent;  // id of parent_seq's job, nil if there is none (any more)
    const char *queue;
} store_job;

typedef struct store_filter {
    const char *queue;        // NULL: any
    const queue_set *queues;  // NULL: any; a job must be in one of them, whatever queue says
    const char *kind;         // NULL: any
    job_state state;          // 0: any
    const char *label_key;    // NULL: any
    const char *label_value;  // of that label
} store_filter;

#define STORE_OLDEST_ROUTES 256

typedef struct store_reader_ops {
    // get reads one job; NOT_FOUND naming the id.
    status *(*get)(store_reader *r, const uuid *id, unsigned parts, arena *memory, store_job *ret);
    // list reads up to limit jobs with seq < before (0: from the newest), newest first. It looks at
    // a bounded number of rows, so it may return fewer, even none, before the end. ret_next:
    // `before` of the next call, 0 at the end.
    status *(*list)(store_reader *r, const store_filter *filter, int64_t before, size_t limit,
                    unsigned parts, arena *memory, store_job **ret, size_t *ret_count,
                    int64_t *ret_next);
    // position counts the READY jobs, held ones left out, that come before a READY job in its
    // queue, up to limit.
    status *(*position)(store_reader *r, const job_row *row, size_t limit, size_t *ret);
    // blockers reads ids of the jobs that a BLOCKED one waits for, up to limit.
    status *(*blockers)(store_reader *r, int64_t seq, size_t limit, uuid *ret, size_t *ret_count);
    // oldest_ready is when the READY job of a queue became due that has waited longest, held ones
    // left out; INT64_MAX: there is none. It looks at STORE_OLDEST_ROUTES kinds at most.
    status *(*oldest_ready)(store_reader *r, const char *queue, int64_t *ret);
    void (*close)(store_reader *r);
} store_reader_ops;

struct store_reader {
    const store_reader_ops *ops;
};

#endif
