// store_crash - the SQLite backend killed in the middle of its work: what was acknowledged is
// there.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include "base/crypto.h"
#include "store/sqlite_internal.h"

#include <signal.h>
#include <sys/wait.h>

#define LIVES       6
#define BATCH       20
#define LEASED      10  // of a batch
#define MAX_BATCHES 60  // acknowledged before the kill, at most

static const store_backend sqlite = {"sqlite", store_sqlite_open};

// Jobs with inputs that stand in their rows, and others.
static void add_batch(rig *r, store_new_job jobs[static BATCH])
{
    static const uint8_t large[1000];
    int32_t route = rig_route(r, "q", "k");
    for (int i = 0; i < BATCH; i++) {
        jobs[i] = rig_new_job(r, route, 0, 0);
        jobs[i].lasts = true;
        if (i % 3 == 0)
            jobs[i].spec = (slice){large, sizeof large};
    }
    rig_ok(r->store->ops->insert(r->store, jobs, BATCH));
}

// Half of the batch, as it comes.
static void lease_some(rig *r, const store_new_job *jobs, job_row ret[static LEASED])
{
    const uuid worker = uuid_new_v7(T0);
    for (size_t i = 0; i < LEASED; i++) {
        ret[i] = jobs[2 * i].row;
        rig_ok(job_lease(&ret[i], &worker, 1, T0));
        rig_save(r, &jobs[2 * i].row, &ret[i]);
    }
}

// With results that stand in their rows, and others.
static void finish_all(rig *r, const job_row *running)
{
    static const uint8_t result[1000];
    for (int i = 0; i < LEASED && running[i].seq != 0; i++) {
        job_row row = running[i];
        rig_ok(job_succeed(&row, T0));
        rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){result, i % 2 ? 1000 : 10}));
        rig_save(r, &running[i], &row);
    }
}

// Adds jobs, leases and finishes some until it is killed; tells the highest seq of each committed
// batch.
static void work_until_killed(const char *place, int to_parent)
{
    rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
    job_row running[LEASED] = {{0}};
    snprintf(r.place, sizeof r.place, "%s", place);
    rig_open(&r);
    for (;;) {
        store_new_job jobs[BATCH];
        rig_begin(&r);
        finish_all(&r, running);
        add_batch(&r, jobs);
        lease_some(&r, jobs, running);
        rig_commit(&r);
        int64_t seq = jobs[BATCH - 1].row.seq;
        if (write(to_parent, &seq, sizeof seq) != sizeof seq)
            _exit(1);
    }
}

// Kills a worker after some acknowledged batches; the last seq that it told.
static int64_t kill_one(const char *place, int batches)
{
    int ends[2], verdict;
    int64_t seq = 0, told = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        work_until_killed(place, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < batches; i++)
        assert_int_equal(read(ends[0], &seq, sizeof seq), sizeof seq);
    kill(child, SIGKILL);
    while (read(ends[0], &told, sizeof told) == sizeof told)
        seq = told;
    close(ends[0]);
    assert_int_equal(waitpid(child, &verdict, 0), child);
    return seq;
}

static int64_t rows_on_disk(const rig *r)
{
    return sql_store_number(r, "SELECT count(*) FROM job");
}

static void expect_none(const rig *r, const char *question)
{
    assert_int_equal(sql_store_number(r, question), 0);
}

static void expect_whole(rig *r)
{
    expect_none(r, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
    expect_none(r, "SELECT count(*) FROM job LEFT JOIN input USING (seq)"
                   " WHERE (small_input IS NULL) = (spec IS NULL)");
    expect_none(r, "SELECT count(*) FROM job LEFT JOIN result USING (seq)"
                   " WHERE state = 5 AND (small_result = x'01') = (body IS NULL)");
}

// Each batch but the last one of a life has ended where it was leased.
static void expect_counters(rig *r, int64_t rows)
{
    expect_none(r, "SELECT count(*) FROM total WHERE route > 0 AND (n3, n4, n5) <>"
                   " (SELECT sum(state = 3), sum(state = 4), sum(state = 5) FROM job)");
    assert_int_equal(rig_count(r, 1, JOB_READY), rows / BATCH * (BATCH - LEASED));
    assert_int_equal(rig_count(r, 1, JOB_RUNNING) % LEASED, 0);
    assert_int_equal(rig_count(r, 1, JOB_RUNNING) + rig_count(r, 1, JOB_SUCCEEDED),
                     rows / BATCH * LEASED);
}

static void all_that_was_acknowledged_survives_a_kill(void **state)
{
    (void) state;
    char place[64];
    int64_t told = 0;
    rig_make_place(place);
    for (int life = 0; life < LIVES; life++) {
        uint8_t batches = 0;
        crypto_random(&batches, sizeof batches);
        told = kill_one(place, 1 + batches % MAX_BATCHES);
        rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
        memcpy(r.place, place, sizeof place);
        rig_open(&r);
        int64_t rows = rows_on_disk(&r);
        assert_true(rows == told || rows == told + BATCH);  // whole batches only
        expect_counters(&r, rows);
        assert_int_equal(r.store->ops->next_seq(r.store), rows + 1);
        expect_whole(&r);
        r.store->ops->close(r.store);
        arena_free(r.memory);
    }
    rig_remove_place(place);
}

// ---- the log stays short ----

static void commit_pages(rig *r, int rounds)
{
    static uint8_t large[256 << 10];
    for (int i = 0; i < rounds; i++) {
        rig_begin(r);
        job_row row = rig_insert(r, rig_route(r, "q", "k"), 0, 0);
        rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){large, sizeof large}));
        rig_commit(r);
    }
}

static checkpointer *checkpoints_of(const rig *r)
{
    return &sqlite_store_of(r->store)->checkpoints;
}

static void the_log_never_outgrows_its_ceiling(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    checkpointer *c = checkpoints_of(&r);
    c->limits = (checkpoint_limits){.start = 100000, .ceiling = 512};  // without the helper
    for (int i = 0; i < 100; i++) {
        commit_pages(&r, 1);
        assert_true(c->log_pages < 512 + 100);  // the commit that reached it is the last
    }
    expect_whole(&r);
    rig_stop(&r);
}

static void the_log_starts_anew_beside_a_steady_writer(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    checkpointer *c = checkpoints_of(&r);
    int longest = 0, steps = 0;
    c->limits = (checkpoint_limits){.start = 512, .rest = 256, .ceiling = 1 << 20};
    while (c->log_pages >= longest && steps++ < 5000) {
        longest = c->log_pages;
        commit_pages(&r, 1);
    }
    assert_true(steps < 5000 && longest >= 512);
    expect_whole(&r);
    rig_stop(&r);
}

static void a_long_reader_does_not_stop_the_writer(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    commit_pages(&r, 1);
    sqlite_link reader = {0};
    rig_ok(sqlite_link_open(sqlite_store_of(r.store)->path, "", &reader));
    rig_ok(sqlite_run_text(reader.db, "BEGIN; SELECT count(*) FROM job"));
    commit_pages(&r, 100);
    int64_t seen = 0;
    rig_ok(sqlite_read_number(reader.db, "SELECT count(*) FROM job", &seen));
    assert_int_equal(seen, 1);
    sqlite_link_close(&reader);
    assert_int_equal(rows_on_disk(&r), 101);
    rig_stop(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_that_was_acknowledged_survives_a_kill),
    cmocka_unit_test(the_log_never_outgrows_its_ceiling),
    cmocka_unit_test(the_log_starts_anew_beside_a_steady_writer),
    cmocka_unit_test(a_long_reader_does_not_stop_the_writer),
};

UNIT_TEST_MAIN(tests)
