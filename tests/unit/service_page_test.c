// service_page - page tokens of lists of jobs.
#include "unit/store_rig.h"

#include "service/page.h"

#include <stdio.h>
#include <sys/stat.h>

static const store_filter filter = {.queue = "q", .state = JOB_READY};

static void assert_refused(const page_key *key, const store_filter *wanted, const char *token)
{
    int64_t before = 0;
    status *failure = page_token_read(key, wanted, token, &before);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    assert_string_equal(failure->violations[0].field, "page_token");
    status_free(failure);
}

static void a_token_finds_its_place_again(void **state)
{
    (void) state;
    const int64_t places[] = {1, 2, 4711, INT64_MAX};
    page_key key = page_key_random();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char token[PAGE_TOKEN_SIZE];
        int64_t before = 0;
        page_token_write(&key, &filter, places[i], token);
        assert_int_equal(strlen(token), PAGE_TOKEN_SIZE - 1);
        assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_"),
                         strlen(token));
        rig_ok(page_token_read(&key, &filter, token, &before));
        assert_int_equal(before, places[i]);
    }
}

static size_t characters_in_common(const char *a, const char *b)
{
    size_t same = 0;
    for (size_t i = 0; a[i] != '\0'; i++)
        same += a[i] == b[i];
    return same;
}

// 32 characters of 64 kinds: eight in common are no chance.
static void neighbouring_places_have_nothing_in_common(void **state)
{
    (void) state;
    page_key key = {{7}};
    char one[PAGE_TOKEN_SIZE], other[PAGE_TOKEN_SIZE];
    for (int64_t i = 1000; i < 1020; i++) {
        page_token_write(&key, &filter, i, one);
        page_token_write(&key, &filter, i + 1, other);
        assert_true(characters_in_common(one, other) < 8);
    }
}

static void a_changed_token_is_refused(void **state)
{
    (void) state;
    page_key key = page_key_random();
    char token[PAGE_TOKEN_SIZE];
    page_token_write(&key, &filter, 4711, token);
    for (size_t i = 0; i < PAGE_TOKEN_SIZE - 1; i++) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_refused(&key, &filter, token);
        token[i] = kept;
    }
    token[PAGE_TOKEN_SIZE - 2] = '\0';
    assert_refused(&key, &filter, token);
    assert_refused(&key, &filter, "x");
    assert_refused(&key, &filter, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_refused(&key, &filter, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

static void a_token_is_for_its_filter_and_key_only(void **state)
{
    (void) state;
    page_key key = page_key_random(), other = page_key_random();
    const store_filter filters[] = {
        {.queue = "q"},
        {.kind = "q", .state = JOB_READY},
        {.queue = "q", .state = JOB_RUNNING},
        {.queue = "q", .state = JOB_READY, .label_key = "a", .label_value = ""},
    };
    char token[PAGE_TOKEN_SIZE];
    page_token_write(&key, &filter, 4711, token);
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        assert_refused(&key, &filters[i], token);
    assert_refused(&other, &filter, token);
}

static void a_cursor_finds_its_place_again(void **state)
{
    (void) state;
    page_key key = page_key_random();
    const page_cursor cursor = {.run = UINT64_MAX, .jobs = 4711, .queue = INT64_MAX};
    page_cursor found;
    char text[PAGE_CURSOR_SIZE];
    page_cursor_write(&key, "mail", &cursor, text);
    assert_int_equal(strlen(text), PAGE_CURSOR_SIZE - 1);
    assert_true(page_cursor_read(&key, "mail", text, &found));
    assert_memory_equal(&found, &cursor, sizeof found);
}

static void a_cursor_of_elsewhere_is_of_no_run(void **state)
{
    (void) state;
    page_key key = page_key_random(), other = page_key_random();
    const page_cursor cursor = {.run = 7, .jobs = 8, .queue = 9};
    page_cursor found;
    char text[PAGE_CURSOR_SIZE];
    page_cursor_write(&key, "mail", &cursor, text);
    assert_true(page_cursor_read(&other, "mail", text, &found));
    assert_int_equal(found.run, 0);
    assert_true(page_cursor_read(&key, "bulk", text, &found));
    assert_int_equal(found.run, 0);
    text[PAGE_CURSOR_SIZE - 2] = text[PAGE_CURSOR_SIZE - 2] == 'A' ? 'B' : 'A';
    assert_true(page_cursor_read(&key, "mail", text, &found));
    assert_int_equal(found.run, 0);
    text[PAGE_CURSOR_SIZE - 2] = '\0';
    assert_false(page_cursor_read(&key, "mail", text, &found));
    assert_false(page_cursor_read(&key, "mail", "1-1-1", &found));
}

static void the_key_stays_with_the_store(void **state)
{
    (void) state;
    char place[64], path[80];
    rig_make_place(place);
    page_key first = page_key_open(place), again = page_key_open(place);
    assert_memory_equal(&first, &again, sizeof first);
    (void) snprintf(path, sizeof path, "%s/page.key", place);
    struct stat made;
    assert_int_equal(stat(path, &made), 0);
    assert_int_equal(made.st_mode & 0777, 0600);
    assert_int_equal(truncate(path, 5), 0);
    page_key anew = page_key_open(place), kept = page_key_open(place);
    assert_memory_not_equal(&first, &anew, sizeof first);
    assert_memory_equal(&anew, &kept, sizeof anew);
    rig_remove_place(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_token_finds_its_place_again),
    cmocka_unit_test(neighbouring_places_have_nothing_in_common),
    cmocka_unit_test(a_changed_token_is_refused),
    cmocka_unit_test(a_token_is_for_its_filter_and_key_only),
    cmocka_unit_test(a_cursor_finds_its_place_again),
    cmocka_unit_test(a_cursor_of_elsewhere_is_of_no_run),
    cmocka_unit_test(the_key_stays_with_the_store),
};

UNIT_TEST_MAIN(tests)
