// sqlite_rows - the columns of table job, and a row read from them.
//
// The lists are the only place that names the columns: SQL texts, writing (sqlite_batch) and
// reading follow them.
#ifndef ERRAND_STORE_SQLITE_ROWS_H
#define ERRAND_STORE_SQLITE_ROWS_H

#include "job/row.h"

#include <sqlite3.h>

// X(column, type, member of job_row, value that is stored as NULL). The values are part of the
// format on disk: they never change.
// clang-format off
#define JOB_FIRST_COLUMNS(X)                                    \
    X(state,              STATE,   state,                     0) \
    X(revision,           INT64,   revision,                  0) \
    X(due_us,             INT64,   due_us,                    0)

// Until it is leased a job has nothing in these.
#define JOB_LATER_COLUMNS(X)                                    \
    X(attempt,            INT32,   attempt,                   0) \
    X(failures,           INT32,   failures,                  0) \
    X(losses,             INT32,   losses,                    0) \
    X(start_us,           INT64,   start_us,                  0) \
    X(finish_us,          INT64,   finish_us,                 0) \
    X(worker,             UUID,    worker,                    0) \
    X(lease_sequence,     INT64,   lease_sequence,            0) \
    X(callbacks_open,     INT32,   callbacks_open,            0)

#define JOB_CHANGING_COLUMNS(X) JOB_FIRST_COLUMNS(X) JOB_LATER_COLUMNS(X)

// These change too, but for most jobs they never do.
#define JOB_SPECIAL_COLUMNS(X)                                  \
    X(retry_request,      INT64,   retry_request,             0) \
    X(expire_us,          INT64,   expire_us,                 0) \
    X(aging_us,           INT64,   aging_us,                  0) \
    X(blockers,           INT32,   blockers,                  0) \
    X(has_dependants,     BOOL,    has_dependants,            0)

// Marks say that a job stands in an index of few; otherwise they are NULL. They follow from the
// row, and change with what makes them.
#define JOB_MARK_COLUMNS(X)                                     \
    X(held_rank,          INT64,   held,                      0) \
    X(may_expire,         BOOL,    expire_us,                 0) \
    X(holds_key,          BOOL,    unique_key,                0)

#define JOB_OWN_COLUMNS(X)                                      \
    X(id,                 UUID,    id,                        0) \
    X(route,              INT32,   route,                     0) \
    X(create_us,          INT64,   create_us,                 0)

// Most jobs are as they are by default.
#define JOB_CHOSEN_COLUMNS(X)                                   \
    X(priority,           INT32,   priority,                  0) \
    X(parent_seq,         INT64,   parent_seq,                0) \
    X(has_callback,       BOOL,    has_callback,              0) \
    X(attempt_timeout_us, INT64,   policy.attempt_timeout_us, 60000000) \
    X(retention_us,       INT64,   policy.retention_us,       86400000000) \
    X(min_backoff_us,     INT64,   policy.min_backoff_us,     1000000) \
    X(max_backoff_us,     INT64,   policy.max_backoff_us,     600000000) \
    X(max_attempts,       INT32,   policy.max_attempts,       10) \
    X(multiplier,         REAL,    policy.multiplier,         2)

#define JOB_FIXED_COLUMNS(X) JOB_OWN_COLUMNS(X) JOB_CHOSEN_COLUMNS(X)

#define JOB_KEY_COLUMNS(X)                                      \
    X(unique_key,         UUID,    unique_key,                0) \
    X(concurrency_key,    UUID,    concurrency_key,           0)

// What every job has from the start, or later, and what a few have beyond it.
#define JOB_FRESH_COLUMNS(X) JOB_FIRST_COLUMNS(X) JOB_OWN_COLUMNS(X)
#define JOB_PLAIN_COLUMNS(X) JOB_CHANGING_COLUMNS(X) JOB_FIXED_COLUMNS(X)
#define JOB_COLUMNS(X)       JOB_PLAIN_COLUMNS(X) JOB_SPECIAL_COLUMNS(X) JOB_KEY_COLUMNS(X)

// Of a job that is to be purged nobody asks for more.
#define JOB_ENDED_COLUMNS(X)                                    \
    X(state,              STATE,   state,                     0) \
    X(revision,           INT64,   revision,                  0) \
    X(attempt,            INT32,   attempt,                   0) \
    X(finish_us,          INT64,   finish_us,                 0) \
    JOB_OWN_COLUMNS(X)                                           \
    X(retention_us,       INT64,   policy.retention_us,       86400000000)

#define JOB_COLUMN_NAME(column, type, member, null)   ", " #column
#define JOB_COLUMN_READ(column, type, member, null)   ", job." #column
#define JOB_COLUMN_ONE(column, type, member, null)    +1
// clang-format on

// The columns that sqlite_row_read expects, from the first column of a result on.
#define JOB_SELECT "SELECT job.seq, job.held_rank" JOB_COLUMNS(JOB_COLUMN_READ)

// How many those are.
#define JOB_SELECT_COUNT (2 JOB_COLUMNS(JOB_COLUMN_ONE))

// The columns that sqlite_row_read_ended expects.
#define ENDED_SELECT "SELECT job.seq" JOB_ENDED_COLUMNS(JOB_COLUMN_READ)

bool sqlite_row_is_held(const job_row *row);
bool sqlite_row_may_expire(const job_row *row);
bool sqlite_row_holds_key(const job_row *row);

// sqlite_row_same_special compares the special columns and the marks; sqlite_row_is_plain says that
// all of them, and the keys, are NULL. sqlite_row_is_fresh says that of a plain row whatever may be
// NULL is.
bool sqlite_row_same_special(const job_row *a, const job_row *b);
bool sqlite_row_is_plain(const job_row *row);
bool sqlite_row_is_fresh(const job_row *row);

void sqlite_row_read(sqlite3_stmt *statement, job_row *ret);

// sqlite_row_read_ended leaves what it does not read 0.
void sqlite_row_read_ended(sqlite3_stmt *statement, job_row *ret);

#endif
