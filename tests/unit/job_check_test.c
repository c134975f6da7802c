// job_check - what is wrong with a submitted job, field by field.
#include "unit/job_sample.h"

#include <math.h>

static void good_jobs_are_accepted(void **state)
{
    (void) state;
    accepts(http_sample());
    accepts(args_sample());
    sample *s = http_sample();
    s->job.kind = text("http");
    s->job.queue = text("a.b-C_9");
    s->job.id = text("018BCFE5-6800-7000-8000-000000000001");
    s->job.priority = -100;
    accepts(s);
    s->job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    s->job.data = &s->data;
    s->job.kind = text("resize");
    s->data.content_type = text("image/svg+xml; charset=utf-8; x=\"a \\\" b\"");
    accepts(s);
}

static void a_job_needs_an_input_or_a_kind(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.input_case = ERRAND__V1__JOB__INPUT__NOT_SET;
    bad(s, "input", "found none");
    s->job.kind = text("resize");
    accepts(s);
    s->job.kind = text("http");
    bad(s, "kind", "without the field http");
}

static void kind_goes_with_the_input(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.kind = text("resize");
    bad(s, "kind", "found \"resize\" with http");
    s = args_sample();
    s->job.kind = text("");
    bad(s, "kind", "found nothing");
    s->job.kind = text("http");
    bad(s, "kind", "without the field http");
    s->job.kind = text("re size");
    bad(s, "kind", "found \"re size\"");
}

static void names_have_an_alphabet_and_a_length(void **state)
{
    (void) state;
    char longest[66];
    memset(longest, 'q', 64);
    longest[64] = '\0';
    sample *s = http_sample();
    s->job.queue = longest;
    accepts(s);
    longest[64] = 'q';
    longest[65] = '\0';
    bad(s, "queue", "expected [a-zA-Z0-9_.-]{1,64}");
    s->job.queue = text("a/b");
    bad(s, "queue", "found \"a/b\"");
    s->job.queue = text("\xc3\xa4");
    bad(s, "queue", "found");
}

static void ids_are_uuids(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.id = text("42");
    bad(s, "id", "found \"42\", expected a UUID");
    s->job.id = text("00000000-0000-0000-0000-000000000000");
    bad(s, "id", "expected a UUID");
    uuid id;
    status *failure = job_id_check("job_id", "zz", &id);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    assert_string_equal(failure->violations[0].field, "job_id");
    status_free(failure);
    assert_null(job_id_check("id", "018bcfe5-6800-7000-8000-000000000001", &id));
    assert_int_equal(id.bytes[15], 1);
    failure = job_name_check("queue", "");
    assert_string_equal(failure->violations[0].field, "queue");
    status_free(failure);
}

static void numbers_json_can_not_say_are_refused(void **state)
{
    (void) state;
    sample *s = args_sample();
    s->value.number_value = (double) NAN;
    bad(s, "args", "not finite");
    s->value.number_value = (double) INFINITY;
    bad(s, "args", "not finite");
    s->value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND__NOT_SET;
    bad(s, "args", "absent value");
}

// Lists in one another around the number of the sample.
static void wrap(sample *s, size_t lists)
{
    static Google__Protobuf__Value values[64];
    static Google__Protobuf__Value *inner[64];
    static Google__Protobuf__ListValue list_values[64];
    assert_in_range(lists, 1, 64);
    for (size_t i = 0; i < lists; i++) {
        inner[i] = i + 1 < lists ? &values[i + 1] : &s->value;
        google__protobuf__list_value__init(&list_values[i]);
        list_values[i].n_values = 1;
        list_values[i].values = &inner[i];
        google__protobuf__value__init(&values[i]);
        values[i].kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
        values[i].list_value = &list_values[i];
    }
    s->job.args = &values[0];
}

static void args_too_deep_for_the_answer_to_a_lease_are_refused(void **state)
{
    (void) state;
    sample *s = args_sample();
    wrap(s, 48);
    accepts(s);
    wrap(s, 49);
    bad(s, "args", "too deep");
}

