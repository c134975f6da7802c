// sqlite - the embedded backend: opening and closing, and its table of operations.
#include "store/sqlite.h"

#include "store/sqlite_cache.h"
#include "store/sqlite_files.h"
#include "store/sqlite_gather.h"
#include "store/sqlite_internal.h"
#include "store/sqlite_rows.h"
#include "store/sqlite_schema.h"

#include <string.h>
#include <unistd.h>

// A log that was once long is cut back to this when it starts anew.
#define WRITER_PRAGMAS                                                                             \
    "PRAGMA synchronous = FULL;"                                                                   \
    "PRAGMA cache_size = -65536;"                                                                  \
    "PRAGMA temp_store = MEMORY;"                                                                  \
    "PRAGMA secure_delete = OFF;"                                                                  \
    "PRAGMA journal_size_limit = 67108864;"

// clang-format off
static const char *const statement_texts[WRITE_STATEMENT_COUNT] = {
    [WRITE_BEGIN]           = "BEGIN IMMEDIATE",
    [WRITE_COMMIT]          = "COMMIT",
    [WRITE_ROLLBACK]        = "ROLLBACK",
    [WRITE_INSERT_JOB]      = BATCH_INSERT_JOB,
    [WRITE_INSERT_PLAIN_JOB] = BATCH_INSERT_PLAIN_JOB,
    [WRITE_INSERT_INPUT]    = BATCH_INSERT_INPUT,
    [WRITE_UPDATE_JOB]      = BATCH_UPDATE_JOB,
    [WRITE_UPDATE_PLAIN_JOB] = BATCH_UPDATE_PLAIN_JOB,
    [WRITE_UPDATE_ENDED_JOB] = BATCH_UPDATE_ENDED_JOB,
    [WRITE_PUT_SMALL_RESULT] = "UPDATE job SET small_result = ? WHERE seq = ?",
    [WRITE_PUT_RESULT]      = "REPLACE INTO result(seq, body) VALUES (?, ?)",
    [WRITE_PUT_ATTEMPT]     = "REPLACE INTO attempt(seq, number, body) VALUES (?, ?, ?)",
    [WRITE_PUT_PROGRESS]    = "REPLACE INTO progress(seq, body) VALUES (?, ?)",
    [WRITE_PUT_LABEL]       = "INSERT INTO label(seq, key, value) VALUES (?, ?, ?)",
    [WRITE_PUT_DEPENDENCY]  = "INSERT INTO dependency(seq, on_seq) VALUES (?, ?)",
    [WRITE_DELETE_JOB]      = BATCH_DELETE_FROM("job"),
    [WRITE_DELETE_JOB_RUN] = RUN_DELETE_FROM("job"),
    [WRITE_DELETE_INPUT]    = BATCH_DELETE_FROM("input"),
    [WRITE_DELETE_INPUT_RUN] = RUN_DELETE_FROM("input"),
    [WRITE_DELETE_RESULT]   = BATCH_DELETE_FROM("result"),
    [WRITE_DELETE_RESULT_RUN] = RUN_DELETE_FROM("result"),
    [WRITE_DELETE_ATTEMPTS] = BATCH_DELETE_FROM("attempt"),
    [WRITE_DELETE_ATTEMPTS_RUN] = RUN_DELETE_FROM("attempt"),
    [WRITE_DELETE_PROGRESS] = BATCH_DELETE_FROM("progress"),
    [WRITE_DELETE_PROGRESS_RUN] = RUN_DELETE_FROM("progress"),
    [WRITE_DELETE_LABELS]   = BATCH_DELETE_FROM("label"),
    [WRITE_DELETE_LABELS_RUN] = RUN_DELETE_FROM("label"),
    [WRITE_DELETE_DEPENDENCIES] = BATCH_DELETE_FROM("dependency"),
    [WRITE_DELETE_DEPENDENCIES_RUN] = RUN_DELETE_FROM("dependency"),
    [WRITE_FIND_IDS]        = BATCH_SELECT_BY("id"),
    [WRITE_FIND_BETWEEN]    = "SELECT 1 FROM job WHERE id BETWEEN ? AND ? LIMIT 1",
    [WRITE_FIND_UNIQUE]     = BATCH_SELECT_BY_UNIQUE_KEY,
    [WRITE_LAST_SEQ]        = "SELECT max(seq) FROM job",
    [WRITE_LOAD_ROWS]       = BATCH_SELECT_BY("seq"),
    [WRITE_LOAD_SMALL_INPUT] = "SELECT small_input FROM job WHERE seq = ?",
    [WRITE_LOAD_INPUT]      = "SELECT spec, hash FROM input WHERE seq = ?",
    [WRITE_LOAD_RESULT]     = "SELECT " JOB_RESULT " FROM job WHERE seq = ?",
    [WRITE_LOAD_LAST_ATTEMPT] = "SELECT body FROM attempt WHERE seq = ? ORDER BY number DESC LIMIT 1",
    [WRITE_LANE_ROWS]       = JOB_SELECT " FROM job INDEXED BY job_by_lane"
                              " WHERE lane = ? AND rank <= ? ORDER BY rank, seq LIMIT ?",
    [WRITE_LANE_BEHIND]     = JOB_SELECT " FROM job INDEXED BY job_by_lane"
                              " WHERE lane = ? AND (rank, seq) > (?, ?) ORDER BY rank, seq LIMIT ?",
    [WRITE_LANE_TAKE]       = JOB_SELECT ", job.small_input FROM job INDEXED BY job_by_lane"
                              " WHERE lane = ? ORDER BY rank, seq LIMIT ?",
    [WRITE_LANE_KEYS]       = "SELECT rank, seq FROM job INDEXED BY job_by_lane"
                              " WHERE lane = ? ORDER BY rank, seq LIMIT ?",
    [WRITE_LANE_FIRST]      = "SELECT rank FROM job INDEXED BY job_by_lane"
                              " WHERE lane = ? ORDER BY rank LIMIT 1",
    [WRITE_EXPIRING]        = JOB_SELECT " FROM job INDEXED BY job_by_expiry WHERE may_expire IS NOT NULL"
                              " AND expire_us <= ? ORDER BY expire_us, seq LIMIT ?",
    [WRITE_FIRST_EXPIRY]    = "SELECT expire_us FROM job INDEXED BY job_by_expiry"
                              " WHERE may_expire IS NOT NULL ORDER BY expire_us LIMIT 1",
    [WRITE_FIRST_HELD]      = JOB_SELECT " FROM job INDEXED BY job_by_held"
                              " WHERE concurrency_key = ? AND route > ? AND held_rank IS NOT NULL"
                              " ORDER BY route, held_rank, seq LIMIT 1",
    [WRITE_HELD_OF_ROUTE]   = JOB_SELECT " FROM job INDEXED BY job_by_held_route"
                              " WHERE route = ? AND seq > ? AND held_rank IS NOT NULL"
                              " ORDER BY seq LIMIT ?",
    [WRITE_DEPENDANTS]      = JOB_SELECT " FROM dependency CROSS JOIN job ON job.seq = dependency.seq"
                              " WHERE dependency.on_seq = ? ORDER BY dependency.seq LIMIT ?",
    [WRITE_FORGET_DEPENDANTS] = "DELETE FROM dependency WHERE on_seq = ? AND seq <= ?",
    [WRITE_SAVE_QUEUE]      = "REPLACE INTO queue(name, settings, tokens, tokens_us)"
                              " VALUES (?, ?, ?, ?)",
    [WRITE_LOAD_QUEUES]     = "SELECT name, settings, tokens, tokens_us,"
                              " (SELECT count(*) FROM queue) FROM queue ORDER BY name",
    [WRITE_ADD_ROUTE]       = "INSERT INTO route(route, queue, kind) VALUES (?, ?, ?)",
    [WRITE_PUT_TOTAL]       = "REPLACE INTO total(route, n1, n2, n3, n4, n5, n6, n7, n8)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [WRITE_SAVE_WORKER]     = "REPLACE INTO worker(id, acked_outcome_sequence, lease_sequence,"
                              " seen_us) VALUES (?, ?, ?, ?)",
    [WRITE_LOAD_WORKERS]    = "SELECT id, acked_outcome_sequence, lease_sequence, seen_us"
                              " FROM worker",
    [WRITE_FORGET_WORKERS]  = "DELETE FROM worker WHERE seen_us < ?",
};
// clang-format on

static int64_t sqlite_next_seq(store *s)
{
    return sqlite_store_of(s)->next_seq++;
}

static int64_t sqlite_last_time_us(store *s)
{
    return sqlite_store_of(s)->last_time_us;
}

static void sqlite_close(store *base)
{
    sqlite_store *s = sqlite_store_of(base);
    if (!s)
        return;
    if (s->in_transaction)
        sqlite_rollback(base);
    checkpointer_stop(&s->checkpoints);
    sqlite_link_close(&s->link);
    sqlite_routes_fini(s);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->path);
    free(s->dir);
    free(s);
}

