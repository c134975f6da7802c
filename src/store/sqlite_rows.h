// sqlite_rows - a row of table job: what has a column of its own, and the rest in `details`.
#ifndef ERRAND_STORE_SQLITE_ROWS_H
#define ERRAND_STORE_SQLITE_ROWS_H

#include "base/status.h"
#include "job/row.h"

#include <sqlite3.h>

// The columns that sqlite_row_read expects, from the first column of a result on.
#define JOB_SELECT                                                                                 \
    "SELECT job.seq, job.state, job.id, job.route, job.details, job.held_rank, job.expire_us,"     \
    " job.unique_key, job.concurrency_key"

// How many those are.
#define JOB_SELECT_COUNT 9

// The result of a job, wherever it stands: see schema 5.
#define JOB_RESULT                                                                                 \
    "CASE WHEN coalesce(substr(job.small_result, 1, 1), x'01') = x'01'"                            \
    " THEN (SELECT body FROM result WHERE result.seq = job.seq)"                                   \
    " ELSE substr(job.small_result, 2) END"

// Marks say that a job stands in an index of few; otherwise they are NULL. They follow from the
// row, and change with what makes them.
bool sqlite_row_is_held(const job_row *row);
bool sqlite_row_may_expire(const job_row *row);
bool sqlite_row_holds_key(const job_row *row);

// sqlite_row_same_special compares the marks and the column that they follow from;
// sqlite_row_is_plain says that all that few jobs have is NULL.
bool sqlite_row_same_special(const job_row *a, const job_row *b);
bool sqlite_row_is_plain(const job_row *row);

// sqlite_row_read is DATA_LOSS when the row is damaged.
status *sqlite_row_read(sqlite3_stmt *statement, job_row *ret);

#endif
