// The JSON codec: every kind of field there and back.
#include "unit/json_support.h"

#include <float.h>
#include <math.h>

static void a_job_comes_back_as_it_was(void **state)
{
    (void) state;
    assert_comes_back(
        JOB,
        "{\"id\":\"a\",\"queue\":\"q\",\"http\":{\"url\":\"http://x/\",\"headers\":{\"A\":\"b\"},"
        "\"body\":\"aGk=\",\"followRedirects\":false,\"maxBodyBytes\":\"5\","
        "\"successCodes\":[\"2xx\",\"404\"]},\"priority\":-100,\"delay\":\"1.500s\","
        "\"retry\":{\"maxAttempts\":3,\"multiplier\":1.5},\"after\":[\"x\",\"y\"],"
        "\"callback\":{\"url\":\"http://y/\",\"on\":[\"SUCCEEDED\",\"FAILED\"],"
        "\"format\":\"RAW\"},\"labels\":{\"k\":\"v\"},\"state\":\"RUNNING\","
        "\"createTime\":\"2024-02-29T12:00:00.000001Z\",\"revision\":\"9007199254740993\","
        "\"duplicate\":true}");
}

static void an_empty_message_is_an_empty_object(void **state)
{
    (void) state;
    assert_comes_back(JOB, "{}");
    assert_comes_back(&errand__v1__get_job_request__descriptor, "{}");
}

static void both_forms_of_a_name_are_read(void **state)
{
    (void) state;
    assert_comes_back_as(JOB, "{\"unique_key\":\"a\",\"concurrencyKey\":\"b\"}",
                         "{\"uniqueKey\":\"a\",\"concurrencyKey\":\"b\"}");
}

static void null_means_that_a_field_is_not_set(void **state)
{
    (void) state;
    assert_comes_back_as(JOB,
                         "{\"http\":null,\"exec\":{},\"delay\":null,\"after\":null,"
                         "\"labels\":null,\"priority\":null}",
                         "{\"exec\":{}}");
}

static void default_values_are_left_out(void **state)
{
    (void) state;
    assert_comes_back_as(JOB,
                         "{\"id\":\"\",\"priority\":0,\"after\":[],\"labels\":{},"
                         "\"duplicate\":false,\"state\":0,\"exec\":{\"stdin\":\"\"}}",
                         "{\"exec\":{}}");
}

static void a_listing_has_its_own_empty_lists_only(void **state)
{
    (void) state;
    AUTO_BUF out;
    buf_init(&out, 0);
    Errand__V1__ListJobsResponse reply = ERRAND__V1__LIST_JOBS_RESPONSE__INIT;
    assert_null(json_encode_listing(&reply.base, &out));
    assert_string_equal(buf_text(&out), "{\"jobs\":[]}");
    Errand__V1__Job job = ERRAND__V1__JOB__INIT, *jobs[] = {&job};
    reply.jobs = jobs;
    reply.n_jobs = 1;
    buf_clear(&out);
    assert_null(json_encode_listing(&reply.base, &out));
    assert_string_equal(buf_text(&out), "{\"jobs\":[{}]}");
}

static void any_json_value_is_kept(void **state)
{
    (void) state;
    assert_comes_back(JOB,
                      "{\"args\":{\"a\":[1,2.5,null,true,false,\"s\",{}],\"b\":[],\"c\":{\"d\":"
                      "[[]]}}}");
    assert_comes_back(JOB, "{\"args\":null}");
    assert_comes_back(JOB, "{\"args\":\"\"}");
    assert_comes_back(JOB, "{\"args\":0}");
    assert_comes_back_as(JOB, "{\"args\":100000000000000000000}", "{\"args\":1e+20}");
    assert_comes_back(JOB, "{\"args\":-0.0}");
}

static void integers_are_read_in_every_form_that_is_whole(void **state)
{
    (void) state;
    const ProtobufCMessageDescriptor *int32 = &google__protobuf__int32_value__descriptor;
    assert_comes_back(int32, "-2147483648");
    assert_comes_back(int32, "2147483647");
    assert_comes_back_as(int32, "\"17\"", "17");
    assert_comes_back_as(int32, "1.0", "1");
    assert_comes_back_as(int32, "\"1e2\"", "100");
    const ProtobufCMessageDescriptor *int64 = &google__protobuf__int64_value__descriptor;
    assert_comes_back(int64, "\"-9223372036854775808\"");
    assert_comes_back(int64, "\"9223372036854775807\"");
    assert_comes_back_as(int64, "9007199254740993", "\"9007199254740993\"");
    assert_comes_back(&google__protobuf__uint32_value__descriptor, "4294967295");
    assert_comes_back(&google__protobuf__uint64_value__descriptor, "\"18446744073709551615\"");
}

