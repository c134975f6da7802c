// sqlite_batch - an array of rows as a table.
#include "store/sqlite_batch.h"

#include "store/sqlite_details.h"
#include "store/sqlite_link.h"

#include <stdlib.h>
#include <string.h>

// What is put together for a row stays until the next one.
typedef struct batch_table {
    sqlite3_vtab base;
    sqlite_batch *batch;
    uint8_t details[SQLITE_DETAILS_SIZE];
    uint8_t input[BATCH_SMALL_INPUT];
} batch_table;

typedef struct batch_cursor {
    sqlite3_vtab_cursor base;
    size_t at;
} batch_cursor;

enum {
    COLUMN_seq,
    COLUMN_lane,
    COLUMN_rank,
    COLUMN_state,
    COLUMN_id,
    COLUMN_route,
    COLUMN_details,
    COLUMN_small_input,
    COLUMN_small_result,
    COLUMN_held_rank,
    COLUMN_may_expire,
    COLUMN_holds_key,
    COLUMN_expire_us,
    COLUMN_unique_key,
    COLUMN_concurrency_key,
    COLUMN_hash,
    COLUMN_spec,
};

static int batch_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **ret, char **ret_error)
{
    (void) argc;
    (void) argv;
    (void) ret_error;
    int code = sqlite3_declare_vtab(db, "CREATE TABLE x(" BATCH_PLAIN_COLUMNS
                                        ", small_input" BATCH_RESULT BATCH_MARKS BATCH_KEYS
                                        ", hash, spec)");
    if (code != SQLITE_OK)
        return code;
    batch_table *table = calloc(1, sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    table->batch = aux;
    *ret = &table->base;
    return SQLITE_OK;
}

static int batch_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

// There is one way to read it: from the first row to the last.
static int batch_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void) table;
    info->estimatedCost = 256;
    info->estimatedRows = 256;
    return SQLITE_OK;
}

static int batch_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret)
{
    (void) table;
    batch_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return SQLITE_NOMEM;
    *ret = &cursor->base;
    return SQLITE_OK;
}

static int batch_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static sqlite_batch *batch_of(sqlite3_vtab_cursor *cursor)
{
    return ((batch_table *) cursor->pVtab)->batch;
}

static int batch_filter(sqlite3_vtab_cursor *cursor, int number, const char *text, int argc,
                        sqlite3_value **argv)
{
    (void) number;
    (void) text;
    (void) argc;
    (void) argv;
    ((batch_cursor *) cursor)->at = 0;
    batch_of(cursor)->current = 0;
    return SQLITE_OK;
}

static int batch_next(sqlite3_vtab_cursor *cursor)
{
    batch_of(cursor)->current = ++((batch_cursor *) cursor)->at;
    return SQLITE_OK;
}

static int batch_eof(sqlite3_vtab_cursor *cursor)
{
    return ((batch_cursor *) cursor)->at >= batch_of(cursor)->count;
}

static int batch_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64) ((batch_cursor *) cursor)->at;
    return SQLITE_OK;
}

static void give_uuid(sqlite3_context *context, const uuid *value)
{
    if (!uuid_is_nil(value))
        sqlite3_result_blob(context, value->bytes, sizeof value->bytes, SQLITE_STATIC);
}

static void give_details(sqlite3_context *context, const job_row *row, batch_table *table)
{
    size_t size = sqlite_details_write(row, table->details);
    sqlite3_result_blob64(context, table->details, size, SQLITE_STATIC);
}

// Of the columns that few jobs have.
static void give_rare(sqlite3_context *context, const job_row *row, int column)
{
    if (column == COLUMN_held_rank && sqlite_row_is_held(row))
        sqlite3_result_int64(context, job_row_rank(row));
    else if (column == COLUMN_may_expire && sqlite_row_may_expire(row))
        sqlite3_result_int(context, 1);
    else if (column == COLUMN_holds_key && sqlite_row_holds_key(row))
        sqlite3_result_int(context, 1);
    else if (column == COLUMN_expire_us && row->expire_us != 0)
        sqlite3_result_int64(context, row->expire_us);
    else if (column == COLUMN_unique_key)
        give_uuid(context, &row->unique_key);
    else if (column == COLUMN_concurrency_key)
        give_uuid(context, &row->concurrency_key);
}

