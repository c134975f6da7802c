// The JSON codec: what it refuses, and how it says so.
#include "unit/json_support.h"

#include <stdlib.h>

static void text_that_is_no_json_is_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {"",
                                        "nonsense",
                                        "{",
                                        "{\"id\":}",
                                        "{\"id\":\"a\"} x",
                                        "{'id':1}",
                                        "{\"id\":\"a\",}",
                                        "[1",
                                        "{\"id\":\"\\x\"}",
                                        "{\"priority\":01}",
                                        "{\"priority\":+1}",
                                        "{\"priority\":1.}",
                                        "\xef\xbb\xbf{}",
                                        "{\"id\":\"\xff\"}",
                                        "{\"id\":\"\\ud800\"}",
                                        "{\"id\":\"a\\u0000b\"}",
                                        "{\"a\\u0000\":1}",
                                        "{\"id\":\"a\nb\"}",
                                        "// c\n{}",
                                        "{\"id\":\"a\",\"id\":\"b\"}",
                                        "{\"args\":NaN}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused(JOB, texts[i], NULL);
    }
}

static void a_document_that_is_no_object_is_refused(void **state)
{
    (void) state;
    assert_refused(JOB, "[]", NULL);
    assert_refused(JOB, "\"a\"", NULL);
    assert_refused(JOB, "null", NULL);
}

static void no_text_at_all_is_told_in_plain_words(void **state)
{
    (void) state;
    ProtobufCMessage *message = NULL;
    AUTO(arena) memory = arena_new(0);
    AUTO(status) failure = json_decode(JOB, "", 0, memory, &message);
    assert_string_equal(failure->message, "not valid JSON: found nothing");
}

static void an_unknown_field_is_named(void **state)
{
    (void) state;
    assert_refused(JOB, "{\"bogus\":1}", "bogus");
    assert_refused(JOB, "{\"http\":{\"uri\":\"x\"}}", "http.uri");
    assert_refused(JOB, "{\"bogus\":null}", "bogus");
    assert_refused(JOB, "{\"max_bodyBytes\":1}", "max_bodyBytes");
    assert_refused(JOB, "{\"UniqueKey\":\"a\"}", "UniqueKey");
}

static void a_wrong_type_is_named_by_its_proto_path(void **state)
{
    (void) state;
    assert_refused(JOB, "{\"http\":{\"url\":5}}", "http.url");
    assert_refused(JOB, "{\"http\":\"http://x/\"}", "http");
    assert_refused(JOB, "{\"retry\":{\"maxAttempts\":\"three\"}}", "retry.max_attempts");
    assert_refused(JOB, "{\"after\":\"x\"}", "after");
    assert_refused(JOB, "{\"after\":[\"x\",7]}", "after[1]");
    assert_refused(JOB, "{\"labels\":[]}", "labels");
    assert_refused(JOB, "{\"labels\":{\"a\":1}}", "labels[a]");
    assert_refused(JOB, "{\"duplicate\":\"true\"}", "duplicate");
    assert_refused(JOB, "{\"duplicate\":1}", "duplicate");
    assert_refused(JOB, "{\"http\":{\"body\":\"a\"}}", "http.body");
    assert_refused(JOB, "{\"http\":{\"body\":\"a b=\"}}", "http.body");
    assert_refused(JOB, "{\"state\":\"SLEEPING\"}", "state");
    assert_refused(JOB, "{\"state\":1.5}", "state");
}

static void null_is_refused_inside_of_lists_and_maps(void **state)
{
    (void) state;
    assert_refused(JOB, "{\"after\":[null]}", "after[0]");
    assert_refused(JOB, "{\"labels\":{\"a\":null}}", "labels[a]");
}

static void a_number_out_of_range_is_refused(void **state)
{
    (void) state;
    static const char *const values[] = {
        "2147483648", "-2147483649", "1.5",  "\"\"",   "\" 1\"", "\"1 \"",
        "\"0x10\"",   "1e10",        "true", "\"+1\"", "\"01\"", "100000000000000000000",
        "\"1.\"",     "\"e1\""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_refused(&google__protobuf__int32_value__descriptor, values[i], NULL);
    }
    assert_refused(&google__protobuf__uint32_value__descriptor, "-1", NULL);
    assert_refused(&google__protobuf__uint64_value__descriptor, "\"18446744073709551616\"", NULL);
    assert_refused(&google__protobuf__int64_value__descriptor, "\"9223372036854775808\"", NULL);
    assert_refused(&google__protobuf__int64_value__descriptor, "1e300", NULL);
    assert_refused(&google__protobuf__float_value__descriptor, "1e39", NULL);
    assert_refused(&google__protobuf__double_value__descriptor, "\"nan\"", NULL);
    assert_refused(&google__protobuf__double_value__descriptor, "\"1e999\"", NULL);
}