static const store_ops sqlite_ops = {
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .insert = sqlite_insert,
    .find = sqlite_find,
    .load = sqlite_load,
    .load_spec = sqlite_load_spec,
    .load_result = sqlite_load_result,
    .load_last_attempt = sqlite_load_last_attempt,
    .save = sqlite_save,
    .put_result = sqlite_put_result,
    .put_attempt = sqlite_put_attempt,
    .put_progress = sqlite_put_progress,
    .remove = sqlite_remove,
    .take_ready = sqlite_take_ready,
    .entered = sqlite_lanes_entered,
    .due = sqlite_due,
    .next_due = sqlite_next_due,
    .expiring = sqlite_expiring,
    .next_expiry = sqlite_next_expiry,
    .find_unique = sqlite_find_unique,
    .first_held = sqlite_first_held,
    .lane_behind = sqlite_lane_behind,
    .held_of_route = sqlite_held_of_route,
    .take_dependants = sqlite_take_dependants,
    .save_queue = sqlite_save_queue,
    .load_queues = sqlite_load_queues,
    .find_route = sqlite_find_route,
    .route = sqlite_route,
    .count = sqlite_count,
    .count_queue = sqlite_count_queue,
    .count_all = sqlite_count_all,
    .routes = sqlite_routes,
    .next_seq = sqlite_next_seq,
    .save_worker = sqlite_save_worker,
    .load_workers = sqlite_load_workers,
    .forget_workers = sqlite_forget_workers,
    .last_time_us = sqlite_last_time_us,
    .size_bytes = sqlite_size_bytes,
    .maintain = sqlite_maintain,
    .open_reader = sqlite_open_reader,
    .backup = sqlite_backup_to,
    .close = sqlite_close,
};

