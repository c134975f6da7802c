// sqlite_write - transactions, and what they write.
#include "store/sqlite_internal.h"

#include "base/clock.h"
#include "store/store_metrics.h"

#include <inttypes.h>
#include <string.h>

status *sqlite_begin(store *base)
{
    sqlite_store *s = sqlite_store_of(base);
    status *failure = sqlite_run(sqlite_writer(base, WRITE_BEGIN));
    s->in_transaction = failure == NULL;
    s->batch_jobs = 0;
    return failure;
}

static status *put_own_numbers(sqlite_store *s)
{
    const int64_t numbers[JOB_STATE_COUNT - 1] = {s->next_seq, s->last_time_us};
    if (s->next_seq == s->stored_next_seq && s->last_time_us == s->stored_last_time_us)
        return NULL;
    return sqlite_total_put(s, 0, numbers);
}

// What is kept in memory goes to disk with the rows that changed it.
static status *flush(sqlite_store *s)
{
    status *failure = sqlite_routes_flush(s);
    if (!failure)
        failure = sqlite_counts_flush(s);
    return failure ? failure : put_own_numbers(s);
}

status *sqlite_commit(store *base)
{
    sqlite_store *s = sqlite_store_of(base);
    int64_t start_us = clock_mono_us(clock_system());
    status *failure = sqlite_inserts_write(s);
    if (!failure)
        failure = sqlite_saves_write(s);
    if (!failure)
        failure = flush(s);
    if (!failure)
        failure = sqlite_run(sqlite_writer(base, WRITE_COMMIT));
    if (failure) {
        sqlite_rollback(base);
        return failure;
    }
    s->in_transaction = false;
    s->routes.stored = s->routes.count;
    s->stored_next_seq = s->next_seq;
    s->stored_last_time_us = s->last_time_us;
    sqlite_counts_committed(s);
    store_metrics_commit(clock_mono_us(clock_system()) - start_us, s->batch_jobs);
    checkpointer_committed(&s->checkpoints, s->link.db);
    return NULL;
}

void sqlite_rollback(store *base)
{
    sqlite_store *s = sqlite_store_of(base);
    // SQLite has rolled back by itself after some failures of the disk.
    if (sqlite3_get_autocommit(s->link.db) == 0)
        status_free(sqlite_run(sqlite_writer(base, WRITE_ROLLBACK)));
    s->in_transaction = false;
    sqlite_saves_forget(s);
    sqlite_inserts_forget(s);
    sqlite_taken_forget(s);
    s->last_time_us = s->stored_last_time_us;
    sqlite_counts_rolled_back(s);
    sqlite_lanes_forget(s);
}

static void note_time(sqlite_store *s, const job_row *row)
{
    if (row->create_us > s->last_time_us)
        s->last_time_us = row->create_us;
    if (row->start_us > s->last_time_us)
        s->last_time_us = row->start_us;
    if (row->finish_us > s->last_time_us)
        s->last_time_us = row->finish_us;
}

// The row that was read last is the one that failed.
static status *insert_failure(sqlite_store *s, status *failure)
{
    int code = sqlite3_extended_errcode(s->link.db);
    bool key = code == SQLITE_CONSTRAINT_UNIQUE && strstr(failure->message, "unique_key");
    if (code != SQLITE_CONSTRAINT_UNIQUE && code != SQLITE_CONSTRAINT_PRIMARYKEY)
        return failure;
    char id[UUID_TEXT_SIZE];
    uuid_format(&s->batch.jobs[s->batch.current].row.id, id);
    status_free(failure);
    return key ? status_new(STATUS_ALREADY_EXISTS, "the unique key of job %s is taken", id)
               : status_new(STATUS_ALREADY_EXISTS, "job %s exists already", id);
}

// For so few jobs it is not worth asking for the last seq.
#define FEW_JOBS 16

static bool are_plain(const store_new_job *jobs, size_t count)
{
    size_t i = 0;
    while (i < count && sqlite_row_is_plain(&jobs[i].row))
        i++;
    return i == count;
}

