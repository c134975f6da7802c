// store_faults - the SQLite backend on a disk that fails: nothing half done, nothing acknowledged
// lost.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include <sys/wait.h>

static const store_backend sqlite = {"sqlite", store_sqlite_open};

// ---- the n-th write or sync fails ----

typedef struct faults {
    int left;     // calls until the first that fails; below 0: none does
    int lasting;  // whether all after it fail too
    int code;     // what they say
} faults;

static faults armed = {.left = -1};
static int syncs;

static bool is_time_to_fail(void)
{
    if (armed.left < 0)
        return false;
    if (armed.left > 0) {
        armed.left--;
        return false;
    }
    if (!armed.lasting)
        armed.left = -1;
    return true;
}

// SQLite's own methods, and a copy of each that asks first.
static struct {
    const sqlite3_io_methods *real;
    sqlite3_io_methods faulty;
} method_pairs[4];

static const sqlite3_io_methods *real_methods(const sqlite3_file *file)
{
    for (size_t i = 0; i < 4; i++)
        if (file->pMethods == &method_pairs[i].faulty)
            return method_pairs[i].real;
    fail_msg("a file of unknown kind");
    return NULL;
}

static int faulty_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    return is_time_to_fail() ? armed.code : real_methods(file)->xWrite(file, bytes, size, at);
}

// A full disk still syncs.
static int faulty_sync(sqlite3_file *file, int flags)
{
    syncs++;
    bool fails = armed.code != SQLITE_FULL && is_time_to_fail();
    return fails ? SQLITE_IOERR_FSYNC : real_methods(file)->xSync(file, flags);
}

static const sqlite3_io_methods *faulty_methods(const sqlite3_io_methods *real)
{
    size_t i = 0;
    while (i < 4 && method_pairs[i].real && method_pairs[i].real != real)
        i++;
    assert_true(i < 4);
    if (!method_pairs[i].real) {
        method_pairs[i].real = real;
        method_pairs[i].faulty = *real;
        method_pairs[i].faulty.xWrite = faulty_write;
        method_pairs[i].faulty.xSync = faulty_sync;
    }
    return &method_pairs[i].faulty;
}

static sqlite3_vfs *real_vfs;

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    (void) vfs;
    int code = real_vfs->xOpen(real_vfs, name, file, flags, ret);
    if (code == SQLITE_OK)
        file->pMethods = faulty_methods(file->pMethods);
    return code;
}

static int install_faulty_vfs(void **state)
{
    static sqlite3_vfs faulty;
    (void) state;
    real_vfs = sqlite3_vfs_find(NULL);
    faulty = *real_vfs;
    faulty.zName = "faulty";
    faulty.xOpen = faulty_open;
    return sqlite3_vfs_register(&faulty, 1);
}

#define MANY 100  // so many jobs do not go to the log with one write

typedef struct change {
    job_row finished, added, started;
    int64_t last_seq;
} change;

// New jobs that are written by the commit, the first of them as one that is leased already.
static status *add_many(rig *r, int32_t route, change *ret)
{
    static const uint8_t large[1500];
    const uuid worker = uuid_new_v7(T0);
    store_new_job jobs[MANY];
    for (int i = 0; i < MANY; i++) {
        jobs[i] = rig_new_job(r, route, 0, 0);
        jobs[i].spec = (slice){large, i % 2 ? sizeof large : 10};
        jobs[i].lasts = true;
    }
    ret->started = jobs[0].row;
    ret->last_seq = jobs[MANY - 1].row.seq;
    status_free(job_lease(&ret->started, &worker, 1, T0));
    status *failure = r->store->ops->insert(r->store, jobs, MANY);
    if (!failure)
        failure = r->store->ops->save(r->store, &jobs[0].row, &ret->started, 1);
    return failure;
}

// A transaction of all kinds of writes: finishes one job and adds others. ret says what it did.
static status *try_change(rig *r, const job_row *row, change *ret)
{
    const store_ops *ops = r->store->ops;
    uuid worker = uuid_new_v7(T0);
    job_row after = *row;
    slice bytes = {(const uint8_t *) "bytes", 5};
    store_new_job job = rig_new_job(r, row->route, 0, 0);
    status_free(job_lease(&after, &worker, 1, T0));
    status_free(job_succeed(&after, T0));
    *ret = (change){.finished = after, .added = job.row};
    status *failure = ops->begin(r->store);
    if (failure)
        return failure;
    failure = ops->insert(r->store, &job, 1);
    if (!failure)
        failure = ops->save(r->store, row, &after, 1);
    if (!failure)
        failure = ops->put_result(r->store, row->seq, bytes);
    if (!failure)
        failure = add_many(r, row->route, ret);
    if (!failure)
        return ops->commit(r->store);
    ops->rollback(r->store);
    return failure;
}

static void expect_undone(rig *r, const job_row *row, const change *undone)
{
    job_row found = rig_load(r, row->seq);
    slice result;
    rig_assert_same_row(row, &found);
    assert_int_equal(rig_find(r, &undone->added.id).seq, 0);
    assert_int_equal(rig_find(r, &undone->started.id).seq, 0);
    assert_int_equal(rig_load(r, undone->last_seq).seq, 0);
    rig_ok(r->store->ops->load_result(r->store, row->seq, r->memory, &result));
    assert_int_equal(result.size, 0);
    assert_int_equal(rig_count(r, row->route, JOB_READY), 1);
    assert_int_equal(rig_count(r, row->route, JOB_RUNNING), 0);
    assert_int_equal(rig_count(r, row->route, JOB_SUCCEEDED), 0);
}

