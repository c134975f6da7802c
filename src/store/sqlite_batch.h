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

// One of the arrays is there; the columns that it can not fill are NULL.
typedef struct sqlite_batch {
    const job_row *rows;
    const store_new_job *jobs;
    const int64_t *seqs;
    const uuid *ids;  // of jobs, or their unique keys
    size_t count;
    size_t current;  // the row read last
} sqlite_batch;

// sqlite_batch_attach makes `batch` known to a connection; it reads what *batch says at the time.
status *sqlite_batch_attach(sqlite3 *db, sqlite_batch *batch);

#define BATCH_INSERT_COLUMNS(columns)                                                              \
    "INSERT OR FAIL INTO job(seq, lane, rank" columns ") SELECT seq, lane, rank" columns           \
    " FROM batch"

#define BATCH_INSERT_JOB                                                                           \
    BATCH_INSERT_COLUMNS(JOB_MARK_COLUMNS(JOB_COLUMN_NAME) JOB_COLUMNS(JOB_COLUMN_NAME))
#define BATCH_INSERT_PLAIN_JOB BATCH_INSERT_COLUMNS(JOB_PLAIN_COLUMNS(JOB_COLUMN_NAME))

#define BATCH_INSERT_FRESH_JOB BATCH_INSERT_COLUMNS(JOB_FRESH_COLUMNS(JOB_COLUMN_NAME))

#define BATCH_INSERT_INPUT                                                                         \
    "INSERT OR FAIL INTO input(seq, hash, spec) SELECT seq, hash, spec FROM batch"

// An insert whose rows are all there already: unlike UPDATE ... FROM it takes the batch row by row,
// and does not write it to a table of its own first. What may not be NULL has to be named.
#define BATCH_COLUMN_SET(column, type, member, null) ", " #column " = excluded." #column

#define BATCH_UPDATE_COLUMNS(columns, set)                                                         \
    "INSERT INTO job(seq, lane, rank, id, route" columns                                           \
    ") SELECT seq, lane, rank, id, route" columns " FROM batch WHERE true"                         \
    " ON CONFLICT(seq) DO UPDATE SET lane = excluded.lane, rank = excluded.rank" set

#define JOB_VARYING_COLUMNS(X) JOB_CHANGING_COLUMNS(X) JOB_SPECIAL_COLUMNS(X) JOB_MARK_COLUMNS(X)

#define BATCH_UPDATE_JOB                                                                           \
    BATCH_UPDATE_COLUMNS(JOB_VARYING_COLUMNS(JOB_COLUMN_NAME),                                     \
                         JOB_VARYING_COLUMNS(BATCH_COLUMN_SET))
#define BATCH_UPDATE_PLAIN_JOB                                                                     \
    BATCH_UPDATE_COLUMNS(JOB_CHANGING_COLUMNS(JOB_COLUMN_NAME),                                    \
                         JOB_CHANGING_COLUMNS(BATCH_COLUMN_SET))

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
