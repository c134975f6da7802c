// store_locks - locks that a connection keeps between its reads: nobody waits for them, and nobody
// reads anything old.
#include "store/sqlite_locks.h"
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include <pthread.h>
#include <stdatomic.h>

#define READERS  3
#define COMMITS  1500
#define TRUNCATE "PRAGMA wal_checkpoint(TRUNCATE)"  // 1: somebody was in the way

// ---- the default VFS, which counts calls for locks of the log ----

static sqlite3_vfs *real_vfs;
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods counting_methods;
static atomic_int lock_calls;

static int counting_lock(sqlite3_file *file, int first, int count, int flags)
{
    atomic_fetch_add(&lock_calls, 1);
    return real_methods->xShmLock(file, first, count, flags);
}

static int counting_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                         int *ret)
{
    (void) vfs;
    int code = real_vfs->xOpen(real_vfs, name, file, flags, ret);
    if (code == SQLITE_OK && flags & SQLITE_OPEN_MAIN_DB) {
        real_methods = file->pMethods;
        counting_methods = *real_methods;
        counting_methods.xShmLock = counting_lock;
        file->pMethods = &counting_methods;
    }
    return code;
}

static int install_counting_vfs(void **state)
{
    static sqlite3_vfs counting;
    (void) state;
    real_vfs = sqlite3_vfs_find(NULL);
    counting = *real_vfs;
    counting.zName = "counting";
    counting.xOpen = counting_open;
    return sqlite3_vfs_register(&counting, 1);
}

// ---- connections ----

static sqlite3 *connect_by(const char *vfs, const char *place)
{
    sqlite3 *db = NULL;
    char path[80];
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    (void) snprintf(path, sizeof path, "%s/x", place);
    assert_int_equal(sqlite3_open_v2(path, &db, flags, vfs), SQLITE_OK);
    sql_run(db, "PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF");
    return db;
}

typedef struct scene {
    char place[64];
    const char *vfs;
    sqlite3 *writer, *reader;
} scene;

static scene begin(void)
{
    scene s;
    rig_make_place(s.place);
    rig_ok(sqlite_locks_vfs(&s.vfs));
    s.writer = connect_by(s.vfs, s.place);
    sql_run(s.writer, "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    s.reader = connect_by(s.vfs, s.place);
    return s;
}

static void end(scene *s)
{
    sqlite3_close(s->reader);
    sqlite3_close(s->writer);
    rig_remove_place(s->place);
}

static int64_t read_one(sqlite3 *db)
{
    return sql_number(db, "SELECT a FROM t");
}

// ---- tests ----

static void a_read_after_a_read_asks_for_no_lock(void **state)
{
    (void) state;
    scene s = begin();
    assert_int_equal(read_one(s.reader), 1);
    assert_true(atomic_exchange(&lock_calls, 0) > 0);
    assert_int_equal(read_one(s.reader), 1);
    assert_int_equal(atomic_load(&lock_calls), 0);
    end(&s);
}

static void a_read_after_a_commit_sees_it(void **state)
{
    (void) state;
    scene s = begin();
    for (int i = 2; i < 20; i++) {
        char text[32];
        (void) snprintf(text, sizeof text, "UPDATE t SET a = %d", i);
        sql_run(s.writer, text);
        assert_int_equal(read_one(s.reader), i);
        if (i % 3 == 0)
            assert_int_equal(sql_number(s.writer, TRUNCATE), 0);
    }
    end(&s);
}

static void a_kept_lock_is_not_in_the_way_of_a_checkpoint(void **state)
{
    (void) state;
    scene s = begin();
    sqlite3 *other = connect_by(s.vfs, s.place);
    assert_int_equal(read_one(s.reader), 1);
    sql_run(s.writer, "UPDATE t SET a = 2");
    assert_int_equal(read_one(other), 2);
    assert_int_equal(sql_number(s.writer, TRUNCATE), 0);
    assert_int_equal(read_one(s.reader), 2);
    sqlite3_close(other);
    end(&s);
}

static void a_lock_in_use_is(void **state)
{
    (void) state;
    scene s = begin();
    sql_run(s.reader, "BEGIN");
    assert_int_equal(read_one(s.reader), 1);
    sql_run(s.writer, "UPDATE t SET a = 2");
    assert_int_equal(sql_number(s.writer, TRUNCATE), 1);
    assert_int_equal(read_one(s.reader), 1);
    sql_run(s.reader, "COMMIT");
    assert_int_equal(sql_number(s.writer, TRUNCATE), 0);
    assert_int_equal(read_one(s.reader), 2);
    end(&s);
}

// Another program is such a stranger: what it asks for is judged by the locks of the system.
static void a_stranger_waits_until_the_connection_is_closed(void **state)
{
    (void) state;
    scene s = begin();
    sqlite3 *stranger = connect_by(NULL, s.place);
    sqlite3 *other = connect_by(s.vfs, s.place);
    assert_int_equal(read_one(other), 1);
    sql_run(s.writer, "UPDATE t SET a = 2");
    assert_int_equal(read_one(stranger), 2);
    assert_int_equal(sql_number(stranger, TRUNCATE), 1);
    sqlite3_close(other);
    sqlite3_close(s.reader);
    sqlite3_close(s.writer);
    assert_int_equal(sql_number(stranger, TRUNCATE), 0);
    sqlite3_close(stranger);
    rig_remove_place(s.place);
}

typedef struct storm {
    scene scene;
    atomic_int committed;
    atomic_bool over, was_old;
} storm;

static void *read_on(void *data)
{
    storm *all = data;
    sqlite3 *db = connect_by(all->scene.vfs, all->scene.place);
    sqlite3_busy_timeout(db, 1000);
    while (!atomic_load(&all->over)) {
        int before = atomic_load(&all->committed);
        if (read_one(db) < before)
            atomic_store(&all->was_old, true);
    }
    sqlite3_close(db);
    return NULL;
}

static void many_readers_see_each_commit_while_the_log_starts_anew(void **state)
{
    (void) state;
    storm all = {.scene = begin()};
    pthread_t readers[READERS];
    atomic_init(&all.committed, 1);
    sqlite3_busy_timeout(all.scene.writer, 1000);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &all), 0);
    for (int i = 2; i < COMMITS; i++) {
        sql_run(all.scene.writer, "UPDATE t SET a = a + 1");
        atomic_store(&all.committed, i);
        if (i % 10 == 0)
            (void) sql_number(all.scene.writer, TRUNCATE);
    }
    atomic_store(&all.over, true);
    for (int i = 0; i < READERS; i++)
        (void) pthread_join(readers[i], NULL);
    assert_false(atomic_load(&all.was_old));
    assert_int_equal(read_one(all.scene.writer), COMMITS - 1);
    end(&all.scene);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_read_after_a_read_asks_for_no_lock),
    cmocka_unit_test(a_read_after_a_commit_sees_it),
    cmocka_unit_test(a_kept_lock_is_not_in_the_way_of_a_checkpoint),
    cmocka_unit_test(a_lock_in_use_is),
    cmocka_unit_test(a_stranger_waits_until_the_connection_is_closed),
    cmocka_unit_test(many_readers_see_each_commit_while_the_log_starts_anew),
};

UNIT_TEST_MAIN_WITH(tests, install_counting_vfs, NULL)
