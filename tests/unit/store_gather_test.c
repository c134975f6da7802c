// store_gather - writes to the log are held back until a sync, and nobody who may see them is
// shown anything else.
#include "store/sqlite_gather.h"
#include "unit/store_rig.h"

#include <fcntl.h>
#include <sqlite3.h>

#define MUCH 100000  // more than is held

// A log that was opened like SQLite does it, and the same file seen by others.
typedef struct gathered {
    char place[64];
    char path[80];
    sqlite3_file *file;
    int others;
} gathered;

static gathered open_log(void)
{
    gathered l;
    const char *name;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;
    rig_ok(sqlite_gather_vfs(&name));
    sqlite3_vfs *vfs = sqlite3_vfs_find(name);
    assert_non_null(vfs);
    rig_make_place(l.place);
    // SQLite looks for parameters behind the name of a file, and at the database beside the log.
    memset(l.path, 0, sizeof l.path);
    snprintf(l.path, sizeof l.path - 2, "%s/x", l.place);
    int database = open(l.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(database >= 0);
    close(database);
    strcat(l.path, "-wal");
    l.file = calloc(1, (size_t) vfs->szOsFile);
    assert_non_null(l.file);
    assert_int_equal(vfs->xOpen(vfs, l.path, l.file, flags, &flags), SQLITE_OK);
    l.others = open(l.path, O_RDONLY | O_CLOEXEC);
    assert_true(l.others >= 0);
    return l;
}

static void close_log(gathered *l)
{
    assert_int_equal(l->file->pMethods->xClose(l->file), SQLITE_OK);
    free(l->file);
    close(l->others);
    rig_remove_place(l->place);
}

static void put(gathered *l, const char *bytes, sqlite3_int64 at)
{
    int size = (int) strlen(bytes);
    assert_int_equal(l->file->pMethods->xWrite(l->file, bytes, size, at), SQLITE_OK);
}

static off_t seen_bytes(const gathered *l)
{
    struct stat found;
    assert_int_equal(fstat(l->others, &found), 0);
    return found.st_size;
}

static void expect(const gathered *l, const char *bytes, off_t at)
{
    char found[16] = "";
    size_t size = strlen(bytes);
    assert_int_equal(pread(l->others, found, size, at), size);
    assert_memory_equal(found, bytes, size);
}

static void writes_that_follow_each_other_are_held_until_the_sync(void **state)
{
    (void) state;
    gathered l = open_log();
    put(&l, "head", 0);
    put(&l, "page", 4);
    assert_int_equal(seen_bytes(&l), 0);
    assert_int_equal(l.file->pMethods->xSync(l.file, SQLITE_SYNC_FULL), SQLITE_OK);
    expect(&l, "headpage", 0);
    close_log(&l);
}

static void a_write_elsewhere_comes_after_those_before_it(void **state)
{
    (void) state;
    gathered l = open_log();
    put(&l, "one two three", 0);
    put(&l, "TWO", 4);
    expect(&l, "one two three", 0);
    put(&l, "one", 0);
    expect(&l, "one TWO three", 0);
    close_log(&l);
}

static void what_is_held_can_be_read(void **state)
{
    (void) state;
    gathered l = open_log();
    char found[8];
    put(&l, "headpage", 0);
    assert_int_equal(l.file->pMethods->xRead(l.file, found, 4, 4), SQLITE_OK);
    assert_memory_equal(found, "page", 4);
    close_log(&l);
}

static void what_is_held_counts_as_size_and_can_be_cut_off(void **state)
{
    (void) state;
    gathered l = open_log();
    sqlite3_int64 size = 0;
    put(&l, "headpage", 0);
    assert_int_equal(l.file->pMethods->xFileSize(l.file, &size), SQLITE_OK);
    assert_int_equal(size, 8);
    put(&l, "rest", 8);
    assert_int_equal(l.file->pMethods->xTruncate(l.file, 4), SQLITE_OK);
    assert_int_equal(seen_bytes(&l), 4);
    close_log(&l);
}

static void what_is_held_is_written_when_the_file_is_closed(void **state)
{
    (void) state;
    gathered l = open_log();
    put(&l, "page", 0);
    int code = l.file->pMethods->xClose(l.file);
    assert_int_equal(code, SQLITE_OK);
    expect(&l, "page", 0);
    free(l.file);
    close(l.others);
    rig_remove_place(l.place);
}

static void more_than_is_held_is_written_whole(void **state)
{
    (void) state;
    gathered l = open_log();
    char *much = malloc(MUCH + 1), *found = malloc(MUCH);
    assert_true(much && found);
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char) ('a' + i % 23);
    much[MUCH] = '\0';
    put(&l, "head", 0);
    put(&l, much, 4);
    for (sqlite3_int64 i = 0; i < MUCH / 4; i++)
        put(&l, "tail", 4 + MUCH + 4 * i);
    assert_int_equal(l.file->pMethods->xSync(l.file, SQLITE_SYNC_FULL), SQLITE_OK);
    assert_int_equal(seen_bytes(&l), 4 + 2 * MUCH);
    assert_int_equal(pread(l.others, found, MUCH, 4), MUCH);
    assert_memory_equal(found, much, MUCH);
    expect(&l, "tailtail", 4 + 2 * MUCH - 8);
    free(much);
    free(found);
    close_log(&l);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(writes_that_follow_each_other_are_held_until_the_sync),
    cmocka_unit_test(a_write_elsewhere_comes_after_those_before_it),
    cmocka_unit_test(what_is_held_can_be_read),
    cmocka_unit_test(what_is_held_counts_as_size_and_can_be_cut_off),
    cmocka_unit_test(what_is_held_is_written_when_the_file_is_closed),
    cmocka_unit_test(more_than_is_held_is_written_whole),
};

UNIT_TEST_MAIN(tests)
