// sqlite_reader - reads jobs on a connection of its own, beside the writer.
#include "store/sqlite_internal.h"
#include "store/sqlite_reader_internal.h"
#include "store/sqlite_rows.h"

#include <string.h>

#define READER_PRAGMAS                                                                             \
    "PRAGMA query_only = ON;"                                                                      \
    "PRAGMA cache_size = -4096;"                                                                   \
    "PRAGMA temp_store = MEMORY;"                                                                  \
    "PRAGMA wal_autocheckpoint = 0;"

// clang-format off
static const char *const statement_texts[READ_STATEMENT_COUNT] = {
    [READ_BEGIN]        = "BEGIN",
    [READ_END]          = "COMMIT",
    [READ_JOB]          = JOB_SELECT " FROM job WHERE id = ?",
    [READ_JOB_AND_RESULT] = JOB_SELECT ", job.small_result FROM job WHERE id = ?",
    // The hash stands before the spec.
    [READ_SPEC]         = "SELECT CASE WHEN small_input IS NULL"
                          " THEN (SELECT spec FROM input WHERE input.seq = job.seq)"
                          " ELSE substr(small_input, 33) END FROM job WHERE seq = ?",
    [READ_RESULT]       = "SELECT " JOB_RESULT " FROM job WHERE seq = ?",
    [READ_LAST_ATTEMPT] = "SELECT body FROM attempt WHERE seq = ? ORDER BY number DESC LIMIT 1",
    [READ_ATTEMPTS]     = "SELECT body FROM attempt WHERE seq = ? ORDER BY number",
    [READ_ID]           = "SELECT id FROM job WHERE seq = ?",
    [READ_NEWEST]       = JOB_SELECT " FROM job WHERE seq < ? ORDER BY seq DESC",
    [READ_NEWEST_ENDED] = JOB_SELECT " FROM job INDEXED BY job_by_end"
                          " WHERE seq < ? AND state = ? AND state > 5 ORDER BY seq DESC",
    [READ_NEWEST_LABELLED] = JOB_SELECT " FROM label INDEXED BY label_by_value"
                          " CROSS JOIN job ON job.seq = label.seq"
                          " WHERE label.seq < ? AND label.key = ? AND label.value = ?"
                          " ORDER BY label.seq DESC",
    [READ_ROUTES]       = "SELECT route FROM route WHERE (?1 IS NULL OR queue = ?1)"
                          " AND (?2 IS NULL OR kind = ?2) ORDER BY route",
    [READ_QUEUE]        = "SELECT queue FROM route WHERE route = ?",
    [READ_PROGRESS]     = "SELECT body FROM progress WHERE seq = ?",
    [READ_QUEUE_ROUTES] = "SELECT route FROM route"
                          " WHERE queue = (SELECT queue FROM route WHERE route = ?)",
    [READ_POSITION]     = "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_by_lane"
                          " WHERE lane = ? AND (rank, seq) < (?, ?) LIMIT ?)",
    [READ_BLOCKERS]     = "SELECT job.id FROM dependency INDEXED BY dependency_by_waiter"
                          " CROSS JOIN job ON job.seq = dependency.on_seq"
                          " WHERE dependency.seq = ? ORDER BY dependency.on_seq LIMIT ?",
    [READ_READY_FROM]   = JOB_SELECT " FROM job INDEXED BY job_by_lane"
                          " WHERE lane = ? AND rank >= ? ORDER BY rank, seq LIMIT 1",
};
// clang-format on

status *sqlite_reader_begin(store_reader *r)
{
    return sqlite_run(sqlite_reader_statement(r, READ_BEGIN));
}

void sqlite_reader_end(store_reader *r)
{
    status_free(sqlite_run(sqlite_reader_statement(r, READ_END)));
}

// Reads one blob by seq; an empty slice when there is none.
static status *read_blob(store_reader *r, int number, int64_t seq, arena *memory, slice *ret)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, number);
    bool found = false;
    sqlite3_bind_int64(statement, 1, seq);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found)
        failure = sqlite_read_slice(statement, 0, memory, ret);
    else if (!failure)
        *ret = (slice){NULL, 0};
    sqlite3_reset(statement);
    return failure;
}

// Doubles an array of slices in the arena when it is full; NULL when the arena is used up.
static slice *room_for(slice *list, size_t count, size_t *capacity, arena *memory)
{
    if (count < *capacity)
        return list;
    *capacity = *capacity ? *capacity * 2 : 8;
    slice *larger = arena_alloc(memory, *capacity * sizeof *larger);
    if (larger && count > 0)
        memcpy(larger, list, count * sizeof *larger);
    return larger;
}

static status *read_attempts(store_reader *r, int number, arena *memory, store_job *ret)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, number);
    size_t capacity = 0;
    bool row = true;
    sqlite3_bind_int64(statement, 1, ret->row.seq);
    status *failure = sqlite_step_row(statement, &row);
    while (!failure && row) {
        ret->attempts = room_for(ret->attempts, ret->attempt_count, &capacity, memory);
        if (ret->attempts)
            failure = sqlite_read_slice(statement, 0, memory, &ret->attempts[ret->attempt_count++]);
        else
            failure = status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the attempts");
        if (!failure)
            failure = sqlite_step_row(statement, &row);
    }
    sqlite3_reset(statement);
    return failure;
}

static status *read_parent(store_reader *r, store_job *ret)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, READ_ID);
    bool found = false;
    sqlite3_bind_int64(statement, 1, ret->row.parent_seq);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found)
        sqlite_read_uuid(statement, 0, &ret->parent);
    sqlite3_reset(statement);
    return failure;
}

