// sqlite_remove - jobs that go, with all that belongs to them.
//
// Jobs that were submitted one after the other mostly end, and go, together. Their rows stand side
// by side in every table, and a statement that names the first and the last of such a run finds the
// next one by going on from the one before. One that looks each of them up first gathers their
// numbers in a table of its own, and costs half as much again.
#include "store/sqlite_internal.h"

#include <stdlib.h>
#include <string.h>

// A statement is worth starting for so many rows.
#define ROWS_OF_A_RUN 4

// How one table is emptied: of a run of jobs, or of all in the batch.
typedef struct removal {
    int of_run;
    int of_batch;
} removal;

// All that belongs to a job but its row.
static const removal belongings[] = {
    {WRITE_DELETE_INPUT_RUN, WRITE_DELETE_INPUT},
    {WRITE_DELETE_RESULT_RUN, WRITE_DELETE_RESULT},
    {WRITE_DELETE_ATTEMPTS_RUN, WRITE_DELETE_ATTEMPTS},
    {WRITE_DELETE_PROGRESS_RUN, WRITE_DELETE_PROGRESS},
    {WRITE_DELETE_LABELS_RUN, WRITE_DELETE_LABELS},
    {WRITE_DELETE_DEPENDENCIES_RUN, WRITE_DELETE_DEPENDENCIES},
};

#define BELONGINGS (sizeof belongings / sizeof belongings[0])
#define RARE       3  // the last so many

static size_t tables_of(const sqlite_store *s)
{
    return s->has_rare_tables ? BELONGINGS : BELONGINGS - RARE;
}

// ---- in runs ----

typedef struct seq_list {
    int64_t *seqs;  // rising
    size_t count;
} seq_list;

static int compare_seqs(const void *a, const void *b)
{
    int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;
    return (left > right) - (left < right);
}

static bool rises(const seq_list *list)
{
    size_t i = 1;
    while (i < list->count && list->seqs[i - 1] < list->seqs[i])
        i++;
    return i >= list->count;
}

static bool list_seqs(const job_row *rows, size_t count, seq_list *ret)
{
    ret->seqs = malloc((count + 1) * sizeof *ret->seqs);
    if (!ret->seqs)
        return false;
    ret->count = count;
    for (size_t i = 0; i < count; i++)
        ret->seqs[i] = rows[i].seq;
    if (!rises(ret))
        qsort(ret->seqs, count, sizeof *ret->seqs, compare_seqs);
    return true;
}

// Behind the run that begins at an index.
static size_t end_of_run(const seq_list *list, size_t start)
{
    size_t end = start + 1;
    while (end < list->count && list->seqs[end] == list->seqs[end - 1] + 1)
        end++;
    return end;
}

static bool has_long_runs(const seq_list *list)
{
    size_t runs = 0;
    for (size_t i = 0; i < list->count; i = end_of_run(list, i))
        runs++;
    return runs * ROWS_OF_A_RUN < list->count + ROWS_OF_A_RUN;
}

// Counts what was there.
static status *remove_runs(sqlite_store *s, int number, const seq_list *list, size_t *ret_removed)
{
    sqlite3_stmt *statement = s->link.statements[number];
    status *failure = NULL;
    size_t removed = 0;
    for (size_t i = 0, end; i < list->count && !failure; i = end) {
        end = end_of_run(list, i);
        sqlite3_bind_int64(statement, 1, list->seqs[i]);
        sqlite3_bind_int64(statement, 2, list->seqs[end - 1]);
        failure = sqlite_run(statement);
        removed += failure ? 0 : (size_t) sqlite3_changes(s->link.db);
    }
    *ret_removed = removed;
    return failure;
}

static status *remove_in_runs(sqlite_store *s, const seq_list *list)
{
    size_t removed = 0, ignored;
    status *failure = remove_runs(s, WRITE_DELETE_JOB_RUN, list, &removed);
    if (!failure && removed != list->count)
        failure = sqlite_some_missing(list->count, (int) removed);
    for (size_t i = 0; i < tables_of(s) && !failure; i++)
        failure = remove_runs(s, belongings[i].of_run, list, &ignored);
    return failure;
}

// ---- one by one ----

static status *remove_batch(sqlite_store *s, const job_row *rows, size_t count)
{
    s->batch = (sqlite_batch){.rows = rows, .count = count};
    status *failure = sqlite_run_on_all(s, WRITE_DELETE_JOB);
    for (size_t i = 0; i < tables_of(s) && !failure; i++)
        failure = sqlite_run(s->link.statements[belongings[i].of_batch]);
    return failure;
}

// ---- both ----

static void note_removed(sqlite_store *s, const job_row *row)
{
    sqlite_counts_add(s, row->route, row->state, -1);
    sqlite_lanes_leave(s, job_row_lane(row), job_row_rank(row));
    sqlite_expiry_leave(s, row);
}

status *sqlite_remove(store *base, const job_row *rows, size_t count)
{
    sqlite_store *s = sqlite_store_of(base);
    seq_list list;
    sqlite_taken_forget(s);
    status *failure = sqlite_inserts_write_of(s, rows, count);
    if (!failure)
        failure = sqlite_saves_write(s);
    if (failure)
        return failure;
    if (!list_seqs(rows, count, &list))
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    s->batch_jobs += count;
    failure = has_long_runs(&list) ? remove_in_runs(s, &list) : remove_batch(s, rows, count);
    free(list.seqs);
    for (size_t i = 0; i < count && !failure; i++)
        note_removed(s, &rows[i]);
    return failure;
}