static bool all_fit(const store_new_job *jobs, size_t count)
{
    size_t i = 0;
    while (i < count && sqlite_batch_fits(&jobs[i]))
        i++;
    return i == count;
}

static bool follow_each_other(const store_new_job *jobs, size_t count)
{
    size_t i = 1;
    while (i < count && jobs[i].row.seq == jobs[i - 1].row.seq + 1)
        i++;
    return i >= count;
}

// Whether the seqs of the jobs are those that the table would give them.
static status *come_next(sqlite_store *s, const store_new_job *jobs, size_t count, bool *ret)
{
    sqlite3_stmt *statement = s->link.statements[WRITE_LAST_SEQ];
    bool row = false;
    *ret = count > FEW_JOBS && follow_each_other(jobs, count);
    if (!*ret)
        return NULL;
    status *failure = sqlite_step_row(statement, &row);
    *ret = row && sqlite3_column_int64(statement, 0) + 1 == jobs[0].row.seq;
    sqlite3_reset(statement);
    return failure;
}

static status *insert_rows(sqlite_store *s, const store_new_job *jobs, size_t count)
{
    bool plain = are_plain(jobs, count), next = false;
    status *failure = come_next(s, jobs, count, &next);
    if (failure)
        return failure;
    s->batch = (sqlite_batch){.jobs = jobs, .appends = next, .count = count};
    failure = sqlite_run(s->link.statements[plain ? WRITE_INSERT_PLAIN_JOB : WRITE_INSERT_JOB]);
    s->batch.appends = false;
    if (failure)
        return insert_failure(s, failure);
    if (next && sqlite3_last_insert_rowid(s->link.db) != jobs[count - 1].row.seq)
        return status_new(STATUS_INTERNAL, "the last of %zu jobs was given another seq", count);
    return NULL;
}

status *sqlite_insert_now(sqlite_store *s, const store_new_job *jobs, size_t count)
{
    status *failure = insert_rows(s, jobs, count);
    return failure || all_fit(jobs, count) ? failure
                                           : sqlite_run(s->link.statements[WRITE_INSERT_INPUT]);
}

static status *note_inserted(sqlite_store *s, const store_new_job *job)
{
    const job_row *row = &job->row;
    note_time(s, row);
    sqlite_counts_add(s, row->route, row->state, 1);
    sqlite_lanes_enter(s, job_row_lane(row), job_row_rank(row));
    sqlite_expiry_enter(s, row);
    return sqlite_relations_add(s, job);
}

status *sqlite_insert(store *base, const store_new_job *jobs, size_t count)
{
    sqlite_store *s = sqlite_store_of(base);
    status *failure = NULL;
    size_t waiting = s->in_transaction ? sqlite_inserts_add(s, jobs, count) : 0;
    s->batch_jobs += count;
    if (waiting < count) {
        failure = sqlite_inserts_write(s);
        if (!failure)
            failure = sqlite_saves_write(s);
        if (!failure)
            failure = sqlite_insert_now(s, jobs + waiting, count - waiting);
    }
    for (size_t i = 0; i < count && !failure; i++)
        failure = note_inserted(s, &jobs[i]);
    return failure;
}

status *sqlite_some_missing(size_t named, int found)
{
    return status_new(STATUS_INTERNAL, "%zu jobs were named, %d were there", named, found);
}

status *sqlite_run_on_all(sqlite_store *s, int statement)
{
    status *failure = sqlite_run(s->link.statements[statement]);
    int changes = sqlite3_changes(s->link.db);
    if (!failure && (size_t) changes != s->batch.count)
        failure = sqlite_some_missing(s->batch.count, changes);
    return failure;
}