static void content_types_have_a_syntax(void **state)
{
    (void) state;
    static const char *const wrong[] = {"text",    "text/",      "/plain", "a/b;",   "a/b; c",
                                        "a/b; c=", "a/b; c=\"d", "a/b c",  "a/b\r\n"};
    sample *s = args_sample();
    s->job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    s->job.data = &s->data;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        s->data.content_type = text(wrong[i]);
        bad(s, "data.content_type", "expected a media type");
    }
    static char longest[257] = "a/";
    memset(longest + 2, 'b', 253);
    s->data.content_type = longest;
    accepts(s);
    longest[255] = 'b';
    bad(s, "data.content_type", "expected a media type");
}

static void priority_has_a_range(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.priority = 101;
    bad(s, "priority", "found 101, expected -100 to 100");
    s->job.priority = -101;
    bad(s, "priority", "found -101");
}

static void delay_and_schedule_time_exclude_each_other(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.delay = &s->duration;
    accepts(s);
    s->job.schedule_time = &s->time;
    bad(s, "delay", "both");
    bad(s, "schedule_time", "both");
    s->job.delay = NULL;
    accepts(s);
    s->time.nanos = -1;
    bad(s, "schedule_time", "and -1ns since 1970, expected the years 1 to 9999");
}

static void durations_have_ranges(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->duration.seconds = -1;
    s->job.delay = &s->duration;
    bad(s, "delay", "found -1s, expected 0s to 10 years");
    s->job.delay = NULL;
    s->job.attempt_timeout = &s->duration;
    bad(s, "attempt_timeout", "found -1s");
    s->duration.seconds = 0;
    bad(s, "attempt_timeout", "more than 0s");
    s->duration.seconds = 7 * 86400 + 1;
    bad(s, "attempt_timeout", "at most 7 days");
    s->duration.seconds--;
    accepts(s);
    s->duration.nanos = 400000000;
    bad(s, "attempt_timeout", "found 604800.4s, expected more than 0s, at most 7 days");
    s->duration.seconds = INT64_C(1234567890);
    s->duration.nanos = 0;
    bad(s, "attempt_timeout", "found 1234567890s,");
    s->duration.seconds = 0;
    s->duration.nanos = -500000000;
    bad(s, "attempt_timeout", "found -0.5s,");
    s->duration.nanos = 0;
    s->job.attempt_timeout = NULL;
    s->job.retention = &s->duration;
    s->duration.seconds = 3650 * INT64_C(86400);
    accepts(s);
    s->duration.seconds++;
    bad(s, "retention", "expected 0s to 10 years");
    s->duration.seconds = INT64_MAX;
    bad(s, "retention", "found 9223372036854775807s,");
    s->duration = (Google__Protobuf__Duration) GOOGLE__PROTOBUF__DURATION__INIT;
    s->duration.seconds = 1;
    s->duration.nanos = -1;
    bad(s, "retention", "found 1s and -1ns,");
}

static void retry_policies_have_ranges(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.retry = &s->retry;
    accepts(s);
    s->retry.max_attempts = 1001;
    bad(s, "retry.max_attempts", "expected 0 to 1000");
    s->retry.max_attempts = 1000;
    static const double wrong[] = {0.5, -1, 1001, (double) NAN, (double) INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        s->retry.multiplier = wrong[i];
        bad(s, "retry.multiplier", "expected 0, or 1 to 1000");
    }
    s->retry.multiplier = 1;
    s->retry.min_backoff = &s->duration;
    s->retry.max_backoff = &s->other;
    s->duration.seconds = 5;
    bad(s, "retry.max_backoff", "found 0s, expected at least min_backoff, 5s");
    s->other.seconds = 5;
    accepts(s);
    s->duration.seconds = -5;
    bad(s, "retry.min_backoff", "found -5s");
}

