// store_backup - conformance: a copy of the store as it was at one moment, beside running work.
#include "unit/store_rig.h"
#include "unit/store_sql.h"

#include "store/sqlite_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

// The path of a file in the rig's folder.
static const char *in_place(const rig *r, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", r->place, name);
    return path;
}

// A second rig without a store yet: a backup goes into its folder.
static rig copy_rig(const rig *r)
{
    rig copy = {.backend = r->backend, .memory = arena_new(0), .now_us = r->now_us};
    rig_make_place(copy.place);
    return copy;
}

static void back_up(rig *r, const rig *copy, int64_t *ret_bytes)
{
    rig_ok(r->store->ops->backup(r->store, in_place(copy, "errand.db"), NULL, ret_bytes));
}

CONFORMS(a_backup_opens_as_a_store_with_all_there_was)
{
    store_queue *queues = NULL;
    size_t count = 0;
    int64_t bytes = 0;
    struct stat found;
    job_row row = rig_submit(r), finished = rig_finish(r, rig_submit(r));
    rig_begin(r);
    rig_ok(r->store->ops->put_result(r->store, finished.seq, (slice){(const uint8_t *) "x", 1}));
    rig_ok(r->store->ops->save_queue(r->store, &(store_queue){"q", {NULL, 0}, 1, 1}));
    rig_commit(r);
    rig copy = copy_rig(r);
    back_up(r, &copy, &bytes);
    assert_int_equal(stat(in_place(&copy, "errand.db"), &found), 0);
    assert_int_equal(found.st_size, bytes);
    assert_int_equal(found.st_mode & 0777, 0600);
    job_row later = rig_submit(r);
    rig_open(&copy);
    job_row there = rig_load(&copy, row.seq), done = rig_load(&copy, finished.seq);
    rig_assert_same_row(&row, &there);
    rig_assert_same_row(&finished, &done);
    assert_int_equal(rig_load(&copy, later.seq).seq, 0);
    assert_int_equal(rig_count(&copy, row.route, JOB_READY), 1);
    assert_int_equal(copy.store->ops->next_seq(copy.store), later.seq);
    rig_ok(copy.store->ops->load_queues(copy.store, copy.memory, &queues, &count));
    assert_int_equal(count, 1);
    rig_submit(&copy);
    rig_stop(&copy);
}

CONFORMS(a_file_that_is_there_is_not_touched)
{
    int64_t bytes = -1;
    char content[8] = "";
    int fd = open(in_place(r, "mine"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(fd, "mine", 4), 4);
    int before = rig_entries(r->place);
    AUTO(status) failure = r->store->ops->backup(r->store, in_place(r, "mine"), NULL, &bytes);
    assert_int_equal(status_code_of(failure), STATUS_ALREADY_EXISTS);
    assert_non_null(strstr(failure->message, in_place(r, "mine")));
    assert_int_equal(pread(fd, content, sizeof content, 0), 4);
    assert_string_equal(content, "mine");
    assert_int_equal(bytes, -1);
    assert_int_equal(rig_entries(r->place), before);
    close(fd);
}

CONFORMS(a_backup_to_nowhere_names_the_path)
{
    int64_t bytes = -1;
    const char *path = in_place(r, "none/copy");
    AUTO(status) failure = r->store->ops->backup(r->store, path, NULL, &bytes);
    assert_int_equal(status_code_of(failure), STATUS_FAILED_PRECONDITION);
    assert_non_null(strstr(failure->message, path));
}

CONFORMS(a_backup_that_is_given_up_leaves_nothing)
{
    atomic_bool stop;
    int64_t bytes = -1;
    atomic_init(&stop, true);
    rig_submit(r);
    int before = rig_entries(r->place);
    AUTO(status) failure = r->store->ops->backup(r->store, in_place(r, "copy"), &stop, &bytes);
    assert_int_equal(status_code_of(failure), STATUS_UNAVAILABLE);
    assert_int_equal(bytes, -1);
    assert_int_equal(rig_entries(r->place), before);
    atomic_store(&stop, false);
    rig_ok(r->store->ops->backup(r->store, in_place(r, "copy"), &stop, &bytes));
}

// ---- beside a writer ----

typedef struct job_of_backup {
    store *store;
    char path[128];
    atomic_bool done;
    status *failure;
} job_of_backup;

static void *run_backup(void *data)
{
    job_of_backup *b = data;
    int64_t bytes = 0;
    b->failure = b->store->ops->backup(b->store, b->path, NULL, &bytes);
    atomic_store(&b->done, true);
    return NULL;
}

// Puts pages into the store, to have something to copy.
static void fill(rig *r, int megabytes)
{
    static uint8_t large[1 << 20];
    for (int i = 0; i < megabytes; i++) {
        rig_begin(r);
        job_row row = rig_insert(r, rig_route(r, "q", "k"), 0, 0);
        rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){large, sizeof large}));
        rig_commit(r);
    }
}