static void doubles_come_back_with_the_fewest_digits(void **state)
{
    (void) state;
    const ProtobufCMessageDescriptor *type = &google__protobuf__double_value__descriptor;
    assert_comes_back(type, "0.1");
    assert_comes_back(type, "1.7976931348623157e+308");
    assert_comes_back(type, "0.30000000000000004");
    assert_comes_back_as(type, "\"2.5\"", "2.5");
    assert_comes_back(type, "\"NaN\"");
    assert_comes_back(type, "\"Infinity\"");
    assert_comes_back(type, "\"-Infinity\"");
    assert_comes_back(&google__protobuf__float_value__descriptor, "0.1");
}

static void booleans_strings_and_bytes_come_back(void **state)
{
    (void) state;
    assert_comes_back(&google__protobuf__bool_value__descriptor, "true");
    assert_comes_back(&google__protobuf__bool_value__descriptor, "false");
    assert_comes_back(&google__protobuf__string_value__descriptor,
                      "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001/\\u001fé€😀\"");
    assert_comes_back_as(&google__protobuf__string_value__descriptor, "\"\\u00e9\\ud83d\\ude00\"",
                         "\"é😀\"");
    const ProtobufCMessageDescriptor *bytes = &google__protobuf__bytes_value__descriptor;
    assert_comes_back(bytes, "\"+/8=\"");
    assert_comes_back_as(bytes, "\"-_8\"", "\"+/8=\"");
    assert_comes_back(bytes, "\"\"");
}

static void an_enum_is_read_by_name_or_number(void **state)
{
    (void) state;
    assert_comes_back_as(JOB, "{\"state\":5}", "{\"state\":\"SUCCEEDED\"}");
    assert_comes_back(JOB, "{\"state\":99}");
}

static void a_field_mask_is_one_string(void **state)
{
    (void) state;
    const ProtobufCMessageDescriptor *type = &google__protobuf__field_mask__descriptor;
    assert_comes_back(type, "\"maxRunning,rateLimit.per\"");
    assert_comes_back(type, "\"\"");
    assert_refused(type, "\"max_running\"", NULL);
    assert_refused(type, "\"a,,b\"", NULL);
}

static void a_message_that_json_can_not_show_is_an_internal_error(void **state)
{
    (void) state;
    char bad[] = "\xff";
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.queue = bad;
    AUTO_BUF out;
    buf_init(&out, 0);
    AUTO(status) failure = json_encode(&job.base, &out);
    assert_int_equal(status_code_of(failure), STATUS_INTERNAL);

    Google__Protobuf__Timestamp late = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    late.seconds = INT64_MAX;
    AUTO(status) too_late = json_encode(&late.base, &out);
    assert_int_equal(status_code_of(too_late), STATUS_INTERNAL);

    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT;
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    value.number_value = (double) NAN;
    AUTO(status) no_number = json_encode(&value.base, &out);
    assert_int_equal(status_code_of(no_number), STATUS_INTERNAL);
}

static void a_full_buffer_is_resource_exhausted(void **state)
{
    (void) state;
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.queue = (char[]){"a queue"};
    AUTO_BUF out;
    buf_init(&out, 8);
    AUTO(status) failure = json_encode(&job.base, &out);
    assert_int_equal(status_code_of(failure), STATUS_RESOURCE_EXHAUSTED);
}

static void text_that_is_no_utf8_is_mended_for_messages(void **state)
{
    (void) state;
    AUTO_BUF out;
    buf_init(&out, 0);
    json_append_string(&out, "a\xff\"\xc3");
    assert_string_equal(buf_text(&out), "\"a\xef\xbf\xbd\\\"\xef\xbf\xbd\"");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_job_comes_back_as_it_was),
    cmocka_unit_test(an_empty_message_is_an_empty_object),
    cmocka_unit_test(both_forms_of_a_name_are_read),
    cmocka_unit_test(null_means_that_a_field_is_not_set),
    cmocka_unit_test(default_values_are_left_out),
    cmocka_unit_test(a_listing_has_its_own_empty_lists_only),
    cmocka_unit_test(any_json_value_is_kept),
    cmocka_unit_test(integers_are_read_in_every_form_that_is_whole),
    cmocka_unit_test(doubles_come_back_with_the_fewest_digits),
    cmocka_unit_test(booleans_strings_and_bytes_come_back),
    cmocka_unit_test(an_enum_is_read_by_name_or_number),
    cmocka_unit_test(a_field_mask_is_one_string),
    cmocka_unit_test(a_message_that_json_can_not_show_is_an_internal_error),
    cmocka_unit_test(a_full_buffer_is_resource_exhausted),
    cmocka_unit_test(text_that_is_no_utf8_is_mended_for_messages),
};

UNIT_TEST_MAIN(tests)
