// store_files - the SQLite backend's folder: who may open it, and what it refuses to open.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NOBODY 65534

static const store_backend sqlite = {"sqlite", store_sqlite_open};

static int mode_of(const char *place, const char *name)
{
    char path[128];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", place, name);
    assert_int_equal(stat(path, &found), 0);
    return (int) (found.st_mode & 0777);
}

static void folder_and_files_are_private(void **state)
{
    (void) state;
    mode_t before = umask(0);
    char place[64], dir[80];
    rig_make_place(place);
    snprintf(dir, sizeof dir, "%s/data", place);
    store *s = NULL;
    rig_ok(store_sqlite_open(dir, &s));
    rig r = {.store = s};
    rig_submit(&r);
    assert_int_equal(mode_of(dir, "."), 0700);
    assert_int_equal(mode_of(dir, "errand.db"), 0600);
    assert_int_equal(mode_of(dir, "errand.db-wal"), 0600);
    assert_int_equal(mode_of(dir, "errand.db-shm"), 0600);
    assert_int_equal(mode_of(dir, "lock"), 0600);
    s->ops->close(s);
    rig_remove_place(place);
    umask(before);
}

static void a_copy_that_others_could_read_is_private_again(void **state)
{
    (void) state;
    char place[64], path[80];
    rig_make_place(place);
    snprintf(path, sizeof path, "%s/errand.db", place);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(fchmod(fd, 0644), 0);
    close(fd);
    store *s = NULL;
    rig_ok(store_sqlite_open(place, &s));
    assert_int_equal(mode_of(place, "errand.db"), 0600);
    s->ops->close(s);
    rig_remove_place(place);
}

static void a_second_opener_is_refused_and_told_who_has_it(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    char pid[32];
    store *second = NULL;
    AUTO(status) failure = store_sqlite_open(r.place, &second);
    assert_int_equal(status_code_of(failure), STATUS_FAILED_PRECONDITION);
    snprintf(pid, sizeof pid, "process %ld)", (long) getpid());
    assert_non_null(strstr(failure->message, pid));
    assert_non_null(strstr(failure->message, r.place));
    rig_submit(&r);  // the first one goes on
    rig_stop(&r);
}

static void the_folder_is_free_again_after_closing(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    job_row row = rig_submit(&r);
    for (int i = 0; i < 3; i++)
        rig_reopen(&r);
    assert_int_equal(rig_find(&r, &row.id).seq, row.seq);
    rig_stop(&r);
}

// Runs SQL text on the database file of a closed store.
static void tamper(const rig *r, const char *text)
{
    sqlite3 *db = sql_open_file(r->place);
    sql_run(db, text);
    sqlite3_close(db);
}

static void expect_refusal(rig *r, status_code code, const char *words)
{
    AUTO(status) failure = store_sqlite_open(r->place, &r->store);
    assert_int_equal(status_code_of(failure), code);
    assert_non_null(strstr(failure->message, words));
    assert_non_null(strstr(failure->message, r->place));
    arena_free(r->memory);
    rig_remove_place(r->place);
}

static void a_newer_store_is_refused(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    r.store->ops->close(r.store);
    tamper(&r, "PRAGMA user_version = 1000");
    expect_refusal(&r, STATUS_FAILED_PRECONDITION, "newer");
}

static void the_database_of_another_program_is_refused(void **state)
{
    (void) state;
    rig r = {.memory = arena_new(0)};
    rig_make_place(r.place);
    tamper(&r, "CREATE TABLE theirs (x)");
    expect_refusal(&r, STATUS_FAILED_PRECONDITION, "another program");
}

static void write_file(const char *place, const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t) size);
    close(fd);
}

static void a_damaged_file_is_data_loss(void **state)
{
    (void) state;
    static char rubbish[8192];
    rig r = {.memory = arena_new(0)};
    rig_make_place(r.place);
    memset(rubbish, 'x', sizeof rubbish);
    write_file(r.place, "errand.db", rubbish, sizeof rubbish);
    expect_refusal(&r, STATUS_DATA_LOSS, "damaged");
}

static void a_store_cut_off_at_its_making_is_made_anew(void **state)
{
    (void) state;
    rig r = {.backend = &sqlite, .memory = arena_new(0), .now_us = T0};
    rig_make_place(r.place);
    write_file(r.place, "errand.db", "", 0);
    rig_open(&r);
    rig_submit(&r);
    rig_stop(&r);
}

static void a_missing_parent_folder_is_named(void **state)
{
    (void) state;
    store *s = NULL;
    AUTO(status) failure = store_sqlite_open("/tmp/errand-no-such-folder/data", &s);
    assert_int_equal(status_code_of(failure), STATUS_UNAVAILABLE);
    assert_non_null(strstr(failure->message, "/tmp/errand-no-such-folder/data"));
    assert_null(s);
}

// Runs a check as a user without rights over other users' files; its exit status is the verdict.
static void as_nobody(void (*check)(const char *place), const char *place)
{
    int verdict = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
            _exit(0);
        check(place);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &verdict, 0), child);
    assert_true(WIFEXITED(verdict) && WEXITSTATUS(verdict) == 0);
}

static void expect_denied(const char *place)
{
    store *s = NULL;
    status *failure = store_sqlite_open(place, &s);
    if (status_code_of(failure) != STATUS_PERMISSION_DENIED || !strstr(failure->message, place))
        _exit(1);
    status_free(failure);
}

static void a_read_only_folder_is_permission_denied(void **state)
{
    (void) state;
    rig r = {.memory = arena_new(0)};
    rig_make_place(r.place);
    assert_int_equal(chmod(r.place, 0555), 0);
    as_nobody(expect_denied, r.place);
    arena_free(r.memory);
    rig_remove_place(r.place);
}

static void a_read_only_file_is_permission_denied(void **state)
{
    (void) state;
    rig r = rig_start(&sqlite);
    char path[128];
    r.store->ops->close(r.store);
    assert_int_equal(chmod(r.place, 0777), 0);
    snprintf(path, sizeof path, "%s/lock", r.place);
    assert_int_equal(chmod(path, 0666), 0);
    snprintf(path, sizeof path, "%s/errand.db", r.place);
    assert_int_equal(chmod(path, 0444), 0);
    as_nobody(expect_denied, r.place);
    arena_free(r.memory);
    rig_remove_place(r.place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(folder_and_files_are_private),
    cmocka_unit_test(a_copy_that_others_could_read_is_private_again),
    cmocka_unit_test(a_second_opener_is_refused_and_told_who_has_it),
    cmocka_unit_test(the_folder_is_free_again_after_closing),
    cmocka_unit_test(a_newer_store_is_refused),
    cmocka_unit_test(the_database_of_another_program_is_refused),
    cmocka_unit_test(a_damaged_file_is_data_loss),
    cmocka_unit_test(a_store_cut_off_at_its_making_is_made_anew),
    cmocka_unit_test(a_missing_parent_folder_is_named),
    cmocka_unit_test(a_read_only_folder_is_permission_denied),
    cmocka_unit_test(a_read_only_file_is_permission_denied),
};

UNIT_TEST_MAIN(tests)