static void an_integer_too_long_for_the_parser_does_not_blur_the_others(void **state)
{
    (void) state;
    // The first makes all numbers doubles, so that the second is no longer what was written.
    assert_refused(JOB, "{\"args\":100000000000000000000,\"revision\":9007199254740993}",
                   "revision");
}

static void two_members_of_a_oneof_are_refused(void **state)
{
    (void) state;
    assert_refused(JOB, "{\"http\":{},\"exec\":{}}", "exec");
    assert_refused(JOB, "{\"args\":null,\"http\":{}}", "http");
}

static void a_field_under_both_its_names_is_refused(void **state)
{
    (void) state;
    assert_refused(JOB, "{\"uniqueKey\":\"a\",\"unique_key\":\"b\"}", "unique_key");
    assert_refused(JOB, "{\"uniqueKey\":\"a\",\"unique_key\":null}", "unique_key");
}

static char *nested(size_t levels)
{
    static const char head[] = "{\"args\":";
    size_t length = sizeof head - 1;
    char *text = calloc(1, length + 2 * levels + 2);
    assert_non_null(text);
    memcpy(text, head, length);
    memset(text + length, '[', levels);
    memset(text + length + levels, ']', levels);
    text[length + 2 * levels] = '}';
    return text;
}

// A job whose args are a value in many lists or objects.
static char *wrapped(size_t levels, const char *open, const char *value, char close)
{
    AUTO_BUF text;
    buf_init(&text, 0);
    buf_append_text(&text, "{\"args\":");
    for (size_t i = 0; i < levels; i++) {
        buf_append_text(&text, open);
    }
    buf_append_text(&text, value);
    for (size_t i = 0; i < levels; i++) {
        buf_append_char(&text, close);
    }
    buf_append_char(&text, '}');
    char *whole = strdup(buf_text(&text));
    assert_non_null(whole);
    return whole;
}

static void assert_too_deep(const char *text)
{
    AUTO(arena) memory = arena_new(1 << 20);
    ProtobufCMessage *message = NULL;
    AUTO(status) failure = json_decode(JOB, text, strlen(text), memory, &message);
    if (failure == NULL) {
        fail_msg("accepted: %s", text);
    }
    assert_int_equal(failure->code, STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(failure->message, "nested too deeply"));
    assert_int_equal(failure->violation_count, 1);
    assert_memory_equal(failure->violations[0].field, "args", 4);
}

static void a_value_is_a_message_of_at_most_98_levels(void **state)
{
    (void) state;
    AUTO_FREE char *lists = wrapped(48, "[", "1", ']');
    assert_comes_back(JOB, lists);
    AUTO_FREE char *empty_list = wrapped(48, "[", "[]", ']');
    assert_comes_back(JOB, empty_list);
    AUTO_FREE char *objects = wrapped(32, "{\"a\":", "1", '}');
    assert_comes_back(JOB, objects);
    AUTO_FREE char *empty_object = wrapped(32, "{\"a\":", "{}", '}');
    assert_comes_back(JOB, empty_object);
}

static void a_value_of_more_levels_is_nested_too_deeply(void **state)
{
    (void) state;
    AUTO_FREE char *lists = wrapped(49, "[", "1", ']');
    assert_too_deep(lists);
    AUTO_FREE char *nulls = wrapped(49, "[", "null", ']');
    assert_too_deep(nulls);
    AUTO_FREE char *empty_list = wrapped(49, "[", "[]", ']');
    assert_too_deep(empty_list);
    AUTO_FREE char *objects = wrapped(33, "{\"a\":", "1", '}');
    assert_too_deep(objects);
}

static void nesting_of_the_text_ends_at_100_levels(void **state)
{
    (void) state;
    AUTO_FREE char *deeper = nested(100);
    assert_refused(JOB, deeper, NULL);
}

static void far_too_deep_a_nesting_does_no_harm(void **state)
{
    (void) state;
    AUTO_FREE char *text = nested(17000);  // 34 KB
    assert_refused(JOB, text, NULL);
    memset(text, '[', strlen(text));
    assert_refused(JOB, text, NULL);
}

static void brackets_in_strings_are_no_nesting(void **state)
{
    (void) state;
    char text[1024] = "{\"id\":\"\\\"";
    size_t used = strlen(text);
    memset(text + used, '[', 500);
    memcpy(text + used + 500, "\"}", 3);
    assert_comes_back(JOB, text);
}

