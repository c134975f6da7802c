// sqlite_internal - what the files of the SQLite backend share. Nobody else includes it.
#ifndef ERRAND_STORE_SQLITE_INTERNAL_H
#define ERRAND_STORE_SQLITE_INTERNAL_H

#include "store/sqlite.h"
#include "store/sqlite_batch.h"
#include "store/sqlite_checkpoint.h"
#include "store/sqlite_link.h"

#include <sqlite3.h>

// Statements of the writer; the texts are in sqlite.c, in this order.
enum {
    WRITE_BEGIN,
    WRITE_COMMIT,
    WRITE_ROLLBACK,
    WRITE_INSERT_JOB,
    WRITE_INSERT_PLAIN_JOB,
    WRITE_INSERT_INPUT,
    WRITE_UPDATE_JOB,
    WRITE_UPDATE_PLAIN_JOB,
    WRITE_UPDATE_ENDED_JOB,
    WRITE_PUT_SMALL_RESULT,
    WRITE_PUT_RESULT,
    WRITE_PUT_ATTEMPT,
    WRITE_PUT_PROGRESS,
    WRITE_PUT_LABEL,
    WRITE_PUT_DEPENDENCY,
    WRITE_DELETE_JOB,
    WRITE_DELETE_JOB_RUN,
    WRITE_DELETE_INPUT,
    WRITE_DELETE_INPUT_RUN,
    WRITE_DELETE_RESULT,
    WRITE_DELETE_RESULT_RUN,
    WRITE_DELETE_ATTEMPTS,
    WRITE_DELETE_ATTEMPTS_RUN,
    WRITE_DELETE_PROGRESS,
    WRITE_DELETE_PROGRESS_RUN,
    WRITE_DELETE_LABELS,
    WRITE_DELETE_LABELS_RUN,
    WRITE_DELETE_DEPENDENCIES,
    WRITE_DELETE_DEPENDENCIES_RUN,
    WRITE_FIND_IDS,
    WRITE_FIND_BETWEEN,
    WRITE_FIND_UNIQUE,
    WRITE_LAST_SEQ,
    WRITE_LOAD_ROWS,
    WRITE_LOAD_SMALL_INPUT,
    WRITE_LOAD_INPUT,
    WRITE_LOAD_RESULT,
    WRITE_LOAD_LAST_ATTEMPT,
    WRITE_LANE_ROWS,
    WRITE_LANE_BEHIND,
    WRITE_LANE_TAKE,
    WRITE_LANE_KEYS,
    WRITE_LANE_FIRST,
    WRITE_EXPIRING,
    WRITE_FIRST_EXPIRY,
    WRITE_FIRST_HELD,
    WRITE_HELD_OF_ROUTE,
    WRITE_DEPENDANTS,
    WRITE_FORGET_DEPENDANTS,
    WRITE_SAVE_QUEUE,
    WRITE_LOAD_QUEUES,
    WRITE_ADD_ROUTE,
    WRITE_PUT_TOTAL,
    WRITE_SAVE_WORKER,
    WRITE_LOAD_WORKERS,
    WRITE_FORGET_WORKERS,
    WRITE_STATEMENT_COUNT,
};

typedef struct route_node route_node;  // entry of the hash table of routes by name

// The READY jobs of a route that are yet to be inserted, in order. Places count from 1; 0: none.
typedef struct new_line {
    uint16_t first, last;
    int32_t count;
} new_line;

// Jobs of one route by state: as this transaction sees them, and as they are on disk.
typedef struct route_counts {
    int64_t now[JOB_STATE_COUNT];
    int64_t saved[JOB_STATE_COUNT];
    new_line line;
    bool changed;
    bool entered;
    size_t queue;  // index of its sums
} route_counts;

// Jobs of several routes by state, as this transaction sees them.
typedef struct count_sums {
    int64_t now[JOB_STATE_COUNT];
} count_sums;

typedef struct route_table {
    store_route *list;     // by number, from 1 at index 0
    route_counts *counts;  // likewise
    int32_t *changed;      // indexes of counts that differ from the disk
    size_t count;
    size_t capacity;
    size_t changed_count;
    int32_t *entered;  // numbers of routes whose lanes jobs have entered
    size_t entered_count;
    size_t stored;       // the first so many are on disk
    count_sums *queues;  // by queue, in the order of their first routes
    size_t queue_count;
    count_sums all;
    route_node *by_name;
    int32_t latest;  // the route that was looked up last; 0: none
} route_table;

// The smallest rank of a lane, or time of expiry, as long as it is known without asking.
typedef struct lane_first {
    int64_t rank;
    bool known;
} lane_first;

#define LANE_CACHE_SIZE 8  // lanes -1 to -7, by their distance from 0

#define SAVES_ROWS  256
#define SAVES_SLOTS ((size_t) 4 * SAVES_ROWS)

// What column small_result says of a result: that it follows, or that it is in the table of
// results.
enum {
    RESULT_HERE = 0,
    RESULT_ELSEWHERE = 1,
};

