// worker pure - what an answer means, which addresses are allowed, how text is cleaned.
#include "unit/unit_test.h"

#include "worker/http_guard.h"
#include "worker/http_outcome.h"
#include "worker/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void final_codes_mean_what_the_contract_says(void **state)
{
    (void) state;
    static const struct {
        long http_status;
        status_code code;
        bool retryable;
    } table[] = {
        {200, STATUS_OK, false},
        {204, STATUS_OK, false},
        {299, STATUS_OK, false},
        {302, STATUS_FAILED_PRECONDITION, false},
        {304, STATUS_FAILED_PRECONDITION, false},
        {400, STATUS_INVALID_ARGUMENT, false},
        {401, STATUS_UNAUTHENTICATED, false},
        {403, STATUS_PERMISSION_DENIED, false},
        {404, STATUS_NOT_FOUND, false},
        {408, STATUS_DEADLINE_EXCEEDED, true},
        {409, STATUS_ABORTED, false},
        {410, STATUS_NOT_FOUND, false},
        {418, STATUS_FAILED_PRECONDITION, false},
        {425, STATUS_UNAVAILABLE, true},
        {429, STATUS_RESOURCE_EXHAUSTED, true},
        {500, STATUS_UNAVAILABLE, true},
        {501, STATUS_UNAVAILABLE, true},
        {503, STATUS_UNAVAILABLE, true},
        {504, STATUS_DEADLINE_EXCEEDED, true},
        {599, STATUS_UNAVAILABLE, true},
        {0, STATUS_FAILED_PRECONDITION, false},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        http_verdict verdict = http_judge_status(table[i].http_status, NULL, 0);
        assert_int_equal(verdict.code, table[i].code);
        assert_int_equal(verdict.retryable, table[i].retryable);
    }
}

static void success_codes_replace_the_default(void **state)
{
    (void) state;
    char codes[][4] = {"204", "3xx"};
    char *const list[] = {codes[0], codes[1]};
    assert_int_equal(http_judge_status(204, list, 2).code, STATUS_OK);
    assert_int_equal(http_judge_status(301, list, 2).code, STATUS_OK);
    assert_int_equal(http_judge_status(399, list, 2).code, STATUS_OK);
    assert_int_equal(http_judge_status(200, list, 2).code, STATUS_FAILED_PRECONDITION);
    assert_int_equal(http_judge_status(404, list, 2).code, STATUS_NOT_FOUND);
}

static void broken_transfers_are_retried_and_hopeless_ones_are_not(void **state)
{
    (void) state;
    static const struct {
        CURLcode result;
        status_code code;
        bool retryable;
    } table[] = {
        {CURLE_COULDNT_RESOLVE_HOST, STATUS_UNAVAILABLE, true},
        {CURLE_COULDNT_CONNECT, STATUS_UNAVAILABLE, true},
        {CURLE_SSL_CONNECT_ERROR, STATUS_UNAVAILABLE, true},
        {CURLE_PEER_FAILED_VERIFICATION, STATUS_UNAVAILABLE, true},
        {CURLE_GOT_NOTHING, STATUS_UNAVAILABLE, true},
        {CURLE_RECV_ERROR, STATUS_UNAVAILABLE, true},
        {CURLE_PARTIAL_FILE, STATUS_UNAVAILABLE, true},
        {CURLE_HTTP2, STATUS_UNAVAILABLE, true},
        {CURLE_OPERATION_TIMEDOUT, STATUS_DEADLINE_EXCEEDED, true},
        {CURLE_TOO_MANY_REDIRECTS, STATUS_FAILED_PRECONDITION, false},
        {CURLE_UNSUPPORTED_PROTOCOL, STATUS_INVALID_ARGUMENT, false},
        {CURLE_URL_MALFORMAT, STATUS_INVALID_ARGUMENT, false},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        http_verdict verdict = http_judge_transfer(table[i].result);
        assert_int_equal(verdict.code, table[i].code);
        assert_int_equal(verdict.retryable, table[i].retryable);
    }
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void) state;
    const int64_t now_s = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
    static const struct {
        const char *value;
        int64_t seconds;
    } table[] = {
        {"0", 0},
        {"120", 120},
        {"86400", 86400},
        {"86401", 86400},
        {"99999999999999999999999999", 86400},
        {"-1", 0},
        {"1.5", 0},
        {"soon", 0},
        {"", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60},
        {"Sun Nov  6 08:50:37 1994", 60},
        {"Sun, 06 Nov 1994 08:48:37 GMT", 0},
        {"Sun, 06 Nov 2094 08:48:37 GMT", 86400},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(http_retry_after_us(table[i].value, now_s), table[i].seconds * 1000000);
    }
}

