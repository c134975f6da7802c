// sqlite_load - what the writer reads inside of its transaction.
#include "store/sqlite_internal.h"
#include "store/sqlite_rows.h"

#include <inttypes.h>
#include <string.h>

// Reads the one row of a bound statement; seq 0 when there is none.
static status *read_row(sqlite3_stmt *statement, job_row *ret)
{
    bool found = false;
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found)
        sqlite_row_read(statement, ret);
    else if (!failure)
        memset(ret, 0, sizeof *ret);
    sqlite3_reset(statement);
    return failure;
}

status *sqlite_find(store *s, const uuid *ids, size_t count, job_row *ret_rows)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_FIND_ID);
    status *failure = NULL;
    for (size_t i = 0; i < count && !failure; i++) {
        sqlite_bind_uuid(statement, 1, &ids[i]);
        failure = read_row(statement, &ret_rows[i]);
    }
    return failure;
}

status *sqlite_load(store *s, const int64_t *seqs, size_t count, job_row *ret_rows)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LOAD_ROW);
    status *failure = NULL;
    for (size_t i = 0; i < count && !failure; i++) {
        sqlite3_bind_int64(statement, 1, seqs[i]);
        failure = read_row(statement, &ret_rows[i]);
    }
    return failure;
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

status *sqlite_load_result(store *s, int64_t seq, arena *memory, slice *ret_result)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LOAD_RESULT);
    bool found = false;
    sqlite3_bind_int64(statement, 1, seq);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found)
        failure = sqlite_read_slice(statement, 0, memory, ret_result);
    else if (!failure)
        *ret_result = (slice){NULL, 0};
    sqlite3_reset(statement);
    return failure;
}