static void expect_done(rig *r, const change *done)
{
    job_row finished = rig_load(r, done->finished.seq);
    job_row added = rig_find(r, &done->added.id);
    job_row started = rig_find(r, &done->started.id);
    rig_assert_same_row(&done->finished, &finished);
    rig_assert_same_row(&done->added, &added);
    rig_assert_same_row(&done->started, &started);
    assert_int_equal(rig_load(r, done->last_seq).state, JOB_READY);
    assert_int_equal(rig_count(r, added.route, JOB_READY), MANY);
    assert_int_equal(rig_count(r, added.route, JOB_RUNNING), 1);
    assert_int_equal(rig_count(r, added.route, JOB_SUCCEEDED), 1);
}

// Fails the n-th call once; false when the change was through before the n-th call.
static bool fail_nth(int n, int code, int lasting)
{
    rig r = rig_start(&sqlite);
    change undone, done;
    job_row row = rig_submit(&r);
    armed = (faults){.left = n, .code = code, .lasting = lasting};
    AUTO(status) failure = try_change(&r, &row, &undone);
    armed.left = -1;
    if (failure) {
        assert_int_equal(failure->code, STATUS_UNAVAILABLE);
        assert_true(code != SQLITE_FULL || strstr(failure->message, "full"));
        expect_undone(&r, &row, &undone);
        rig_ok(try_change(&r, &row, &done));  // the disk is well again
    } else {
        done = undone;
    }
    expect_done(&r, &done);
    rig_reopen(&r);
    expect_done(&r, &done);
    rig_stop(&r);
    return failure != NULL;
}

static void any_write_or_sync_may_fail_once(void **state)
{
    (void) state;
    int n = 0;
    while (fail_nth(n, SQLITE_IOERR_WRITE, 0))
        n++;
    assert_true(n >= 3);  // the pages, with two writes, and a sync
}

static void any_write_may_find_the_disk_full_for_a_while(void **state)
{
    (void) state;
    int n = 0;
    while (fail_nth(n, SQLITE_FULL, 1))
        n++;
    assert_true(n >= 1);
}

static void each_commit_is_synced(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    rig_submit(&r);
    for (int i = 0; i < 5; i++) {
        int before = syncs;
        rig_submit(&r);
        assert_true(syncs > before);
    }
    rig_stop(&r);
}

// Fails the n-th write of a backup; false when the backup was through before it.
static bool fail_nth_of_backup(rig *r, int n, int code)
{
    char path[128];
    int64_t bytes = -1;
    snprintf(path, sizeof path, "%s/copy", r->place);
    int files = rig_entries(r->place);
    armed = (faults){.left = n, .code = code, .lasting = 1};
    AUTO(status) failure = r->store->ops->backup(r->store, path, NULL, &bytes);
    armed.left = -1;
    if (!failure) {
        assert_int_equal(unlink(path), 0);
        return false;
    }
    assert_int_equal(failure->code,
                     code == SQLITE_FULL ? STATUS_RESOURCE_EXHAUSTED : STATUS_UNAVAILABLE);
    assert_int_equal(bytes, -1);
    assert_int_equal(rig_entries(r->place), files);  // no part of it is left
    return true;
}

static void a_backup_that_fails_leaves_nothing_and_does_no_harm(void **state)
{
    (void) state;
    static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
    rig r = rig_start(&sqlite);
    job_row row = rig_submit(&r);
    for (int i = 0; i < 2; i++) {
        int n = 0;
        while (fail_nth_of_backup(&r, n, codes[i]))
            n++;
        assert_true(n >= 5);
    }
    row = rig_finish(&r, row);
    job_row found = rig_load(&r, row.seq);
    rig_assert_same_row(&row, &found);
    rig_stop(&r);
}

// ---- a disk that is really full ----

static status *try_insert(rig *r, job_row *ret)
{
    static uint8_t large[100000];
    store_new_job job = rig_new_job(r, 1, 0, 0);
    job.spec = (slice){large, sizeof large};
    status *failure = r->store->ops->begin(r->store);
    if (failure)
        return failure;
    failure = r->store->ops->insert(r->store, &job, 1);
    if (failure) {
        r->store->ops->rollback(r->store);
        return failure;
    }
    *ret = job.row;
    return r->store->ops->commit(r->store);
}

static void fill_the_disk(rig *r)
{
    job_row row;
    int count = 0;
    status *failure = NULL;
    sql_limit_files(2 << 20);
    while (!failure) {
        failure = try_insert(r, &row);
        count += failure == NULL;
        assert_true(count < 100);
    }
    assert_int_equal(failure->code, STATUS_UNAVAILABLE);
    assert_non_null(strstr(failure->message, "the disk of the store"));
    status_free(failure);
    assert_int_equal(rig_count(r, 1, JOB_READY), count);
    rig_fails(STATUS_UNAVAILABLE, try_insert(r, &row));
    sql_limit_files(RLIM_INFINITY);
    rig_ok(try_insert(r, &row));
    rig_reopen(r);
    assert_int_equal(rig_count(r, 1, JOB_READY), count + 1);
    assert_int_equal(rig_find(r, &row.id).seq, row.seq);
}

static void a_full_disk_refuses_and_goes_on_once_there_is_space(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    rig_begin(&r);
    rig_route(&r, "q", "k");
    rig_commit(&r);
    fill_the_disk(&r);
    rig_stop(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_write_or_sync_may_fail_once),
    cmocka_unit_test(any_write_may_find_the_disk_full_for_a_while),
    cmocka_unit_test(each_commit_is_synced),
    cmocka_unit_test(a_backup_that_fails_leaves_nothing_and_does_no_harm),
    cmocka_unit_test(a_full_disk_refuses_and_goes_on_once_there_is_space),
};

UNIT_TEST_MAIN_WITH(tests, install_faulty_vfs, NULL)
