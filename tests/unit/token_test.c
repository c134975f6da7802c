// token - bearer tokens and their hashes.
#include "unit/unit_test.h"

#include "base/cleanup.h"
#include "base/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void no_two_tokens_are_alike(void **state)
{
    (void) state;
    char one[TOKEN_TEXT_SIZE], other[TOKEN_TEXT_SIZE];
    token_new(one);
    token_new(other);
    assert_int_equal(strlen(one), 7 + 64);
    assert_memory_equal(one, "errand_", 7);
    assert_int_equal(strspn(one + 7, "0123456789abcdef"), 64);
    assert_string_not_equal(one, other);
}

// As `printf %s abc | sha256sum` says.
static void a_hash_is_the_sha256_of_the_whole_token(void **state)
{
    (void) state;
    static const char expected[] =
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char text[TOKEN_HASH_TEXT_SIZE];
    token_hash hash = token_hash_of("abc"), read;
    assert_string_equal(token_hash_format(&hash, text), expected);
    assert_true(token_hash_parse(expected, &read));
    assert_memory_equal(&hash, &read, sizeof hash);
}

static void what_is_no_hash_is_refused(void **state)
{
    (void) state;
    token_hash hash;
    assert_false(token_hash_parse("", &hash));
    assert_false(token_hash_parse("sha256:", &hash));
    assert_false(token_hash_parse(
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &hash));
    assert_false(token_hash_parse(
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", &hash));
    assert_false(token_hash_parse(
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag", &hash));
    assert_false(token_hash_parse(
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015adff", &hash));
}

static char *file_with(const char *text)
{
    char *name = strdup("/tmp/token_test_XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
    close(fd);
    return name;
}

static void assert_file(const char *text, const char *expected)
{
    AUTO_FREE char *name = file_with(text);
    AUTO_FREE char *token = NULL;
    AUTO(status) failure = token_read_file(name, &token);
    unlink(name);
    if (expected != NULL) {
        assert_null(failure);
        assert_string_equal(token, expected);
    } else {
        assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
        assert_null(strstr(failure->message, "hush"));
    }
}

static void a_token_file_holds_one_line(void **state)
{
    (void) state;
    assert_file("errand_1", "errand_1");
    assert_file("errand_1\n", "errand_1");
    assert_file("errand_1\r\nfurther lines", "errand_1");
    assert_file("", NULL);
    assert_file("\n", NULL);
    assert_file("hush hush\n", NULL);
    assert_file("hush\x7f\n", NULL);
    assert_file("h\xc3\xbcsh\n", NULL);
    char *unused = NULL;
    AUTO(status) failure = token_read_file("/nowhere/at/all", &unused);
    assert_int_equal(status_code_of(failure), STATUS_NOT_FOUND);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_two_tokens_are_alike),
    cmocka_unit_test(a_hash_is_the_sha256_of_the_whole_token),
    cmocka_unit_test(what_is_no_hash_is_refused),
    cmocka_unit_test(a_token_file_holds_one_line),
};

UNIT_TEST_MAIN(tests)
