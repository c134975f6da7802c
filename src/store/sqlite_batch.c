// sqlite_batch - an array of rows as a table.
#include "store/sqlite_batch.h"

#include "store/sqlite_link.h"

#include <math.h>
#include <stdlib.h>

typedef struct batch_table {
    sqlite3_vtab base;
    sqlite_batch *batch;
} batch_table;

typedef struct batch_cursor {
    sqlite3_vtab_cursor base;
    size_t at;
} batch_cursor;

#define COLUMN_NUMBER(column, type, member, null) COLUMN_##column,

enum {
    COLUMN_seq,
    COLUMN_lane,
    COLUMN_rank,
    JOB_MARK_COLUMNS(COLUMN_NUMBER) JOB_COLUMNS(COLUMN_NUMBER) COLUMN_hash,
    COLUMN_spec,
};

static int batch_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **ret, char **ret_error)
{
    (void) argc;
    (void) argv;
    (void) ret_error;
    int code =
        sqlite3_declare_vtab(db, "CREATE TABLE x(seq, lane, rank" JOB_MARK_COLUMNS(JOB_COLUMN_NAME)
                                     JOB_COLUMNS(JOB_COLUMN_NAME) ", hash, spec)");
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

// How one C type becomes a value. NULL stands for the column's own value.
static void give_INT64(sqlite3_context *context, const int64_t *value, int64_t null)
{
    if (*value != null)
        sqlite3_result_int64(context, *value);
}

static void give_INT32(sqlite3_context *context, const int32_t *value, int64_t null)
{
    if (*value != null)
        sqlite3_result_int(context, *value);
}

static void give_BOOL(sqlite3_context *context, const bool *value, int64_t null)
{
    if (*value != (null != 0))
        sqlite3_result_int(context, *value);
}

static void give_STATE(sqlite3_context *context, const job_state *value, int64_t null)
{
    (void) null;
    sqlite3_result_int(context, (int) *value);
}

static void give_REAL(sqlite3_context *context, const double *value, int64_t null)
{
    if (islessgreater(*value, (double) null))
        sqlite3_result_double(context, *value);
}

static void give_UUID(sqlite3_context *context, const uuid *value, int64_t null)
{
    (void) null;
    if (!uuid_is_nil(value))
        sqlite3_result_blob(context, value->bytes, sizeof value->bytes, SQLITE_STATIC);
}

static void give_hash(sqlite3_context *context, const store_new_job *job)
{
    if (job)
        sqlite3_result_blob(context, job->hash, JOB_HASH_BYTES, SQLITE_STATIC);
}

static void give_spec(sqlite3_context *context, const store_new_job *job)
{
    if (!job)
        return;

    // No address would mean NULL rather than no bytes.
    const void *start = job->spec.bytes ? (const void *) job->spec.bytes : "";
    sqlite3_result_blob64(context, start, job->spec.size, SQLITE_STATIC);
}

static void give_mark(sqlite3_context *context, const job_row *row, int column)
{
    if (column == COLUMN_held_rank && sqlite_row_is_held(row))
        sqlite3_result_int64(context, job_row_rank(row));
    else if (column == COLUMN_may_expire && sqlite_row_may_expire(row))
        sqlite3_result_int(context, 1);
    else if (column == COLUMN_holds_key && sqlite_row_holds_key(row))
        sqlite3_result_int(context, 1);
}

#define GIVE_MARK(column, type, member, null) case COLUMN_##column:

#define GIVE(column, type, member, null)                                                           \
    case COLUMN_##column:                                                                          \
        give_##type(context, &row->member, null);                                                  \
        break;

// The columns of a batch of keys.
static void give_key(sqlite3_context *context, const sqlite_batch *batch, size_t at, int column)
{
    if (column == COLUMN_seq && batch->seqs)
        sqlite3_result_int64(context, batch->seqs[at]);
    else if (column == COLUMN_id && batch->ids)
        give_UUID(context, &batch->ids[at], 0);
}

static int batch_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const sqlite_batch *batch = batch_of(cursor);
    size_t at = ((batch_cursor *) cursor)->at;
    const store_new_job *job = batch->jobs ? &batch->jobs[at] : NULL;
    const job_row *row = job ? &job->row : batch->rows ? &batch->rows[at] : NULL;
    if (!row) {
        give_key(context, batch, at, column);
        return SQLITE_OK;
    }
    switch (column) {
    case COLUMN_seq:
        sqlite3_result_int64(context, row->seq);
        break;
    case COLUMN_lane:
        sqlite3_result_int(context, job_row_lane(row));
        break;
    case COLUMN_rank:
        sqlite3_result_int64(context, job_row_rank(row));
        break;
        JOB_MARK_COLUMNS(GIVE_MARK)
        give_mark(context, row, column);
        break;
        JOB_COLUMNS(GIVE)
    case COLUMN_hash:
        give_hash(context, job);
        break;
    case COLUMN_spec:
        give_spec(context, job);
        break;
    }
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
