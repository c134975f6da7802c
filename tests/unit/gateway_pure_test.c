// The gateway's pure parts: paths, queries, header fields.
#include "unit/unit_test.h"

#include "gateway/headers.h"
#include "gateway/uri.h"

static void a_pattern_takes_whole_segments_only(void **state)
{
    (void) state;
    uri_span values[URI_MAX_VARIABLES];
    assert_int_equal(uri_match("/v1/jobs", "/v1/jobs", values), 0);
    assert_int_equal(uri_match("/v1/jobs", "/v1/jobs/", values), -1);
    assert_int_equal(uri_match("/v1/jobs/{id}", "/v1/jobs/abc", values), 1);
    assert_int_equal(values[0].size, 3);
    assert_int_equal(uri_match("/v1/jobs/{id}", "/v1/jobs/a:b", values), -1);
    assert_int_equal(uri_match("/v1/jobs/{id}", "/v1/jobs/", values), -1);
    assert_int_equal(uri_match("/v1/jobs/{id}", "/v1/jobs/a/b", values), -1);
    assert_int_equal(uri_match("/v1/jobs/{id}/result", "/v1/jobs/a/result", values), 1);
    assert_int_equal(uri_match("/v1/jobs/{id}:cancel", "/v1/jobs/ab:cancel", values), 1);
    assert_int_equal(values[0].size, 2);
    assert_int_equal(uri_match("/v1/jobs/{id}:cancel", "/v1/jobs/:cancel", values), -1);
    assert_int_equal(uri_match("/v1/jobs/{id}:cancel", "/v1/jobs/ab:cancels", values), -1);
}

static void variables_have_names(void **state)
{
    (void) state;
    char name[8];
    assert_true(uri_variable_name("/a/{one}/{two}:x", 1, name, sizeof name));
    assert_string_equal(name, "two");
    assert_false(uri_variable_name("/a/{one}", 1, name, sizeof name));
    assert_false(uri_variable_name("/a/{too_long_a_name}", 0, name, sizeof name));
}

static const char *decode(const char *text, bool plus, arena *memory)
{
    return uri_decode(text, strlen(text), plus, memory);
}

static void percent_encoding_is_decoded_strictly(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    assert_string_equal(decode("a%2Fb%c3%A9+", false, memory), "a/b\xc3\xa9+");
    assert_string_equal(decode("a+b", true, memory), "a b");
    assert_string_equal(decode("", true, memory), "");
    static const char *const bad[] = {"%", "%4", "%zz", "%00", "%ff", "a%", "%c3", "%-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(decode(bad[i], true, memory));
    }
}

static void a_query_is_a_list_of_pairs(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    uri_pair pairs[URI_MAX_PARAMETERS];
    size_t count = 7;
    assert_null(uri_parse_query(NULL, memory, pairs, &count));
    assert_int_equal(count, 0);
    assert_null(uri_parse_query("a=1&b&c=x=y", memory, pairs, &count));
    assert_int_equal(count, 3);
    assert_string_equal(pairs[1].value, "");
    assert_string_equal(pairs[2].value, "x=y");
    assert_non_null(uri_parse_query("a=1&&b=2", memory, pairs, &count));
    assert_non_null(uri_parse_query("=1", memory, pairs, &count));
    char many[256] = "";
    for (int i = 0; i <= URI_MAX_PARAMETERS; i++) {
        (void) snprintf(many + strlen(many), sizeof many - strlen(many), "a%d=&", i);
    }
    assert_non_null(uri_parse_query(many, memory, pairs, &count));
}

static void only_json_in_utf8_is_json(void **state)
{
    (void) state;
    assert_true(headers_is_json("application/json"));
    assert_true(headers_is_json("Application/JSON; Charset=\"utf-8\""));
    assert_true(headers_is_json("application/json;"));
    assert_true(headers_is_json("application/json; version=1"));
    assert_true(headers_is_json("application/json ; charset=utf-8 ;v=1"));
    assert_false(headers_is_json("application/jsonp"));
    assert_false(headers_is_json("application/json; v=1; charset=utf-16"));
    assert_false(headers_is_json("application/json; charset=utf-8859"));
    assert_false(headers_is_json("application/json; charset=\"utf-8"));
    assert_false(headers_is_json("application/json; charset=latin1"));
    assert_false(headers_is_json("application/json, text/plain"));
    assert_false(headers_is_json("text/json"));
    assert_false(headers_is_json(""));
}

static void a_traceparent_is_valid_or_not_there(void **state)
{
    (void) state;
#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
    static const char *const good[] = {"00-" TRACE "-" PARENT "-01", "cc-" TRACE "-" PARENT "-01",
                                       "cc-" TRACE "-" PARENT "-01-more"};
    static const char *const bad[] = {"ff-" TRACE "-" PARENT "-01",
                                      "00-" TRACE "-" PARENT "-01-more",
                                      "00-" TRACE "-" PARENT "-0",
                                      "00-" TRACE "-" PARENT "-0x",
                                      "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
                                      "00-00000000000000000000000000000000-" PARENT "-01",
                                      "00-" TRACE "-0000000000000000-01",
                                      "00_" TRACE "-" PARENT "-01",
                                      ""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_non_null(headers_traceparent(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(headers_traceparent(bad[i]));
    }
    assert_null(headers_traceparent(NULL));
}

static void a_preference_to_wait_is_found_among_others(void **state)
{
    (void) state;
    assert_int_equal(headers_prefer_wait(NULL), -1);
    assert_int_equal(headers_prefer_wait("wait=5"), 5);
    assert_int_equal(headers_prefer_wait("respond-async, WAIT = 10 ; x=y"), 10);
    assert_int_equal(headers_prefer_wait("return=minimal,wait=0"), 0);
    assert_int_equal(headers_prefer_wait("wait=-1"), -1);
    assert_int_equal(headers_prefer_wait("wait=1.5"), -1);
    assert_int_equal(headers_prefer_wait("wait=99999999999"), -1);
    assert_int_equal(headers_prefer_wait("nowait=5"), -1);
}

static void a_bearer_token_is_taken_out(void **state)
{
    (void) state;
    assert_string_equal(headers_bearer("bearer  abc"), "abc");
    assert_string_equal(headers_bearer("Basic abc"), "");
    assert_string_equal(headers_bearer(NULL), "");
}

static void a_content_type_of_a_stranger_can_not_carry_headers(void **state)
{
    (void) state;
    assert_true(headers_is_media_type("text/html; charset=utf-8"));
    assert_false(headers_is_media_type("text/html\r\nX: y"));
    assert_false(headers_is_media_type("text"));
    assert_false(headers_is_media_type("/html"));
    assert_false(headers_is_media_type("text/"));
    assert_false(headers_is_media_type(""));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pattern_takes_whole_segments_only),
    cmocka_unit_test(variables_have_names),
    cmocka_unit_test(percent_encoding_is_decoded_strictly),
    cmocka_unit_test(a_query_is_a_list_of_pairs),
    cmocka_unit_test(only_json_in_utf8_is_json),
    cmocka_unit_test(a_traceparent_is_valid_or_not_there),
    cmocka_unit_test(a_preference_to_wait_is_found_among_others),
    cmocka_unit_test(a_bearer_token_is_taken_out),
    cmocka_unit_test(a_content_type_of_a_stranger_can_not_carry_headers),
};

UNIT_TEST_MAIN(tests)