static void too_small_an_arena_is_resource_exhausted(void **state)
{
    (void) state;
    AUTO_FREE char *text = nested(90);
    AUTO(arena) memory = arena_new(4096);
    ProtobufCMessage *message = NULL;
    AUTO(status) failure = json_decode(JOB, text, strlen(text), memory, &message);
    assert_int_equal(status_code_of(failure), STATUS_RESOURCE_EXHAUSTED);
    assert_null(message);
}

static void the_message_says_what_was_found(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message = NULL;
    const char text[] = "{\"http\":{\"url\":[]}}";
    AUTO(status) failure = json_decode(JOB, text, strlen(text), memory, &message);
    assert_string_equal(failure->message,
                        "http.url: expected a string, found a list (line 1, column 16)");
}

static void nul_is_nowhere_in_json(void **state)
{
    (void) state;
    static const char text[] = "{\"priority\":1\0,\n\"args\":true}";
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message = NULL;
    AUTO(status) failure = json_decode(JOB, text, sizeof text - 1, memory, &message);
    assert_non_null(failure);
    assert_string_equal(failure->message, "not valid JSON: line 1, column 14: NUL");
    AUTO(status) other = json_decode(JOB, "{} \0", 4, memory, &message);
    assert_int_equal(status_code_of(other), STATUS_INVALID_ARGUMENT);
}

static void assert_message(const char *text, const char *expected)
{
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message = NULL;
    AUTO(status) failure = json_decode(JOB, text, strlen(text), memory, &message);
    assert_non_null(failure);
    assert_string_equal(failure->message, expected);
}

static void a_number_is_shown_as_it_is_written(void **state)
{
    (void) state;
    assert_message("{\"http\":\n {\"maxBodyBytes\": 9223372036854775808}}",
                   "http.max_body_bytes: expected a whole number of 64 bits (beyond 2^53 as a "
                   "string), found 9223372036854775808 (line 2, column 19)");
    assert_message("{\"priority\":1.50}",
                   "priority: expected a whole number of 32 bits, found 1.50 (line 1, column 13)");
    assert_message("{\"queue\":12345678901234567890}",
                   "queue: expected a string, found 12345678901234567890 (line 1, column 10)");
}

static void a_number_that_nothing_holds_is_told_with_its_place(void **state)
{
    (void) state;
    assert_message("{\"kind\":\"a,[\\\"\",\"args\":[{\"x\":1},\n {\"y\":[1,{}, -1e400 ]}]}",
                   "args[1].y[2]: expected a number of at most 1.8e308, found -1e400 (line 2, "
                   "column 14)");
    assert_message("1e309", "expected a number of at most 1.8e308, found 1e309 (line 1, column 1)");
    assert_message("{\"http\":{},\"priority\":1e400}",
                   "priority: expected a number of at most 1.8e308, found 1e400 (line 1, column "
                   "23)");
    char digits[512] = "{\"args\":";
    memset(digits + 8, '9', 400);
    digits[408] = '}';
    assert_message(digits, "args: expected a number of at most 1.8e308, found "
                           "9999999999999999999999999999999999999999... (line 1, column 9)");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(nul_is_nowhere_in_json),
    cmocka_unit_test(a_number_is_shown_as_it_is_written),
    cmocka_unit_test(a_number_that_nothing_holds_is_told_with_its_place),
    cmocka_unit_test(text_that_is_no_json_is_refused),
    cmocka_unit_test(a_document_that_is_no_object_is_refused),
    cmocka_unit_test(no_text_at_all_is_told_in_plain_words),
    cmocka_unit_test(an_unknown_field_is_named),
    cmocka_unit_test(a_wrong_type_is_named_by_its_proto_path),
    cmocka_unit_test(null_is_refused_inside_of_lists_and_maps),
    cmocka_unit_test(a_number_out_of_range_is_refused),
    cmocka_unit_test(an_integer_too_long_for_the_parser_does_not_blur_the_others),
    cmocka_unit_test(two_members_of_a_oneof_are_refused),
    cmocka_unit_test(a_field_under_both_its_names_is_refused),
    cmocka_unit_test(a_value_is_a_message_of_at_most_98_levels),
    cmocka_unit_test(a_value_of_more_levels_is_nested_too_deeply),
    cmocka_unit_test(nesting_of_the_text_ends_at_100_levels),
    cmocka_unit_test(far_too_deep_a_nesting_does_no_harm),
    cmocka_unit_test(brackets_in_strings_are_no_nesting),
    cmocka_unit_test(too_small_an_arena_is_resource_exhausted),
    cmocka_unit_test(the_message_says_what_was_found),
};

UNIT_TEST_MAIN(tests)
