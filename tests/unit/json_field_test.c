// One field from plain text, as in a query.
#include "unit/json_support.h"

static status *set(ProtobufCMessage *message, const char *name, const char *text, arena *memory)
{
    return json_decode_field(message, name, text, memory);
}

static void text_sets_fields_of_all_simple_types(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__ListJobsRequest list = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    assert_null(set(&list.base, "queue", "a b", memory));
    assert_null(set(&list.base, "state", "FAILED", memory));
    assert_null(set(&list.base, "pageSize", "17", memory));
    assert_string_equal(list.queue, "a b");
    assert_int_equal(list.state, ERRAND__V1__JOB__STATE__FAILED);
    assert_int_equal(list.page_size, 17);

    Errand__V1__GetResultRequest result = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    assert_null(set(&result.base, "wait", "1.5s", memory));
    assert_int_equal(result.wait->seconds, 1);
    assert_int_equal(result.wait->nanos, 500000000);
}

static void dotted_names_reach_into_messages(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    assert_null(set(&request.base, "job.http.url", "http://x/", memory));
    assert_null(set(&request.base, "job.http.followRedirects", "false", memory));
    assert_null(set(&request.base, "job.http.success_codes", "2xx", memory));
    assert_null(set(&request.base, "job.http.success_codes", "404", memory));
    assert_string_equal(request.job->http->url, "http://x/");
    assert_false(request.job->http->follow_redirects->value);
    assert_int_equal(request.job->http->n_success_codes, 2);
    assert_string_equal(request.job->http->success_codes[1], "404");
}

static void assert_bad(const char *name, const char *text, const char *field)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    AUTO(status) failure = set(&request.base, name, text, memory);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    assert_string_equal(failure->violations[0].field, field);
}

static void bad_names_and_values_are_refused(void **state)
{
    (void) state;
    assert_bad("bogus", "1", "bogus");
    assert_bad("job.bogus", "1", "job.bogus");
    assert_bad("job", "{}", "job");
    assert_bad("job.labels", "a", "job.labels");
    assert_bad("job.args", "1", "job.args");
    assert_bad("job.queue.x", "1", "job.queue");
    assert_bad("wait.seconds", "1", "wait");
    assert_bad("wait", "5", "wait");
    assert_bad("job.priority", "", "job.priority");
    assert_bad("job.queue", "\xff", "job.queue");
    assert_bad("job.duplicate", "yes", "job.duplicate");
    assert_bad("", "1", "");
}

static void a_second_member_of_a_oneof_is_refused(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    assert_null(set(&job.base, "http.url", "http://x/", memory));
    AUTO(status) failure = set(&job.base, "exec.name", "x", memory);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    assert_string_equal(failure->violations[0].field, "exec");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_sets_fields_of_all_simple_types),
    cmocka_unit_test(dotted_names_reach_into_messages),
    cmocka_unit_test(bad_names_and_values_are_refused),
    cmocka_unit_test(a_second_member_of_a_oneof_is_refused),
};

UNIT_TEST_MAIN(tests)
