// sqlite_load - what the writer reads inside of its transaction.
#include "store/sqlite_internal.h"
#include "store/sqlite_rows.h"

#include <inttypes.h>
#include <string.h>

// Puts the rows that are there into their places; seq stays 0 in the others.
static status *read_batch(sqlite_store *s, int number, sqlite_batch batch, job_row *ret_rows)
{
    sqlite3_stmt *statement = s->link.statements[number];
    bool row = true;
    status *failure = sqlite_saves_write(s);
    if (failure)
        return failure;
    s->batch = batch;
    if (batch.count > 0)
        memset(ret_rows, 0, batch.count * sizeof *ret_rows);
    failure = sqlite_step_row(statement, &row);
    while (!failure && row) {
        sqlite_row_read(statement, &ret_rows[sqlite3_column_int64(statement, JOB_SELECT_COUNT)]);
        failure = sqlite_step_row(statement, &row);
    }
    sqlite3_reset(statement);
    return failure;
}

status *sqlite_find(store *base, const uuid *ids, size_t count, job_row *ret_rows)
{
    const sqlite_batch batch = {.ids = ids, .count = count};
    return read_batch(sqlite_store_of(base), WRITE_FIND_IDS, batch, ret_rows);
}

status *sqlite_find_unique(store *base, const uuid *keys, size_t count, job_row *ret_rows)
{
    const sqlite_batch batch = {.ids = keys, .count = count};
    return read_batch(sqlite_store_of(base), WRITE_FIND_UNIQUE, batch, ret_rows);
}

status *sqlite_load(store *base, const int64_t *seqs, size_t count, job_row *ret_rows)
{
    const sqlite_batch batch = {.seqs = seqs, .count = count};
    return read_batch(sqlite_store_of(base), WRITE_LOAD_ROWS, batch, ret_rows);
}

static status *load_with(store *s, sqlite3_stmt *statement, size_t limit,
                         void (*read)(sqlite3_stmt *, job_row *), job_row *ret_rows,
                         size_t *ret_count)
{
    size_t count = 0;
    bool row = true;
    status *failure = sqlite_saves_write(sqlite_store_of(s));
    while (!failure && row && count < limit) {
        failure = sqlite_step_row(statement, &row);
        if (!failure && row)
            read(statement, &ret_rows[count++]);
    }
    sqlite3_reset(statement);
    if (!failure)
        *ret_count = count;
    return failure;
}

status *sqlite_load_rows(store *s, sqlite3_stmt *statement, size_t limit, job_row *ret_rows,
                         size_t *ret_count)
{
    return load_with(s, statement, limit, sqlite_row_read, ret_rows, ret_count);
}

status *sqlite_load_ended(store *s, sqlite3_stmt *statement, size_t limit, job_row *ret_rows,
                          size_t *ret_count)
{
    return load_with(s, statement, limit, sqlite_row_read_ended, ret_rows, ret_count);
}

// Reads spec and hash from the row that the statement stands on.
static status *read_input(sqlite3_stmt *statement, arena *memory, slice *ret_spec,
                          uint8_t *ret_hash)
{
    const void *hash = sqlite3_column_blob(statement, 1);
    if (!hash || sqlite3_column_bytes(statement, 1) != JOB_HASH_BYTES)
        return status_new(STATUS_DATA_LOSS, "the content hash of a job is damaged");
    if (ret_hash)
        memcpy(ret_hash, hash, JOB_HASH_BYTES);
    return sqlite_read_slice(statement, 0, memory, ret_spec);
}

status *sqlite_load_spec(store *s, int64_t seq, arena *memory, slice *ret_spec, uint8_t *ret_hash)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LOAD_INPUT);
    bool found = false;
    sqlite3_bind_int64(statement, 1, seq);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found)
        failure = read_input(statement, memory, ret_spec, ret_hash);
    else if (!failure)
        failure = status_new(STATUS_NOT_FOUND, "no input of job with seq %" PRId64, seq);
    sqlite3_reset(statement);
    return failure;
}

// The one blob that belongs to a job, or an empty slice.
static status *load_blob(store *s, int number, int64_t seq, arena *memory, slice *ret)
{
    sqlite3_stmt *statement = sqlite_writer(s, number);
    bool found = false;
    *ret = (slice){NULL, 0};
    sqlite3_bind_int64(statement, 1, seq);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found)
        failure = sqlite_read_slice(statement, 0, memory, ret);
    sqlite3_reset(statement);
    return failure;
}

status *sqlite_load_result(store *s, int64_t seq, arena *memory, slice *ret_result)
{
    return load_blob(s, WRITE_LOAD_RESULT, seq, memory, ret_result);
}

status *sqlite_load_last_attempt(store *s, int64_t seq, arena *memory, slice *ret_attempt)
{
    return load_blob(s, WRITE_LOAD_LAST_ATTEMPT, seq, memory, ret_attempt);
}