// Changed rows that are yet to be written; no job twice.
typedef struct sqlite_saves {
    job_row rows[SAVES_ROWS];
    small_result results[SAVES_ROWS];  // new ones of these
    small_result next;                 // of the job that will be saved next, it seems
    size_t count;
    bool special;                 // some have changed in what few jobs have
    bool ended;                   // some have results
    uint16_t slots[SAVES_SLOTS];  // hash table of seqs: index + 1, 0: free
} sqlite_saves;

#define INSERTS_ROWS  8192
#define INSERTS_SLOTS ((size_t) 2 * INSERTS_ROWS)

typedef struct new_place {
    uint16_t before, behind;  // places in the line of its route
} new_place;

// New jobs that are yet to be written, by seq.
typedef struct sqlite_inserts {
    store_new_job jobs[INSERTS_ROWS];
    size_t count;
    new_place places[INSERTS_ROWS + 1];  // by place
    uint16_t slots[INSERTS_SLOTS];       // hash table of ids: places
} sqlite_inserts;

#define TAKEN_ROWS 256

// Inputs of the jobs that were taken last: their leases ask for them next, in a transaction that
// often begins only then. Inputs never change; only when jobs go have theirs to be forgotten.
typedef struct taken_inputs {
    int64_t seqs[TAKEN_ROWS];
    size_t sizes[TAKEN_ROWS];
    uint8_t inputs[TAKEN_ROWS][BATCH_SMALL_INPUT];  // as the column has them
    size_t count, next;
} taken_inputs;

typedef struct sqlite_store {
    store base;
    char *dir;
    char *path;
    int lock_fd;
    sqlite_link link;
    sqlite_batch batch;  // what the statements of a set work on
    bool in_transaction;
    sqlite_saves saves;
    sqlite_inserts inserts;
    taken_inputs taken;
    size_t batch_jobs;  // rows that it has inserted, saved or removed
    route_table routes;
    lane_first first[LANE_CACHE_SIZE];
    lane_first expiry;
    bool has_rare_tables;  // once a job had progress, labels, or others to wait for
    int64_t next_seq, stored_next_seq;
    int64_t last_time_us, stored_last_time_us;
    checkpointer checkpoints;
} sqlite_store;

static inline sqlite_store *sqlite_store_of(store *s)
{
    return (sqlite_store *) s;
}

static inline sqlite3_stmt *sqlite_writer(store *s, int statement)
{
    return sqlite_store_of(s)->link.statements[statement];
}

// sqlite_write.c
status *sqlite_begin(store *s);
status *sqlite_commit(store *s);
void sqlite_rollback(store *s);
status *sqlite_insert(store *s, const store_new_job *jobs, size_t count);
// Writes rows and inputs of new jobs, and sets the batch.
status *sqlite_insert_now(sqlite_store *s, const store_new_job *jobs, size_t count);
status *sqlite_save(store *s, const job_row *before, const job_row *rows, size_t count);
status *sqlite_put_result(store *s, int64_t seq, slice result);
status *sqlite_put_attempt(store *s, int64_t seq, int32_t number, slice attempt);
status *sqlite_put_progress(store *s, int64_t seq, slice progress);
// Runs a statement that has to reach each row of the batch once.
status *sqlite_run_on_all(sqlite_store *s, int statement);
status *sqlite_some_missing(size_t named, int found);
// Writes the rows of the batch over those that are there, by a statement for such.
status *sqlite_update_all(sqlite_store *s, int statement);

// sqlite_remove.c
status *sqlite_remove(store *s, const job_row *rows, size_t count);

// sqlite_saves.c: before anything else looks at the table of jobs, or changes it, what waits to be
// saved has to be written. sqlite_saves_write sets the batch.
status *sqlite_saves_add(sqlite_store *s, const job_row *row, bool special);
// Notes where the result of a job is, which its row is to say; what is to follow there is copied.
status *sqlite_saves_result(sqlite_store *s, int64_t seq, uint8_t where, slice result);
status *sqlite_saves_write(sqlite_store *s);
void sqlite_saves_forget(sqlite_store *s);

// sqlite_inserts.c: before anybody looks at the table of jobs for what may wait to be inserted,
// that has to be looked for here, or written. sqlite_inserts_add takes the first so many of the
// jobs, and says how many; sqlite_inserts_change makes one that waits a RUNNING one, and is false
// when it does not wait or has to be written first.
size_t sqlite_inserts_add(sqlite_store *s, const store_new_job *jobs, size_t count);
bool sqlite_inserts_change(sqlite_store *s, const job_row *row);
status *sqlite_inserts_write(sqlite_store *s);
// Writes what waits if some of the rows are among it.
status *sqlite_inserts_write_of(sqlite_store *s, const job_row *rows, size_t count);
void sqlite_inserts_forget(sqlite_store *s);
// NULL when it does not wait; valid until the next change.
const job_row *sqlite_inserts_find(sqlite_store *s, const uuid *id);
const store_new_job *sqlite_inserts_get(const sqlite_store *s, int64_t seq);
// The READY jobs of a route that wait, in order: the one behind a place, which starts as 0. Whether
// they are all that the route has.
const job_row *sqlite_inserts_next(const sqlite_store *s, int32_t route, uint16_t *place);
bool sqlite_inserts_are_all(sqlite_store *s, int32_t route);