static void give_of_row(sqlite3_context *context, const job_row *row, int column,
                        batch_table *table)
{
    if (column == COLUMN_seq)
        sqlite3_result_int64(context, row->seq);
    else if (column == COLUMN_lane)
        sqlite3_result_int(context, job_row_lane(row));
    else if (column == COLUMN_rank)
        sqlite3_result_int64(context, job_row_rank(row));
    else if (column == COLUMN_state)
        sqlite3_result_int(context, (int) row->state);
    else if (column == COLUMN_id)
        give_uuid(context, &row->id);
    else if (column == COLUMN_route)
        sqlite3_result_int(context, row->route);
    else if (column == COLUMN_details)
        give_details(context, row, table);
    else
        give_rare(context, row, column);
}

bool sqlite_batch_fits(const store_new_job *job)
{
    return job->spec.size <= BATCH_SMALL_INPUT - JOB_HASH_BYTES;
}

static void give_small_input(sqlite3_context *context, const store_new_job *job, uint8_t *input)
{
    memcpy(input, job->hash, JOB_HASH_BYTES);
    if (job->spec.size > 0)
        memcpy(input + JOB_HASH_BYTES, job->spec.bytes, job->spec.size);
    sqlite3_result_blob64(context, input, JOB_HASH_BYTES + job->spec.size, SQLITE_STATIC);
}

// An input is either in one column or in the two others.
static void give_input(sqlite3_context *context, const store_new_job *job, int column,
                       batch_table *table)
{
    bool fits = sqlite_batch_fits(job);
    if (column == COLUMN_small_input && fits)
        give_small_input(context, job, table->input);
    else if (column == COLUMN_hash && !fits)
        sqlite3_result_blob(context, job->hash, JOB_HASH_BYTES, SQLITE_STATIC);
    else if (column == COLUMN_spec && !fits)
        sqlite3_result_blob64(context, job->spec.bytes, job->spec.size, SQLITE_STATIC);
}

static void give_result(sqlite3_context *context, const small_result *result)
{
    if (result->size > 0)
        sqlite3_result_blob64(context, result->bytes, result->size, SQLITE_STATIC);
}

// The columns of a batch of keys.
static void give_key(sqlite3_context *context, const sqlite_batch *batch, size_t at, int column)
{
    if (column == COLUMN_seq && batch->seqs)
        sqlite3_result_int64(context, batch->seqs[at]);
    else if (column == COLUMN_id && batch->ids)
        give_uuid(context, &batch->ids[at]);
}

static bool is_of_input(int column)
{
    return column == COLUMN_small_input || column == COLUMN_hash || column == COLUMN_spec;
}

static int batch_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    batch_table *table = (batch_table *) cursor->pVtab;
    const sqlite_batch *batch = table->batch;
    size_t at = ((batch_cursor *) cursor)->at;
    if (batch->appends && column == COLUMN_seq)
        return SQLITE_OK;  // NULL: nobody looks for the place of the row
    if (batch->jobs && is_of_input(column))
        give_input(context, &batch->jobs[at], column, table);
    else if (batch->jobs)
        give_of_row(context, &batch->jobs[at].row, column, table);
    else if (batch->results && column == COLUMN_small_result)
        give_result(context, &batch->results[at]);
    else if (batch->rows)
        give_of_row(context, &batch->rows[at], column, table);
    else
        give_key(context, batch, at, column);
    return SQLITE_OK;
}

static const sqlite3_module batch_module = {
    .xConnect = batch_connect,
    .xBestIndex = batch_best_index,
    .xDisconnect = batch_disconnect,
    .xOpen = batch_open,
    .xClose = batch_close,
    .xFilter = batch_filter,
    .xNext = batch_next,
    .xEof = batch_eof,
    .xColumn = batch_column,
    .xRowid = batch_rowid,
};

status *sqlite_batch_attach(sqlite3 *db, sqlite_batch *batch)
{
    int code = sqlite3_create_module_v2(db, "batch", &batch_module, batch, NULL);
    return code == SQLITE_OK ? NULL : sqlite_failure(db);
}
