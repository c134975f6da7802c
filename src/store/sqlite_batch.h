// sqlite_batch - an array of rows as a table: one statement writes a whole batch.
//
// Starting and ending a statement costs SQLite about as much as writing a short row. So the rows of
// a call are not bound one by one: the statements read them from a virtual table, `batch`, that
// looks into the caller's array. OR FAIL: a batch that failed halfway is rolled back with its
// transaction, so SQLite need not be ready to undo the statement alone.
//
// A column costs even where it is NULL. So there are shorter statements for batches of which no job
// has, or none changes, what few jobs have.
//
// Measured (2 cores, batches of 256, synchronous=FULL): inserts 1.4 times as fast as one by one,
// changes 1.15 times, loads 1.5 times; in batches of 4,096 1.6 and 1.2 times.
#ifndef ERRAND_STORE_SQLITE_BATCH_H
#define ERRAND_STORE_SQLITE_BATCH_H

#include "base/status.h"
#include "store/sqlite_rows.h"
#include "store/store.h"

#include <sqlite3.h>

// A result of so many bytes or less stands in the row of its job.
#define SMALL_RESULT 255

typedef struct small_result {
    int64_t seq;                      // of the job
    size_t size;                      // 0: there is none
    uint8_t bytes[1 + SMALL_RESULT];  // as column small_result has them
} small_result;

// One of the arrays is there; the columns that it can not fill are NULL.
typedef struct sqlite_batch {
    const job_row *rows;
    const small_result *results;  // of the rows; NULL: none is new
    const store_new_job *jobs;
    const int64_t *seqs;
    const uuid *ids;  // of jobs, or their unique keys
    bool appends;     // the seqs of the jobs are those that the table gives to new rows
    size_t count;
    size_t current;  // the row read last
} sqlite_batch;

// An input of so many bytes or less, hash and spec, stands in the row of its job. Measured with 110
// bytes of spec: each change of the row writes them again, and yet a job's life costs SQLite 0.5 to
// 1 us less, since there is no second row to be inserted, read and removed.
#define BATCH_SMALL_INPUT ((size_t) 512)

// sqlite_batch_fits says that a job's does.
bool sqlite_batch_fits(const store_new_job *job);

// sqlite_batch_attach makes `batch` known to a connection; it reads what *batch says at the time.
status *sqlite_batch_attach(sqlite3 *db, sqlite_batch *batch);

// What every job has, and what few jobs have.
#define BATCH_PLAIN_COLUMNS "seq, lane, rank, state, id, route, details"
#define BATCH_MARKS         ", held_rank, may_expire, holds_key, expire_us"
#define BATCH_KEYS          ", unique_key, concurrency_key"

#define BATCH_INSERT_COLUMNS(columns)                                                              \
    "INSERT OR FAIL INTO job(" BATCH_PLAIN_COLUMNS ", small_input" columns                         \
    ") SELECT " BATCH_PLAIN_COLUMNS ", small_input" columns " FROM batch"

#define BATCH_INSERT_JOB       BATCH_INSERT_COLUMNS(BATCH_MARKS BATCH_KEYS)
#define BATCH_INSERT_PLAIN_JOB BATCH_INSERT_COLUMNS("")

// Of inputs that do not stand in the row.
#define BATCH_INSERT_INPUT                                                                         \
    "INSERT OR FAIL INTO input(seq, hash, spec) SELECT seq, hash, spec FROM batch"                 \
    " WHERE spec IS NOT NULL"

// An insert whose rows are all there already: unlike UPDATE ... FROM it takes the batch row by row,
// and does not write it to a table of its own first. What may not be NULL has to be named.
#define BATCH_UPDATE_COLUMNS(columns, set)                                                         \
    "INSERT INTO job(" BATCH_PLAIN_COLUMNS columns ") SELECT " BATCH_PLAIN_COLUMNS columns         \
    " FROM batch WHERE true ON CONFLICT(seq) DO UPDATE SET lane = excluded.lane,"                  \
    " rank = excluded.rank, state = excluded.state, details = excluded.details" set

#define BATCH_RESULT     ", small_result"
#define BATCH_SET_RESULT ", small_result = coalesce(excluded.small_result, small_result)"

#define BATCH_UPDATE_JOB                                                                           \
    BATCH_UPDATE_COLUMNS(BATCH_RESULT BATCH_MARKS, BATCH_SET_RESULT                                \
                         ", held_rank = excluded.held_rank, may_expire = excluded.may_expire,"     \
                         " holds_key = excluded.holds_key, expire_us = excluded.expire_us")
#define BATCH_UPDATE_PLAIN_JOB BATCH_UPDATE_COLUMNS("", "")
#define BATCH_UPDATE_ENDED_JOB BATCH_UPDATE_COLUMNS(BATCH_RESULT, BATCH_SET_RESULT)

// Rows by seq or id, with their position in the batch behind the last column of the row.
#define BATCH_SELECT_BY(key)                                                                       \
    JOB_SELECT ", batch.rowid FROM batch CROSS JOIN job ON job." key " = batch." key

// The same for unfinished jobs by unique key, which the batch has as ids.
#define BATCH_SELECT_BY_UNIQUE_KEY                                                                 \
    JOB_SELECT ", batch.rowid FROM batch CROSS JOIN job INDEXED BY job_by_unique_key"              \
               " ON job.unique_key = batch.id AND job.holds_key IS NOT NULL"

#define BATCH_DELETE_FROM(table) "DELETE FROM " table " WHERE seq IN (SELECT seq FROM batch)"
#define RUN_DELETE_FROM(table)   "DELETE FROM " table " WHERE seq BETWEEN ? AND ?"

#endif