// sqlite_load.c
status *sqlite_find(store *s, const uuid *ids, size_t count, job_row *ret_rows);
status *sqlite_find_unique(store *s, const uuid *keys, size_t count, job_row *ret_rows);
status *sqlite_load(store *s, const int64_t *seqs, size_t count, job_row *ret_rows);
status *sqlite_load_spec(store *s, int64_t seq, arena *memory, slice *ret_spec, uint8_t *ret_hash);
status *sqlite_load_result(store *s, int64_t seq, arena *memory, slice *ret_result);
status *sqlite_load_last_attempt(store *s, int64_t seq, arena *memory, slice *ret_attempt);

// sqlite_load.c: the rows that a bound statement gives, at most limit; resets it.
status *sqlite_load_rows(store *s, sqlite3_stmt *statement, size_t limit, job_row *ret_rows,
                         size_t *ret_count);

// sqlite_take.c
status *sqlite_take_ready(store *s, const int32_t *routes, size_t route_count, size_t limit,
                          job_row *ret_rows, size_t *ret_count);
// The small input of a job that was taken just now, hash and spec; bytes NULL: look it up.
slice sqlite_taken_input(sqlite_store *s, int64_t seq);
void sqlite_taken_forget(sqlite_store *s);

// sqlite_lanes.c
status *sqlite_due(store *s, job_lane lane, int64_t until, size_t limit, job_row *ret_rows,
                   size_t *ret_count);
status *sqlite_next_due(store *s, job_lane lane, int64_t *ret);
void sqlite_lanes_enter(sqlite_store *s, int32_t lane, int64_t rank);
void sqlite_lanes_leave(sqlite_store *s, int32_t lane, int64_t rank);
void sqlite_lanes_forget(sqlite_store *s);
const int32_t *sqlite_lanes_entered(store *s, size_t *ret_count);

// sqlite_expiry.c
status *sqlite_expiring(store *s, int64_t until, size_t limit, job_row *ret_rows,
                        size_t *ret_count);
status *sqlite_next_expiry(store *s, int64_t *ret);
void sqlite_expiry_enter(sqlite_store *s, const job_row *row);
void sqlite_expiry_leave(sqlite_store *s, const job_row *row);

// sqlite_held.c
status *sqlite_first_held(store *s, const uuid *key, int32_t after_route, job_row *ret_row);
status *sqlite_lane_behind(store *s, int32_t lane, const store_place *behind, size_t limit,
                           job_row *ret_rows, size_t *ret_count);
status *sqlite_held_of_route(store *s, int32_t route, int64_t after_seq, size_t limit,
                             job_row *ret_rows, size_t *ret_count);

// sqlite_relations.c
status *sqlite_relations_add(sqlite_store *s, const store_new_job *job);
status *sqlite_take_dependants(store *s, int64_t on_seq, size_t limit, job_row *ret_rows,
                               size_t *ret_count);

// sqlite_queues.c
status *sqlite_save_queue(store *s, const store_queue *queue);
status *sqlite_load_queues(store *s, arena *memory, store_queue **ret, size_t *ret_count);

// sqlite_routes.c
status *sqlite_routes_load(sqlite_store *s);
void sqlite_routes_fini(sqlite_store *s);
int32_t sqlite_find_route(store *s, const char *queue, const char *kind);
status *sqlite_route(store *s, const char *queue, const char *kind, int32_t *ret);
const store_route *sqlite_routes(store *s, size_t *ret_count);

// sqlite_counts.c
status *sqlite_counts_load(sqlite_store *s);
int64_t sqlite_count(store *s, int32_t route, job_state state);
int64_t sqlite_count_queue(store *s, int32_t route, job_state state);
int64_t sqlite_count_all(store *s, job_state state);
void sqlite_counts_add(sqlite_store *s, int32_t route, job_state state, int64_t change);
status *sqlite_counts_flush(sqlite_store *s);
// Writes the numbers of a route in the order of the states, the first is of state 1; or, with route
// 0, those of the store.
status *sqlite_total_put(sqlite_store *s, int32_t route, const int64_t *numbers);
void sqlite_counts_committed(sqlite_store *s);
void sqlite_counts_rolled_back(sqlite_store *s);
status *sqlite_routes_flush(sqlite_store *s);  // sqlite_routes.c

// sqlite_workers.c
status *sqlite_save_worker(store *s, const store_worker *worker);
status *sqlite_load_workers(store *s, arena *memory, store_worker **ret, size_t *ret_count);
status *sqlite_forget_workers(store *s, int64_t seen_before_us);

// sqlite_upkeep.c
int64_t sqlite_size_bytes(store *s);
status *sqlite_maintain(store *s, bool *ret_more);

// sqlite_reader.c
status *sqlite_open_reader(store *s, store_reader **ret);

// sqlite_backup.c
status *sqlite_backup_to(store *s, const char *path, const atomic_bool *stop, int64_t *ret_bytes);

#endif