static status *read_queue(store_reader *r, arena *memory, store_job *ret)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, READ_QUEUE);
    bool found = false;
    sqlite3_bind_int(statement, 1, ret->row.route);
    status *failure = sqlite_step_row(statement, &found);
    const char *text = found ? (const char *) sqlite3_column_text(statement, 0) : NULL;
    ret->queue = text ? arena_strdup(memory, text) : NULL;
    if (!failure && !ret->queue)
        failure = found ? status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the job")
                        : status_new(STATUS_DATA_LOSS, "the table of routes is damaged");
    sqlite3_reset(statement);
    return failure;
}

status *sqlite_reader_parts(store_reader *r, unsigned parts, arena *memory, store_job *ret)
{
    status *failure = NULL;
    if (ret->row.parent_seq != 0)
        failure = read_parent(r, ret);
    if (!failure && parts & STORE_PART_QUEUE)
        failure = read_queue(r, memory, ret);
    if (!failure && parts & STORE_PART_SPEC)
        failure = read_blob(r, READ_SPEC, ret->row.seq, memory, &ret->spec);
    if (!failure && parts & STORE_PART_RESULT)
        failure = read_blob(r, READ_RESULT, ret->row.seq, memory, &ret->result);
    if (!failure && parts & STORE_PART_PROGRESS)
        failure = read_blob(r, READ_PROGRESS, ret->row.seq, memory, &ret->progress);
    if (!failure && parts & STORE_PART_ATTEMPTS)
        failure = read_attempts(r, READ_ATTEMPTS, memory, ret);
    else if (!failure && parts & STORE_PART_LAST_ATTEMPT && ret->row.state != JOB_SUCCEEDED)
        failure = read_attempts(r, READ_LAST_ATTEMPT, memory, ret);
    return failure;
}

static status *read_job(store_reader *r, const uuid *id, store_job *ret)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, READ_JOB);
    bool found = false;
    char text[UUID_TEXT_SIZE];
    sqlite_bind_uuid(statement, 1, id);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found)
        failure = sqlite_row_read(statement, &ret->row);
    else if (!failure)
        failure = status_new(STATUS_NOT_FOUND, "no job %s", uuid_format(id, text));
    sqlite3_reset(statement);
    return failure;
}

static status *read_all(store_reader *r, const uuid *id, unsigned parts, arena *memory,
                        store_job *ret)
{
    store_job job = {0};
    status *failure = sqlite_reader_begin(r);
    if (failure)
        return failure;
    failure = read_job(r, id, &job);
    if (!failure)
        failure = sqlite_reader_parts(r, parts, memory, &job);
    sqlite_reader_end(r);
    if (!failure)
        *ret = job;
    return failure;
}

// The statement stands on the row, and keeps what is read here at the same moment as that.
static status *read_result(store_reader *r, sqlite3_stmt *statement, arena *memory, store_job *ret)
{
    slice small = {NULL, 0};
    status *failure = sqlite_read_slice(statement, JOB_SELECT_COUNT, memory, &small);
    if (!failure && (small.size == 0 || small.bytes[0] != RESULT_HERE))
        failure = read_blob(r, READ_RESULT, ret->row.seq, memory, &ret->result);
    else if (!failure)
        ret->result = (slice){small.bytes + 1, small.size - 1};
    return failure;
}

// The result of a job that has succeeded, if it is small with one statement and no transaction
// around it. Any other job is not found.
static status *read_success(store_reader *r, const uuid *id, arena *memory, store_job *ret,
                            bool *ret_found)
{
    sqlite3_stmt *statement = sqlite_reader_statement(r, READ_JOB_AND_RESULT);
    store_job job = {0};
    bool found = false;
    sqlite_bind_uuid(statement, 1, id);
    status *failure = sqlite_step_row(statement, &found);
    if (!failure && found) {
        failure = sqlite_row_read(statement, &job.row);
        if (!failure && job.row.state == JOB_SUCCEEDED)
            failure = read_result(r, statement, memory, &job);
    }
    sqlite3_reset(statement);
    *ret_found = !failure && job.row.state == JOB_SUCCEEDED && job.row.parent_seq == 0;
    if (*ret_found)
        *ret = job;
    return failure;
}

static status *sqlite_get(store_reader *r, const uuid *id, unsigned parts, arena *memory,
                          store_job *ret)
{
    bool found = false;
    status *failure = parts == (STORE_PART_RESULT | STORE_PART_LAST_ATTEMPT)
                          ? read_success(r, id, memory, ret, &found)
                          : NULL;
    return failure || found ? failure : read_all(r, id, parts, memory, ret);
}

static void sqlite_reader_close(store_reader *r)
{
    if (!r)
        return;
    sqlite_link_close(&((sqlite_reader *) r)->link);
    free(r);
}

static const store_reader_ops reader_ops = {
    .get = sqlite_get,
    .list = sqlite_list,
    .position = sqlite_position,
    .blockers = sqlite_blockers,
    .oldest_ready = sqlite_oldest_ready,
    .close = sqlite_reader_close,
};

status *sqlite_open_reader(store *s, store_reader **ret)
{
    sqlite_reader *r = calloc(1, sizeof *r);
    if (!r)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    r->base.ops = &reader_ops;
    status *failure = sqlite_link_open(sqlite_store_of(s)->path, READER_PRAGMAS, &r->link);
    if (!failure)
        failure = sqlite_link_prepare(&r->link, statement_texts, READ_STATEMENT_COUNT);
    if (failure) {
        sqlite_reader_close(&r->base);
        return failure;
    }
    *ret = &r->base;
    return NULL;
}
