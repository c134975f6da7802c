// crypto - published test vectors, and base64 with all the ways to write it wrong.
#include "unit/unit_test.h"

#include "base/crypto.h"

#include <stdlib.h>

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[2 * SHA256_BYTES + 1] = "";
    for (size_t i = 0; i < size; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    assert_string_equal(text, expected);
}

static void sha256_gives_the_published_digests(void **state)
{
    (void) state;
    uint8_t digest[SHA256_BYTES];
    crypto_sha256("abc", 3, digest);
    assert_hex(digest, sizeof digest,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256("", 0, digest);
    assert_hex(digest, sizeof digest,
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_digest_is_ended_as_often_as_one_likes(void **state)
{
    (void) state;
    uint8_t digest[SHA256_BYTES];
    crypto_hash begun;
    crypto_sha256_begin("a", 1, &begun);
    for (int i = 0; i < 2; i++) {
        crypto_sha256_end(&begun, "", 0, digest);
        assert_hex(digest, sizeof digest,
                   "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
        crypto_sha256_end(&begun, "bc", 2, digest);
        assert_hex(digest, sizeof digest,
                   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

static void hmac_gives_the_digests_of_rfc_4231(void **state)
{
    (void) state;
    uint8_t digest[SHA256_BYTES];
    crypto_part split[] = {{"what do ya want ", 16}, {"", 0}, {"for nothing?", 12}};
    crypto_hmac_sha256("Jefe", 4, split, 3, digest);
    assert_hex(digest, sizeof digest,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t key[131];
    memset(key, 0xaa, sizeof key);
    crypto_part part = {"Test Using Larger Than Block-Size Key - Hash Key First", 54};
    crypto_hmac_sha256(key, sizeof key, &part, 1, digest);
    assert_hex(digest, sizeof digest,
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void random_bytes_are_all_written_and_differ(void **state)
{
    (void) state;
    uint8_t first[64] = {0};
    uint8_t second[64] = {0};
    crypto_random(first, sizeof first);
    crypto_random(second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_not_equal(first + 48, second + 48, 16);
    crypto_random(NULL, 0);
}

// The vectors of RFC 4648 section 10.
static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void base64_writes_and_reads_the_published_vectors(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const char *plain = vectors[i][0];
        char text[16];
        assert_int_equal(crypto_base64_size(strlen(plain)), strlen(vectors[i][1]) + 1);
        crypto_base64_encode(plain, strlen(plain), text);
        assert_string_equal(text, vectors[i][1]);
        uint8_t bytes[16];
        size_t size = 99;
        assert_true(crypto_base64_decode(text, strlen(text), bytes, &size));
        assert_int_equal(size, strlen(plain));
        assert_memory_equal(bytes, plain, size);
    }
}

static void base64_is_read_without_padding_and_url_safe(void **state)
{
    (void) state;
    uint8_t bytes[16];
    size_t size = 0;
    assert_true(crypto_base64_decode("-_8", 3, bytes, &size));
    assert_int_equal(size, 2);
    assert_memory_equal(bytes, "\xfb\xff", 2);
    assert_true(crypto_base64_decode("+/8=", 4, bytes, &size));
    assert_memory_equal(bytes, "\xfb\xff", 2);
}

static void base64_refuses_what_is_none(void **state)
{
    (void) state;
    const char *const bad[] = {"Z",     "Zg=",    "Zg===", "Z===", "=",    "====", "Zg==Zg==",
                               "Zm9v ", "Zm\n9v", "Zm9v=", "Zh==", "Zm9=", "Zh",   "Z\xc3\xa4g"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[16];
        size_t size = 77;
        assert_false(crypto_base64_decode(bad[i], strlen(bad[i]), bytes, &size));
        assert_int_equal(size, 77);
    }
}

static void base64_brings_back_any_bytes_within_the_promised_room(void **state)
{
    (void) state;
    for (size_t size = 0; size < 80; size++) {
        uint8_t bytes[80];
        char text[128];
        crypto_random(bytes, size);
        crypto_base64_encode(bytes, size, text);
        size_t text_size = strlen(text);
        uint8_t *back = malloc(text_size / 4 * 3 + 3);
        assert_non_null(back);
        size_t back_size = 0;
        assert_true(crypto_base64_decode(text, text_size, back, &back_size));
        assert_int_equal(back_size, size);
        assert_memory_equal(back, bytes, size);
        free(back);
    }
}

static void equal_compares_every_byte(void **state)
{
    (void) state;
    assert_true(crypto_equal("token-a", "token-a", 7));
    assert_false(crypto_equal("token-a", "token-b", 7));
    assert_false(crypto_equal("a-token", "b-token", 7));
    assert_true(crypto_equal("x", "y", 0));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sha256_gives_the_published_digests),
    cmocka_unit_test(a_digest_is_ended_as_often_as_one_likes),
    cmocka_unit_test(hmac_gives_the_digests_of_rfc_4231),
    cmocka_unit_test(random_bytes_are_all_written_and_differ),
    cmocka_unit_test(base64_writes_and_reads_the_published_vectors),
    cmocka_unit_test(base64_is_read_without_padding_and_url_safe),
    cmocka_unit_test(base64_refuses_what_is_none),
    cmocka_unit_test(base64_brings_back_any_bytes_within_the_promised_room),
    cmocka_unit_test(equal_compares_every_byte),
};

UNIT_TEST_MAIN(tests)
