// row - what the scheduler knows of a job: everything but the bytes of its input and result.
//
// A row is plain data. Times are microseconds of wall time since 1970, durations microseconds.
#ifndef ERRAND_JOB_ROW_H
#define ERRAND_JOB_ROW_H

#include "base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

// Numbers are those of errand.v1.Job.State.
typedef enum job_state {
    JOB_BLOCKED = 1,
    JOB_SCHEDULED = 2,
    JOB_READY = 3,
    JOB_RUNNING = 4,
    JOB_SUCCEEDED = 5,
    JOB_FAILED = 6,
    JOB_CANCELLED = 7,
    JOB_EXPIRED = 8,
} job_state;

#define JOB_STATE_COUNT 9  // states are 1..8

// A job stands in exactly one lane at any time, ordered by rank, then seq. The lane of a READY job
// is its route (1, 2, ...); the others wait for a time or for an event.
typedef enum job_lane {
    JOB_LANE_SCHEDULED = -1,  // rank: when it becomes ready
    JOB_LANE_RUNNING = -2,    // rank: 0
    JOB_LANE_FINISHED = -3,   // rank: when it is purged
    JOB_LANE_KEPT = -4,       // finished, but an unfinished callback needs it; rank: 0
    JOB_LANE_BLOCKED = -5,    // rank: 0
    JOB_LANE_HELD = -6,       // READY, but its concurrency key is full; rank: as in its route's
    JOB_LANE_SETTLING = -7,   // finished, but others that wait for it are yet to be told; rank: 0
} job_lane;

// What the submitter chose, defaults filled in; the same for the whole life of the job.
typedef struct job_policy {
    int64_t attempt_timeout_us;
    int64_t retention_us;
    int64_t min_backoff_us;
    int64_t max_backoff_us;
    double multiplier;
    int32_t max_attempts;
} job_policy;

typedef struct job_row {
    int64_t seq;  // order of submission, from 1, never used twice; the engine assigns it
    uuid id;
    int64_t parent_seq;  // of a callback: the job that it tells about; otherwise 0
    int32_t route;       // the store's number of (queue, kind), from 1
    job_state state;
    int32_t priority;
    int32_t attempt;   // leases so far
    int32_t failures;  // attempts that count against max_attempts
    int32_t losses;    // leases lost by a worker that vanished
    int64_t revision;  // from 1
    int64_t create_us;
    int64_t due_us;          // when the next attempt may start
    int64_t start_us;        // latest lease; 0: none
    int64_t finish_us;       // 0: not finished
    uuid worker;             // holder, or last holder, of the lease; nil: none
    int64_t lease_sequence;  // Lease call that handed it out
    bool has_callback;       // its spec asks for a callback
    int32_t callbacks_open;  // unfinished callback jobs that refer to it
    int64_t retry_request;   // hash of the request that retried it by hand; 0: none
    int64_t expire_us;       // ends EXPIRED if it was not leased by then; 0: never
    int64_t aging_us;        // what a point of priority is worth in the line; 0: everything
    int32_t blockers;        // jobs of its `after` that have not ended
    bool has_dependants;     // others wait for it
    bool held;               // READY, but its concurrency key is full
    uuid unique_key;         // job_key of queue and unique_key; nil: none
    uuid concurrency_key;    // job_key of queue and concurrency_key; nil: none
    job_policy policy;
} job_row;

bool job_state_is_final(job_state state);

// job_row_is_gone tells of a job that was deleted, and is only kept until those that wait for it
// have been told.
bool job_row_is_gone(const job_row *row);

const char *job_state_name(job_state state);  // "READY"

// job_row_lane and job_row_rank say where the row stands.
int32_t job_row_lane(const job_row *row);
int64_t job_row_rank(const job_row *row);

// job_key is a queue's key as a number of fixed size: the first 16 bytes of
// HMAC-SHA-256 of the key under the name of the queue.
uuid job_key(const char *queue, const char *key);

// job_ready_rank is the sort key of a READY job: smaller runs sooner. Higher priority first, then
// earlier due time: (100 - priority) in the upper bits, due_us, until the year 2255, below. With
// aging_us a point of priority only counts as that much waiting.
#define JOB_RANK_DUE_BITS 53
int64_t job_ready_rank(int32_t priority, int64_t due_us, int64_t aging_us);

#endif