static status *look_for_rare(sqlite_store *s)
{
    int64_t found = 0;
    status *failure = sqlite_read_number(s->link.db,
                                         "SELECT EXISTS (SELECT 1 FROM progress)"
                                         " OR EXISTS (SELECT 1 FROM label)"
                                         " OR EXISTS (SELECT 1 FROM dependency)",
                                         &found);
    s->has_rare_tables = found != 0;
    return failure;
}

// What is kept in memory as long as the store is open.
static status *load_state(sqlite_store *s)
{
    int64_t next_seq = 0;
    status *failure =
        sqlite_read_number(s->link.db, "SELECT n1 FROM total WHERE route = 0", &next_seq);
    if (!failure)
        failure = sqlite_read_number(s->link.db, "SELECT n2 FROM total WHERE route = 0",
                                     &s->last_time_us);
    if (!failure)
        failure = sqlite_routes_load(s);
    if (!failure)
        failure = sqlite_counts_load(s);
    if (!failure)
        failure = look_for_rare(s);
    s->next_seq = s->stored_next_seq = next_seq > 0 ? next_seq : 1;
    s->stored_last_time_us = s->last_time_us;
    return failure;
}

static status *open_database(sqlite_store *s)
{
    const char *vfs = NULL;
    (void) sqlite_cache_install();  // without it all is the same, only slower
    status *failure = sqlite_gather_vfs(&vfs);
    if (!failure)
        failure = sqlite_link_open_with(vfs, s->path, WRITER_PRAGMAS, &s->link);
    if (!failure && sqlite3_db_readonly(s->link.db, "main") == 1)
        failure = status_new(STATUS_PERMISSION_DENIED, "the file is read-only");
    if (!failure)
        failure = sqlite_schema_update(s->link.db);
    if (!failure)
        failure = sqlite_batch_attach(s->link.db, &s->batch);
    if (!failure)
        failure = sqlite_link_prepare(&s->link, statement_texts, WRITE_STATEMENT_COUNT);
    if (!failure)
        failure = load_state(s);
    if (!failure)
        failure = checkpointer_start(&s->checkpoints, s->link.db, s->path);
    if (!failure)
        return NULL;
    status *named = status_new(failure->code, "%s: %s", s->path, failure->message);
    status_free(failure);
    return named;
}

status *store_sqlite_open(const char *dir, store **ret)
{
    sqlite_store *s = calloc(1, sizeof *s);
    if (!s)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    s->base.ops = &sqlite_ops;
    s->lock_fd = -1;
    s->dir = strdup(dir);
    status *failure = s->dir ? sqlite_files_prepare(dir, &s->lock_fd, &s->path)
                             : status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    if (!failure)
        failure = open_database(s);
    if (failure) {
        sqlite_close(&s->base);
        return failure;
    }
    *ret = &s->base;
    return NULL;
}