status *sqlite_update_all(sqlite_store *s, int statement)
{
    sqlite3_set_last_insert_rowid(s->link.db, 0);
    status *failure = sqlite_run_on_all(s, statement);
    int64_t added = sqlite3_last_insert_rowid(s->link.db);
    if (!failure && added != 0)
        failure = status_new(STATUS_INTERNAL, "the job with seq %" PRId64 " was not there", added);
    return failure;
}

static void note_change(sqlite_store *s, const job_row *before, const job_row *row)
{
    note_time(s, row);
    if (before->state != row->state) {
        sqlite_counts_add(s, before->route, before->state, -1);
        sqlite_counts_add(s, row->route, row->state, 1);
    }
    sqlite_lanes_leave(s, job_row_lane(before), job_row_rank(before));
    sqlite_lanes_enter(s, job_row_lane(row), job_row_rank(row));
    sqlite_expiry_leave(s, before);
    sqlite_expiry_enter(s, row);
}

static bool have_same_special(const job_row *a, const job_row *b, size_t count)
{
    size_t i = 0;
    while (i < count && sqlite_row_same_special(&a[i], &b[i]))
        i++;
    return i == count;
}

// Such a row comes behind the one that has let the key go.
static bool takes_key(const job_row *before, const job_row *row)
{
    return sqlite_row_holds_key(row) && !sqlite_row_holds_key(before);
}

static status *save_now(sqlite_store *s, const job_row *rows, size_t count, bool special)
{
    status *failure = sqlite_saves_write(s);
    if (failure)
        return failure;
    s->batch = (sqlite_batch){.rows = rows, .count = count};
    return sqlite_update_all(s, special ? WRITE_UPDATE_JOB : WRITE_UPDATE_PLAIN_JOB);
}

static status *save_written(sqlite_store *s, const job_row *before, const job_row *rows,
                            size_t count)
{
    bool special = !have_same_special(before, rows, count);
    bool waits = count == 1 && s->in_transaction && !takes_key(before, rows);
    status *failure = sqlite_inserts_write_of(s, rows, count);
    if (failure)
        return failure;
    return waits ? sqlite_saves_add(s, rows, special) : save_now(s, rows, count, special);
}

status *sqlite_save(store *base, const job_row *before, const job_row *rows, size_t count)
{
    sqlite_store *s = sqlite_store_of(base);
    status *failure = NULL;
    s->batch_jobs += count;
    if (count != 1 || !sqlite_inserts_change(s, rows))
        failure = save_written(s, before, rows, count);
    for (size_t i = 0; i < count && !failure; i++)
        note_change(s, &before[i], &rows[i]);
    return failure;
}

// Stores the one blob that a job has in a table.
static status *put_blob(store *base, int number, int64_t seq, slice bytes)
{
    sqlite3_stmt *statement = sqlite_writer(base, number);
    sqlite3_bind_int64(statement, 1, seq);
    sqlite_bind_slice(statement, 2, bytes);
    return sqlite_run(statement);
}

// A small result waits for the row that is saved next: nearly always its job's.
status *sqlite_put_result(store *base, int64_t seq, slice result)
{
    sqlite_store *s = sqlite_store_of(base);
    if (result.size <= SMALL_RESULT)
        return sqlite_saves_result(s, seq, RESULT_HERE, result);
    status *failure = put_blob(base, WRITE_PUT_RESULT, seq, result);
    return failure ? failure : sqlite_saves_result(s, seq, RESULT_ELSEWHERE, (slice){NULL, 0});
}

status *sqlite_put_progress(store *base, int64_t seq, slice progress)
{
    sqlite_store_of(base)->has_rare_tables = true;
    return put_blob(base, WRITE_PUT_PROGRESS, seq, progress);
}

status *sqlite_put_attempt(store *base, int64_t seq, int32_t number, slice attempt)
{
    sqlite3_stmt *statement = sqlite_writer(base, WRITE_PUT_ATTEMPT);
    sqlite3_bind_int64(statement, 1, seq);
    sqlite3_bind_int(statement, 2, number);
    sqlite_bind_slice(statement, 3, attempt);
    return sqlite_run(statement);
}