// Each transaction adds two jobs, and a route's counters with them.
static int write_until(rig *r, atomic_bool *done)
{
    int commits = 0;
    while (!atomic_load(done) || commits < 10) {
        rig_begin(r);
        rig_insert(r, rig_route(r, "twins", "k"), 0, 0);
        rig_insert(r, rig_route(r, "twins", "k"), 0, 0);
        rig_commit(r);
        commits++;
    }
    return commits;
}

static void expect_whole(rig *copy)
{
    int32_t route = copy->store->ops->find_route(copy->store, "twins", "k");
    int64_t twins = rig_count(copy, route, JOB_READY);
    char text[128];
    assert_int_equal(twins % 2, 0);
    snprintf(text, sizeof text, "SELECT count(*) FROM job WHERE route = %d", route);
    assert_int_equal(sql_store_number(copy, text), twins);
    assert_int_equal(sql_store_number(copy, "SELECT count(*) FROM pragma_integrity_check"
                                            " WHERE integrity_check <> 'ok'"),
                     0);
}

CONFORMS(a_backup_beside_a_steady_writer_ends_and_is_of_one_moment)
{
    pthread_t thread;
    job_of_backup b = {.store = r->store};
    fill(r, 30);
    rig copy = copy_rig(r);
    snprintf(b.path, sizeof b.path, "%s", in_place(&copy, "errand.db"));
    assert_int_equal(pthread_create(&thread, NULL, run_backup, &b), 0);
    write_until(r, &b.done);
    pthread_join(thread, NULL);
    rig_ok(b.failure);
    rig_open(&copy);
    expect_whole(&copy);
    rig_stop(&copy);
}

// The log grows as long as the copy is read from it; the writer only bounds it afterwards.
static void a_writer_does_not_wait_for_a_log_that_is_held(void **state)
{
    (void) state;
    rig r = rig_start(&(store_backend){"sqlite", store_sqlite_open});
    checkpointer *c = &sqlite_store_of(r.store)->checkpoints;
    sqlite_link reader = {0};
    c->limits = (checkpoint_limits){.start = 64, .rest = 16, .ceiling = 256};
    fill(&r, 1);
    rig_ok(sqlite_link_open(sqlite_store_of(r.store)->path, "", &reader));
    rig_ok(sqlite_run_text(reader.db, "BEGIN; SELECT count(*) FROM job"));
    checkpointer_hold(c);
    fill(&r, 5);
    assert_true(c->log_pages > 1000);  // four times the ceiling
    sqlite_link_close(&reader);
    checkpointer_let_go(c);
    fill(&r, 5);
    assert_true(c->log_pages < 1000);
    rig_stop(&r);
}

// ---- what happens to the file, in order: synced, named, and the name synced ----

static char events[8];

static void note(char event)
{
    size_t size = strlen(events);
    if (size + 1 < sizeof events)
        events[size] = event;
}

static bool is_folder(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    note(is_folder(fd) ? 'd' : 'f');
    return __real_fsync(fd);
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    note('l');
    return __real_link(from, to);
}

// The rig whose writer commits at each step of a backup, and how often it still does.
static rig *busy;
static int commits_left;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    if (busy && commits_left-- > 0)
        rig_submit(busy);
    return __real_fdatasync(fd);
}

CONFORMS(commits_between_the_steps_do_not_go_into_the_copy)
{
    int64_t bytes = 0;
    fill(r, 30);
    job_row last = rig_submit(r);
    rig copy = copy_rig(r);
    busy = r;
    commits_left = 1000;
    back_up(r, &copy, &bytes);
    busy = NULL;
    assert_true(commits_left < 1000 && commits_left > 0);  // several steps, none of them again
    rig_open(&copy);
    assert_int_equal(sql_store_number(&copy, "SELECT max(seq) FROM job"), last.seq);
    expect_whole(&copy);
    rig_stop(&copy);
}

CONFORMS(a_backup_is_on_disk_before_it_has_its_name)
{
    int64_t bytes = 0;
    rig_submit(r);
    memset(events, 0, sizeof events);
    rig_ok(r->store->ops->backup(r->store, in_place(r, "copy"), NULL, &bytes));
    assert_string_equal(events, "fld");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_backup_opens_as_a_store_with_all_there_was),
    cmocka_unit_test(a_file_that_is_there_is_not_touched),
    cmocka_unit_test(a_backup_to_nowhere_names_the_path),
    cmocka_unit_test(a_backup_that_is_given_up_leaves_nothing),
    cmocka_unit_test(a_backup_beside_a_steady_writer_ends_and_is_of_one_moment),
    cmocka_unit_test(commits_between_the_steps_do_not_go_into_the_copy),
    cmocka_unit_test(a_backup_is_on_disk_before_it_has_its_name),
    cmocka_unit_test(a_writer_does_not_wait_for_a_log_that_is_held),
};

UNIT_TEST_MAIN(tests)
