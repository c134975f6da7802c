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
        failure = sqlite_row_read(statement,
                                  &ret_rows[sqlite3_column_int64(statement, JOB_SELECT_COUNT)]);
        if (!failure)
            failure = sqlite_step_row(statement, &row);
    }
    sqlite3_reset(statement);
    return failure;
}

// So few ids are looked up one by one.
#define FEW_IDS 16

static int compare_ids(const uuid *a, const uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

// Whether the table has a job whose id is one of these, or stands between two of them. Ids of new
// jobs hold the time, and those of a request stand side by side: one look says that all are new.
static status *any_between(sqlite_store *s, const uuid *ids, size_t count, bool *ret)
{
    sqlite3_stmt *statement = s->link.statements[WRITE_FIND_BETWEEN];
    const uuid *least = ids, *most = ids;
    for (size_t i = 1; i < count; i++) {
        if (compare_ids(&ids[i], least) < 0)
            least = &ids[i];
        else if (compare_ids(&ids[i], most) > 0)
            most = &ids[i];
    }
    sqlite3_bind_blob(statement, 1, least->bytes, sizeof least->bytes, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, most->bytes, sizeof most->bytes, SQLITE_STATIC);
    status *failure = sqlite_step_row(statement, ret);
    sqlite3_reset(statement);
    return failure;
}

static status *find_stored(sqlite_store *s, const uuid *ids, size_t count, job_row *ret_rows)
{
    const sqlite_batch batch = {.ids = ids, .count = count};
    bool any = true;
    status *failure = count > FEW_IDS ? any_between(s, ids, count, &any) : NULL;
    if (failure || any)
        return failure ? failure : read_batch(s, WRITE_FIND_IDS, batch, ret_rows);
    for (size_t i = 0; i < count; i++)
        ret_rows[i].seq = 0;
    return NULL;
}

status *sqlite_find(store *base, const uuid *ids, size_t count, job_row *ret_rows)
{
    sqlite_store *s = sqlite_store_of(base);
    status *failure = find_stored(s, ids, count, ret_rows);
    for (size_t i = 0; i < count && !failure; i++) {
        const job_row *waiting = sqlite_inserts_find(s, &ids[i]);
        if (waiting)
            ret_rows[i] = *waiting;
    }
    return failure;
}

// No job that waits to be inserted has a unique key.
status *sqlite_find_unique(store *base, const uuid *keys, size_t count, job_row *ret_rows)
{
    const sqlite_batch batch = {.ids = keys, .count = count};
    return read_batch(sqlite_store_of(base), WRITE_FIND_UNIQUE, batch, ret_rows);
}

// Puts those that wait to be inserted into their places, and says how many those are.
static size_t load_waiting(const sqlite_store *s, const int64_t *seqs, size_t count,
                           job_row *ret_rows)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const store_new_job *waiting = sqlite_inserts_get(s, seqs[i]);
        if (waiting) {
            ret_rows[i] = waiting->row;
            found++;
        }
    }
    return found;
}

status *sqlite_load(store *base, const int64_t *seqs, size_t count, job_row *ret_rows)
{
    sqlite_store *s = sqlite_store_of(base);
    const sqlite_batch batch = {.seqs = seqs, .count = count};
    if (count > 0 && load_waiting(s, seqs, count, ret_rows) == count)
        return NULL;
    status *failure = read_batch(s, WRITE_LOAD_ROWS, batch, ret_rows);
    if (!failure)
        (void) load_waiting(s, seqs, count, ret_rows);
    return failure;
}

status *sqlite_load_rows(store *s, sqlite3_stmt *statement, size_t limit, job_row *ret_rows,
                         size_t *ret_count)
{
    size_t count = 0;
    bool row = true;
    status *failure = sqlite_saves_write(sqlite_store_of(s));
    while (!failure && row && count < limit) {
        failure = sqlite_step_row(statement, &row);
        if (!failure && row)
            failure = sqlite_row_read(statement, &ret_rows[count++]);
    }
    sqlite3_reset(statement);
    if (!failure)
        *ret_count = count;
    return failure;
}

static status *damaged_hash(void)
{
    return status_new(STATUS_DATA_LOSS, "the content hash of a job is damaged");
}

// Reads spec and hash from the row that the statement stands on.
static status *read_input(sqlite3_stmt *statement, arena *memory, slice *ret_spec,
                          uint8_t *ret_hash)
{
    const void *hash = sqlite3_column_blob(statement, 1);
    if (!hash || sqlite3_column_bytes(statement, 1) != JOB_HASH_BYTES)
        return damaged_hash();
    if (ret_hash)
        memcpy(ret_hash, hash, JOB_HASH_BYTES);
    return sqlite_read_slice(statement, 0, memory, ret_spec);
}

// The same of one that is in memory.
static status *copy_input(slice spec, const uint8_t *hash, arena *memory, slice *ret_spec,
                          uint8_t *ret_hash)
{
    if (ret_hash)
        memcpy(ret_hash, hash, JOB_HASH_BYTES);
    *ret_spec =
        (slice){spec.size > 0 ? arena_copy(memory, spec.bytes, spec.size) : NULL, spec.size};
    return ret_spec->bytes || spec.size == 0
               ? NULL
               : status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the job");
}

// The same of one that stands in the row of its job: the hash, and the spec behind it.
static status *read_small_input(slice input, arena *memory, slice *ret_spec, uint8_t *ret_hash)
{
    if (!input.bytes || input.size < JOB_HASH_BYTES)
        return damaged_hash();
    const slice spec = {input.bytes + JOB_HASH_BYTES, input.size - JOB_HASH_BYTES};
    return copy_input(spec, input.bytes, memory, ret_spec, ret_hash);
}

static status *load_small(store *s, int64_t seq, arena *memory, slice *ret_spec, uint8_t *ret_hash,
                          bool *ret_found)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LOAD_SMALL_INPUT);
    bool row = false;
    sqlite3_bind_int64(statement, 1, seq);
    status *failure = sqlite_step_row(statement, &row);
    *ret_found = row && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    if (!failure && *ret_found) {
        slice input = {sqlite3_column_blob(statement, 0),
                       (size_t) sqlite3_column_bytes(statement, 0)};
        failure = read_small_input(input, memory, ret_spec, ret_hash);
    }
    sqlite3_reset(statement);
    return failure;
}

static status *load_large(store *s, int64_t seq, arena *memory, slice *ret_spec, uint8_t *ret_hash)
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

status *sqlite_load_spec(store *s, int64_t seq, arena *memory, slice *ret_spec, uint8_t *ret_hash)
{
    const store_new_job *waiting = sqlite_inserts_get(sqlite_store_of(s), seq);
    bool found = false;
    if (waiting)
        return copy_input(waiting->spec, waiting->hash, memory, ret_spec, ret_hash);
    const slice taken = sqlite_taken_input(sqlite_store_of(s), seq);
    if (taken.bytes)
        return read_small_input(taken, memory, ret_spec, ret_hash);
    status *failure = load_small(s, seq, memory, ret_spec, ret_hash, &found);
    return failure || found ? failure : load_large(s, seq, memory, ret_spec, ret_hash);
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
    status *failure = sqlite_inserts_write(sqlite_store_of(s));
    if (!failure)
        failure = sqlite_saves_write(sqlite_store_of(s));
    return failure ? failure : load_blob(s, WRITE_LOAD_RESULT, seq, memory, ret_result);
}

status *sqlite_load_last_attempt(store *s, int64_t seq, arena *memory, slice *ret_attempt)
{
    return load_blob(s, WRITE_LOAD_LAST_ATTEMPT, seq, memory, ret_attempt);
}