static void fields_of_the_server_can_not_be_set(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->job.state = ERRAND__V1__JOB__STATE__READY;
    s->job.attempt = 1;
    s->job.create_time = s->job.start_time = s->job.finish_time = &s->time;
    s->job.next_attempt_time = &s->time;
    s->job.worker = s->job.parent = text("x");
    s->job.revision = 1;
    s->job.duplicate = 1;
    static const char *const fields[] = {
        "state",  "attempt", "create_time", "start_time", "finish_time", "next_attempt_time",
        "worker", "parent",  "revision",    "duplicate"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        bad(s, fields[i], "the server sets it");
}

static void all_that_is_wrong_is_told_at_once_up_to_a_cap(void **state)
{
    (void) state;
    static char *codes[100];
    for (size_t i = 0; i < 100; i++)
        codes[i] = text("bad");
    sample *s = http_sample();
    s->http.url = text("");
    s->job.priority = 1000;
    s->job.queue = text("a b");
    AUTO(status) failure = job_spec_check(&s->job, &limits);
    assert_int_equal(failure->violation_count, 3);
    s->http.success_codes = codes;
    s->http.n_success_codes = 100;
    AUTO(status) many = job_spec_check(&s->job, &limits);
    assert_int_equal(many->violation_count, 32);
}

static void refused_as_too_large(const sample *s, const job_limits *caps, const char *says)
{
    slice spec;
    uint8_t hash[JOB_HASH_BYTES];
    AUTO(arena) memory = arena_new(0);
    AUTO(status) failure = job_spec_check(&s->job, caps);
    AUTO(status) encoding = job_spec_encode_within(&s->job, caps, memory, &spec, hash);
    assert_int_equal(status_code_of(failure), STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(failure->message, says));
    assert_non_null(encoding);
    assert_string_equal(encoding->message, failure->message);
}

static void taken(const sample *s, const job_limits *caps)
{
    slice spec;
    uint8_t hash[JOB_HASH_BYTES];
    AUTO(arena) memory = arena_new(0);
    assert_null(job_spec_check(&s->job, caps));
    assert_null(job_spec_encode_within(&s->job, caps, memory, &spec, hash));
}

static void a_job_that_is_too_large_is_resource_exhausted(void **state)
{
    (void) state;
    static uint8_t body[1001];
    sample *s = http_sample();
    const job_limits small = {.max_input_bytes = 1000, .max_result_bytes = 1000};
    s->http.body = (ProtobufCBinaryData){1000, body};
    taken(s, &small);
    s->http.body.len = 1001;
    refused_as_too_large(s, &small, "has 1001 bytes, at most 1000");
    s->job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    s->job.data = &(Errand__V1__Data) ERRAND__V1__DATA__INIT;
    s->job.data->body = s->http.body;
    s->job.kind = (char *) (uintptr_t) "task";
    refused_as_too_large(s, &small, "has 1001 bytes, at most 1000");
    s->job.data->body.len = 1000;
    taken(s, &small);
}

static void what_stands_beside_the_input_has_a_cap_too(void **state)
{
    (void) state;
    static char url[JOB_MAX_BESIDE + 2000];
    sample *s = http_sample();
    const job_limits small = {.max_input_bytes = 1000, .max_result_bytes = 1000};
    memset(url, 'x', sizeof url - 1);
    s->http.url = url;
    refused_as_too_large(s, &small, "at most 1000");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(good_jobs_are_accepted),
    cmocka_unit_test(a_job_needs_an_input_or_a_kind),
    cmocka_unit_test(kind_goes_with_the_input),
    cmocka_unit_test(names_have_an_alphabet_and_a_length),
    cmocka_unit_test(ids_are_uuids),
    cmocka_unit_test(numbers_json_can_not_say_are_refused),
    cmocka_unit_test(args_too_deep_for_the_answer_to_a_lease_are_refused),
    cmocka_unit_test(content_types_have_a_syntax),
    cmocka_unit_test(priority_has_a_range),
    cmocka_unit_test(delay_and_schedule_time_exclude_each_other),
    cmocka_unit_test(durations_have_ranges),
    cmocka_unit_test(retry_policies_have_ranges),
    cmocka_unit_test(fields_of_the_server_can_not_be_set),
    cmocka_unit_test(all_that_is_wrong_is_told_at_once_up_to_a_cap),
    cmocka_unit_test(a_job_that_is_too_large_is_resource_exhausted),
    cmocka_unit_test(what_stands_beside_the_input_has_a_cap_too),
};

UNIT_TEST_MAIN(tests)
