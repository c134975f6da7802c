// sqlite_schema - the tables, and the numbered migrations that lead to them.
#include "store/sqlite_schema.h"

#include "store/sqlite_details.h"
#include "store/sqlite_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION_ID 0x45524e44  // "ERND", in the header of the file

// A job is in exactly one lane, so one index gives the order of the ready, the times of the
// scheduled, the running ones after a crash, and what is to be purged. Input and result are apart:
// a change of state must not rewrite them.
static const char first_schema[] =  //
    "CREATE TABLE job ("
    "  seq INTEGER PRIMARY KEY,"
    "  lane INTEGER NOT NULL, rank INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  attempt INTEGER, failures INTEGER, losses INTEGER, revision INTEGER,"
    "  due_us INTEGER, start_us INTEGER, finish_us INTEGER,"
    "  worker BLOB, lease_sequence INTEGER, callbacks_open INTEGER,"
    "  id BLOB NOT NULL, route INTEGER NOT NULL, priority INTEGER, create_us INTEGER,"
    "  parent_seq INTEGER, has_callback INTEGER,"
    "  attempt_timeout_us INTEGER, retention_us INTEGER, min_backoff_us INTEGER,"
    "  max_backoff_us INTEGER, max_attempts INTEGER, multiplier REAL);"
    "CREATE UNIQUE INDEX job_by_id ON job(id);"
    "CREATE INDEX job_by_lane ON job(lane, rank);"
    "CREATE INDEX job_by_end ON job(state) WHERE state > 5;"  // FAILED, CANCELLED, EXPIRED
    "CREATE TABLE input (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, spec BLOB NOT NULL);"
    "CREATE TABLE result (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "CREATE TABLE attempt (seq INTEGER, number INTEGER, body BLOB NOT NULL,"
    "  PRIMARY KEY (seq, number)) WITHOUT ROWID;"
    "CREATE TABLE route (route INTEGER PRIMARY KEY, queue TEXT NOT NULL, kind TEXT NOT NULL,"
    "  UNIQUE (queue, kind));"
    "CREATE TABLE counter (route INTEGER, state INTEGER, n INTEGER NOT NULL,"
    "  PRIMARY KEY (route, state)) WITHOUT ROWID;"
    "CREATE TABLE worker (id BLOB PRIMARY KEY, acked_outcome_sequence INTEGER,"
    "  lease_sequence INTEGER, seen_us INTEGER) WITHOUT ROWID;"
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;";

// Jobs without keys, expiry, labels or dependencies have no entry in any of these; and since the
// indexes name no column that every job changes, they cost such jobs nothing.
static const char second_schema[] =  //
    "ALTER TABLE job ADD COLUMN retry_request INTEGER;"
    "ALTER TABLE job ADD COLUMN expire_us INTEGER;"
    "ALTER TABLE job ADD COLUMN aging_us INTEGER;"
    "ALTER TABLE job ADD COLUMN blockers INTEGER;"
    "ALTER TABLE job ADD COLUMN has_dependants INTEGER;"
    "ALTER TABLE job ADD COLUMN held_rank INTEGER;"   // rank while in the lane HELD
    "ALTER TABLE job ADD COLUMN may_expire INTEGER;"  // 1 until it is leased or ends
    "ALTER TABLE job ADD COLUMN holds_key INTEGER;"   // 1 until it ends
    "ALTER TABLE job ADD COLUMN unique_key BLOB;"
    "ALTER TABLE job ADD COLUMN concurrency_key BLOB;"
    "CREATE UNIQUE INDEX job_by_unique_key ON job(unique_key) WHERE holds_key IS NOT NULL;"
    "CREATE INDEX job_by_held ON job(concurrency_key, held_rank) WHERE held_rank IS NOT NULL;"
    "CREATE INDEX job_by_held_route ON job(route) WHERE held_rank IS NOT NULL;"
    "CREATE INDEX job_by_expiry ON job(expire_us) WHERE may_expire IS NOT NULL;"
    "CREATE TABLE progress (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "CREATE TABLE label (seq INTEGER, key TEXT, value TEXT, PRIMARY KEY (seq, key)) WITHOUT ROWID;"
    "CREATE INDEX label_by_value ON label(key, value, seq);"
    "CREATE TABLE dependency (on_seq INTEGER, seq INTEGER,"
    "  PRIMARY KEY (on_seq, seq)) WITHOUT ROWID;"
    "CREATE INDEX dependency_by_waiter ON dependency(seq);"
    "CREATE TABLE queue (name TEXT PRIMARY KEY, settings BLOB NOT NULL, tokens REAL,"
    "  tokens_us INTEGER) WITHOUT ROWID;";

// Held jobs of a key are found by kind, so that no kind keeps another back.
static const char third_schema[] =  //
    "DROP INDEX job_by_held;"
    "CREATE INDEX job_by_held ON job(concurrency_key, route, held_rank)"
    "  WHERE held_rank IS NOT NULL;";

// Nearly every commit changes these numbers, so they stand in few rows of one table: one for each
// route, with its jobs in the states 1 to 8; and row 0, with the next seq and the latest time.
static const char fourth_schema[] =  //
    "CREATE TABLE total (route INTEGER PRIMARY KEY,"
    "  n1 INTEGER NOT NULL DEFAULT 0, n2 INTEGER NOT NULL DEFAULT 0,"
    "  n3 INTEGER NOT NULL DEFAULT 0, n4 INTEGER NOT NULL DEFAULT 0,"
    "  n5 INTEGER NOT NULL DEFAULT 0, n6 INTEGER NOT NULL DEFAULT 0,"
    "  n7 INTEGER NOT NULL DEFAULT 0, n8 INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO total(route) SELECT 0 UNION SELECT route FROM counter;"
    "UPDATE total SET n1 = n FROM counter WHERE counter.route = total.route AND state = 1;"
    "UPDATE total SET n2 = n FROM counter WHERE counter.route = total.route AND state = 2;"
    "UPDATE total SET n3 = n FROM counter WHERE counter.route = total.route AND state = 3;"
    "UPDATE total SET n4 = n FROM counter WHERE counter.route = total.route AND state = 4;"
    "UPDATE total SET n5 = n FROM counter WHERE counter.route = total.route AND state = 5;"
    "UPDATE total SET n6 = n FROM counter WHERE counter.route = total.route AND state = 6;"
    "UPDATE total SET n7 = n FROM counter WHERE counter.route = total.route AND state = 7;"
    "UPDATE total SET n8 = n FROM counter WHERE counter.route = total.route AND state = 8;"
    "UPDATE total SET n1 = value FROM meta WHERE route = 0 AND key = 'next_seq';"
    "UPDATE total SET n2 = value FROM meta WHERE route = 0 AND key = 'last_time_us';"
    "DROP TABLE counter;"
    "DROP TABLE meta;";

// What no index asks for stands in one column, packed; small inputs and results stand in the row.
// Those that are there stay where they are.
#define DETAIL_COLUMN(name, type, member, null) ", " #name
#define DETAIL_COLUMNS                          JOB_DETAILS(DETAIL_COLUMN)

static const char fifth_schema[] =  //
    "CREATE TABLE packed_job ("
    "  seq INTEGER PRIMARY KEY,"
    "  lane INTEGER NOT NULL, rank INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  id BLOB NOT NULL, route INTEGER NOT NULL,"
    "  details BLOB NOT NULL,"  // sqlite_details.h
    "  small_input BLOB,"       // hash and spec; NULL: in table input
    "  small_result BLOB,"      // 0 and the result, or 1; NULL or 1: in table result, if at all
    "  held_rank INTEGER,"      // rank while in the lane HELD
    "  may_expire INTEGER,"     // 1 until it is leased or ends
    "  holds_key INTEGER,"      // 1 until it ends
    "  expire_us INTEGER, unique_key BLOB, concurrency_key BLOB);"
    "INSERT INTO packed_job(seq, lane, rank, state, id, route, details, held_rank, may_expire,"
    "  holds_key, expire_us, unique_key, concurrency_key)"
    " SELECT seq, lane, rank, state, id, route,"
    "  job_details(0" DETAIL_COLUMNS "), held_rank, may_expire,"
    "  holds_key, expire_us, unique_key, concurrency_key FROM job;"
    "DROP TABLE job;"
    "ALTER TABLE packed_job RENAME TO job;"
    "CREATE UNIQUE INDEX job_by_id ON job(id);"
    "CREATE INDEX job_by_lane ON job(lane, rank);"
    "CREATE INDEX job_by_end ON job(state) WHERE state > 5;"
    "CREATE UNIQUE INDEX job_by_unique_key ON job(unique_key) WHERE holds_key IS NOT NULL;"
    "CREATE INDEX job_by_held ON job(concurrency_key, route, held_rank)"
    "  WHERE held_rank IS NOT NULL;"
    "CREATE INDEX job_by_held_route ON job(route) WHERE held_rank IS NOT NULL;"
    "CREATE INDEX job_by_expiry ON job(expire_us) WHERE may_expire IS NOT NULL;";

// Migration n stands at index n - 1. What was released never changes: append.
static const char *const migrations[] = {
    first_schema, second_schema, third_schema, fourth_schema, fifth_schema,
};

#define LATEST ((int64_t) (sizeof migrations / sizeof migrations[0]))

// Whether the file is ours to write, and how far its schema is; 0: new.
static status *read_version(sqlite3 *db, int64_t *ret)
{
    int64_t application = 0, version = 0, tables = 0;
    status *failure = sqlite_read_number(db, "PRAGMA application_id", &application);
    if (!failure)
        failure = sqlite_read_number(db, "PRAGMA user_version", &version);
    if (!failure)
        failure = sqlite_read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (failure)
        return failure;
    if (application != APPLICATION_ID && (application != 0 || version != 0 || tables != 0))
        return status_new(STATUS_FAILED_PRECONDITION, "it is a database of another program");
    if (version > LATEST)
        return status_new(STATUS_FAILED_PRECONDITION,
                          "a newer program wrote it: found schema %" PRId64
                          ", expected at most %" PRId64,
                          version, LATEST);
    *ret = version;
    return NULL;
}

// ---- job_details(0, create_us, ...): the columns of older schemas, packed ----

static void take_INT64(sqlite3_value *value, int64_t *ret, int64_t null)
{
    *ret = sqlite3_value_type(value) == SQLITE_NULL ? null : sqlite3_value_int64(value);
}

static void take_TIME(sqlite3_value *value, int64_t *ret, int64_t null)
{
    take_INT64(value, ret, null);
}

static void take_INT32(sqlite3_value *value, int32_t *ret, int64_t null)
{
    int64_t number;
    take_INT64(value, &number, null);
    *ret = (int32_t) number;
}

static void take_BOOL(sqlite3_value *value, bool *ret, int64_t null)
{
    int64_t number;
    take_INT64(value, &number, null);
    *ret = number != 0;
}

static void take_REAL(sqlite3_value *value, double *ret, int64_t null)
{
    bool is_null = sqlite3_value_type(value) == SQLITE_NULL;
    *ret = is_null ? (double) null : sqlite3_value_double(value);
}

static void take_UUID(sqlite3_value *value, uuid *ret, int64_t null)
{
    const void *bytes = sqlite3_value_blob(value);
    (void) null;
    *ret = (uuid){{0}};
    if (bytes && sqlite3_value_bytes(value) == sizeof ret->bytes)
        memcpy(ret->bytes, bytes, sizeof ret->bytes);
}

#define TAKE_COLUMN(name, type, member, null) take_##type(*++values, &row.member, null);

static void pack_details(sqlite3_context *context, int count, sqlite3_value **values)
{
    job_row row = {0};
    uint8_t bytes[SQLITE_DETAILS_SIZE];
    (void) count;
    JOB_DETAILS(TAKE_COLUMN)
    size_t size = sqlite_details_write(&row, bytes);
    sqlite3_result_blob64(context, bytes, size, SQLITE_TRANSIENT);
}

#define ONE_COLUMN(name, type, member, null) +1

static status *know_details(sqlite3 *db)
{
    int code = sqlite3_create_function_v2(db, "job_details", 1 JOB_DETAILS(ONE_COLUMN),
                                          SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, pack_details,
                                          NULL, NULL, NULL);
    return code == SQLITE_OK ? NULL : sqlite_failure(db);
}

// ---- both ----

static status *migrate(sqlite3 *db, int64_t version)
{
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64,
             APPLICATION_ID, version);
    status *failure = sqlite_run_text(db, "BEGIN IMMEDIATE");
    if (failure)
        return failure;
    failure = sqlite_run_text(db, migrations[version - 1]);
    if (!failure)
        failure = sqlite_run_text(db, mark);
    if (!failure)
        failure = sqlite_run_text(db, "COMMIT");
    if (failure)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return failure;
}

status *sqlite_schema_update_to(sqlite3 *db, int64_t latest)
{
    int64_t version = 0;
    status *failure = read_version(db, &version);
    // The way of vacuuming is fixed by the first table; a file in use keeps what it has.
    if (!failure)
        failure = sqlite_run_text(db, "PRAGMA auto_vacuum = INCREMENTAL;"
                                      "PRAGMA journal_mode = WAL;");
    if (!failure)
        failure = know_details(db);
    while (!failure && version < latest)
        failure = migrate(db, ++version);
    return failure;
}

status *sqlite_schema_update(sqlite3 *db)
{
    return sqlite_schema_update_to(db, LATEST);
}