static http_reach reach(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return http_guard_reach((const struct sockaddr *) &v4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return http_guard_reach((const struct sockaddr *) &v6);
}

static void public_addresses_may_be_reached(void **state)
{
    (void) state;
    static const char *const table[] = {
        "1.1.1.1",        "9.255.255.255",    "11.0.0.0",        "100.63.255.255", "100.128.0.0",
        "126.1.2.3",      "128.0.0.1",        "169.253.255.1",   "169.255.0.0",    "172.15.255.255",
        "172.32.0.0",     "192.0.1.0",        "192.167.1.1",     "192.169.0.0",    "198.17.1.1",
        "198.20.0.0",     "223.255.255.1",    "2001:db8::1",     "2606:4700::1",   "fbff::1",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(reach(table[i]), HTTP_REACH_PUBLIC);
    }
}

static void private_addresses_are_known(void **state)
{
    (void) state;
    static const char *const table[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fdff::1",
        "ff02::1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2002:7f00:1::",
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(reach(table[i]), HTTP_REACH_PRIVATE);
    }
}

static void link_local_addresses_are_never_reached(void **state)
{
    (void) state;
    static const char *const table[] = {
        "169.254.0.0",        "169.254.169.254",   "fe80::1", "febf::1", "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_int_equal(reach(table[i]), HTTP_REACH_NEVER);
    }
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_int_equal(http_guard_reach(&local), HTTP_REACH_NEVER);
}

static void private_addresses_need_leave_and_link_local_ones_get_none(void **state)
{
    (void) state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    const struct sockaddr *any = (const struct sockaddr *) &address;
    address.sin_addr.s_addr = htonl(0x08080808);
    assert_true(http_guard_allows(any, false));
    address.sin_addr.s_addr = htonl(0x7f000001);
    assert_false(http_guard_allows(any, false));
    assert_true(http_guard_allows(any, true));
    address.sin_addr.s_addr = htonl(0xa9fe0001);
    assert_false(http_guard_allows(any, true));
}

static void strange_bytes_become_plain_text(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
    } table[] = {
        {"plain", 5, "plain"},
        {"a\nb\tc\x7f", 6, "a b c "},
        {"a\0b", 3, "a b"},
        {"caf\xc3\xa9", 5, "caf\xc3\xa9"},
        {"\xff\xfe", 2, "??"},
        {"cut\xc3", 4, "cut?"},
        {"0123456789", 10, "01234567"},
        {"0123456\xc3\xa9", 9, "0123456"},
        {"", 0, ""},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        char text[9];
        text_clean(text, sizeof text, table[i].bytes, table[i].size);
        assert_string_equal(text, table[i].text);
    }
}

static void header_values_are_utf_8_or_read_as_latin_1(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    assert_string_equal(text_from_header("plain", memory), "plain");
    assert_string_equal(text_from_header("caf\xc3\xa9", memory), "caf\xc3\xa9");
    assert_string_equal(text_from_header("caf\xe9", memory), "caf\xc3\xa9");
    assert_string_equal(text_from_header("", memory), "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(final_codes_mean_what_the_contract_says),
    cmocka_unit_test(success_codes_replace_the_default),
    cmocka_unit_test(broken_transfers_are_retried_and_hopeless_ones_are_not),
    cmocka_unit_test(retry_after_is_seconds_or_a_date),
    cmocka_unit_test(public_addresses_may_be_reached),
    cmocka_unit_test(private_addresses_are_known),
    cmocka_unit_test(link_local_addresses_are_never_reached),
    cmocka_unit_test(private_addresses_need_leave_and_link_local_ones_get_none),
    cmocka_unit_test(strange_bytes_become_plain_text),
    cmocka_unit_test(header_values_are_utf_8_or_read_as_latin_1),
};

UNIT_TEST_MAIN(tests)
