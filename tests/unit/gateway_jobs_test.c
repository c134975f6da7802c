// The gateway's routes of jobs, before a scripted server.
#include "unit/gateway_rig_client.h"

static int set_up(void **state)
{
    *state = rig_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static answer submit(rig *r, const char *path, const char *headers, const char *body)
{
    char all[512];
    (void) snprintf(all, sizeof all, JSON_TYPE "%s", headers);
    return rig_request(r, "POST", path, all, body);
}

static void a_submitted_job_is_created_at_its_location(void **state)
{
    answer got = submit(*state, "/v1/jobs", "", "{\"queue\":\"q\",\"exec\":{\"name\":\"x\"}}");
    assert_int_equal(got.http_status, 201);
    assert_has(got.head, "Location: /v1/jobs/" RIG_ID "1\r\n");
    assert_has(got.head, "Content-Type: application/json\r\n");
    assert_has(got.head, "X-Content-Type-Options: nosniff\r\n");
    assert_has(got.head, "Cache-Control: no-store\r\n");
    assert_has(got.body, "\"queue\":\"q\",\"state\":\"READY\"");
    assert_int_equal(((rig *) *state)->wait_s, -1);
}

static void a_job_that_existed_is_ok(void **state)
{
    answer got = submit(*state, "/v1/jobs", "", "{\"uniqueKey\":\"dup\"}");
    assert_int_equal(got.http_status, 200);
    assert_has(got.body, "\"duplicate\":true");
}

static void a_job_that_ended_within_the_wait_is_ok(void **state)
{
    rig *r = *state;
    answer got = submit(r, "/v1/jobs?wait=5s", "", "{}");
    assert_int_equal(got.http_status, 200);
    assert_has(got.body, "SUCCEEDED");
    assert_int_equal(r->wait_s, 5);

    got = submit(r, "/v1/jobs", "Prefer: respond-async, wait=7\r\n", "{}");
    assert_int_equal(got.http_status, 200);
    assert_has(got.head, "Preference-Applied: wait=7\r\n");
    assert_int_equal(r->wait_s, 7);

    (void) submit(r, "/v1/jobs", "Prefer: wait=1000\r\n", "{}");
    assert_int_equal(r->wait_s, 60);
    (void) submit(r, "/v1/jobs", "Prefer: waiting\r\n", "{}");
    assert_int_equal(r->wait_s, -1);
}

static void an_idempotency_key_is_the_request_id(void **state)
{
    rig *r = *state;
    (void) submit(r, "/v1/jobs", "Idempotency-Key: \"a \\\\key\"\r\n", "{}");
    assert_string_not_equal(r->request_id, "a \\key");  // a space is not visible
    (void) submit(r, "/v1/jobs", "Idempotency-Key: \"k\\\"1\"\r\n", "{}");
    assert_string_equal(r->request_id, "k\"1");
    (void) submit(r, "/v1/jobs", "Idempotency-Key: bare-2\r\n", "{}");
    assert_string_equal(r->request_id, "bare-2");

    (void) submit(r, "/v1/jobs", "", "{}");
    char first[sizeof r->request_id];
    rig_copy(first, sizeof first, r->request_id);
    assert_int_equal(strlen(first), 36);
    (void) submit(r, "/v1/jobs", "", "{}");
    assert_string_not_equal(first, r->request_id);
}

static void a_bad_idempotency_key_is_refused(void **state)
{
    static const char *const keys[] = {"", "\"", "\"\"", "\"a", "\"a\" b", "a b"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char header[64];
        (void) snprintf(header, sizeof header, "Idempotency-Key: %s\r\n", keys[i]);
        answer got = submit(*state, "/v1/jobs", header, "{}");
        assert_problem(&got, 400, "INVALID_ARGUMENT");
    }
}

static bool note_any(rpc_call *call, const char *method __attribute__((unused)),
                     const ProtobufCMessage *request __attribute__((unused)))
{
    rig_note(call, NULL);
    return false;
}

static void every_write_passes_its_key_on(void **state)
{
    static const struct {
        const char *method, *path, *body;
    } writes[] = {
        {"POST", "/v1/jobs:batch", "{}"},
        {"POST", "/v1/jobs/" RIG_ID "1:cancel", NULL},
        {"POST", "/v1/jobs/" RIG_ID "1:retry", "{}"},
        {"DELETE", "/v1/jobs/" RIG_ID "1", NULL},
        {"POST", "/v1/jobs:cancel", "{}"},
        {"POST", "/v1/jobs:retry", "{}"},
        {"POST", "/v1/jobs:delete", "{}"},
        {"POST", "/v1/queues/q:pause", NULL},
        {"PATCH", "/v1/queues/q", "{}"},
    };
    rig_other = note_any;
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char headers[128], key[16];
        (void) snprintf(key, sizeof key, "key-%zu", i);
        (void) snprintf(headers, sizeof headers, JSON_TYPE "Idempotency-Key: %s\r\n", key);
        (void) rig_request(*state, writes[i].method, writes[i].path, headers, writes[i].body);
        assert_string_equal(((rig *) *state)->request_id, key);
        answer got = rig_request(*state, writes[i].method, writes[i].path,
                                 JSON_TYPE "Idempotency-Key: a b\r\n", writes[i].body);
        assert_problem(&got, 400, "INVALID_ARGUMENT");
    }
    rig_other = NULL;
}

static void a_key_used_with_another_body_is_422(void **state)
{
    answer got = submit(*state, "/v1/jobs", "Idempotency-Key: k\r\n", "{\"queue\":\"taken\"}");
    assert_problem(&got, 422, "ALREADY_EXISTS");
    got = submit(*state, "/v1/jobs", "", "{\"queue\":\"taken\"}");
    assert_problem(&got, 409, "ALREADY_EXISTS");
    got = submit(*state, "/v1/jobs", "Idempotency-Key: k\r\n",
                 "{\"id\":\"" RIG_ID "1\",\"queue\":\"taken\"}");
    assert_problem(&got, 409, "ALREADY_EXISTS");
}

static void a_full_queue_says_when_to_come_again(void **state)
{
    answer got = submit(*state, "/v1/jobs", "", "{\"queue\":\"full\"}");
    assert_problem(&got, 429, "RESOURCE_EXHAUSTED");
    assert_has(got.head, "Retry-After: 2\r\n");
    assert_has(got.body, "\"detail\":\"the queue is full\"");
}

static void a_wrong_field_is_named_as_it_stands_in_the_body(void **state)
{
    answer got = submit(*state, "/v1/jobs", "", "{\"queue\":\"bad\"}");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    assert_has(got.body, "{\"field\":\"http.url\",\"description\":\"expected a URL\"}");
    assert_has_not(got.body, "job.http");
    got = submit(*state, "/v1/jobs", "", "{\"http\":{\"url\":5}}");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    assert_has(got.body, "\"field\":\"http.url\"");
}

static void a_body_that_is_no_json_is_refused(void **state)
{
    answer got = submit(*state, "/v1/jobs", "", "not json");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    got = submit(*state, "/v1/jobs", "", "");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
}

static void a_write_needs_a_json_content_type(void **state)
{
    rig *r = *state;
    answer got = rig_request(r, "POST", "/v1/jobs", "", "{}");
    assert_problem(&got, 415, "INVALID_ARGUMENT");
    got = rig_request(r, "POST", "/v1/jobs", "Content-Type: text/plain\r\n", "{}");
    assert_problem(&got, 415, "INVALID_ARGUMENT");
    got = rig_request(r, "POST", "/v1/jobs", JSON_TYPE "Content-Encoding: br\r\n", "{}");
    assert_problem(&got, 415, "INVALID_ARGUMENT");
    got = rig_request(r, "POST", "/v1/jobs", "Content-Type: Application/JSON ; charset=UTF-8\r\n",
                      "{}");
    assert_int_equal(got.http_status, 201);
}

static void a_job_is_shown_in_the_view_asked_for(void **state)
{
    answer got = rig_request(*state, "GET", "/v1/jobs/" RIG_ID "1", "", NULL);
    assert_int_equal(got.http_status, 200);
    assert_string_equal(got.body, "{\"id\":\"" RIG_ID "1\"}");
    got = rig_request(*state, "GET", "/v1/jobs/" RIG_ID "1?view=FULL", "", NULL);
    assert_has(got.body, "\"attempt\":2");
    got = rig_request(*state, "GET", "/v1/jobs/a%2Fb", "", NULL);
    assert_string_equal(got.body, "{\"id\":\"a/b\"}");
}

static void head_is_get_without_the_body(void **state)
{
    answer got = rig_request(*state, "HEAD", "/v1/jobs/" RIG_ID "1", "", NULL);
    assert_int_equal(got.http_status, 200);
    assert_has(got.head, "Content-Length: 45\r\n");
    assert_string_equal(got.body, "");
}

static void a_result_is_ok_once_there_and_accepted_before(void **state)
{
    rig *r = *state;
    answer got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1/result?wait=1.5s", "", NULL);
    assert_int_equal(got.http_status, 202);
    assert_has(got.body, "\"state\":\"RUNNING\"");
    assert_int_equal(r->wait_s, 1);
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "2/result", "", NULL);
    assert_int_equal(got.http_status, 200);
    assert_has(got.body, "\"body\":\"PHA+Cg==\"");
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "3/result", "", NULL);
    assert_int_equal(got.http_status, 200);
    assert_has(got.body, "\"error\":{\"message\":\"it broke\"}");
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "9/result", "", NULL);
    assert_problem(&got, 404, "NOT_FOUND");
}

static void an_output_is_the_bytes_and_can_not_run_as_our_page(void **state)
{
    rig *r = *state;
    answer got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "2/output", "", NULL);
    assert_int_equal(got.http_status, 200);
    assert_string_equal(got.body, "<p>\n");
    assert_has(got.head, "Content-Type: text/html; charset=utf-8\r\n");
    assert_has(got.head, "Content-Security-Policy: sandbox\r\n");
    assert_has(got.head, "X-Content-Type-Options: nosniff\r\n");
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "4/output", "", NULL);
    assert_has(got.head, "Content-Type: application/json\r\n");
    assert_string_equal(got.body, "1.5");
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1/output", "", NULL);
    assert_int_equal(got.http_status, 202);
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "3/output", "", NULL);
    assert_problem(&got, 409, "FAILED_PRECONDITION");
    assert_has(got.body, "it broke");
}

static void the_query_of_a_list_becomes_the_request(void **state)
{
    answer got = rig_request(*state, "GET",
                             "/v1/jobs?queue=q&state=FAILED&label=k%3Aa+b&pageSize=7", "", NULL);
    assert_int_equal(got.http_status, 200);
    assert_has(got.body, "\"nextPageToken\":\"q 6 k:a b 7\"");
}

static void a_bad_query_is_refused(void **state)
{
    static const char *const queries[] = {
        "bogus=1",      "queue=a&queue=b", "queue=%zz", "queue=%ff", "queue=%00",
        "state=ASLEEP", "pageSize=many",   "=x",        "queue.x=1"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        char path[64];
        (void) snprintf(path, sizeof path, "/v1/jobs?%s", queries[i]);
        answer got = rig_request(*state, "GET", path, "", NULL);
        assert_problem(&got, 400, "INVALID_ARGUMENT");
    }
    answer got = rig_request(*state, "GET", "/v1/jobs/" RIG_ID "1?id=x", "", NULL);
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    got = rig_request(*state, "GET", "/v1/jobs?bogus=1", "", NULL);
    assert_has(got.body, "\"field\":\"bogus\"");
}

static void what_the_server_does_not_do_yet_is_501(void **state)
{
    answer got = rig_request(*state, "POST", "/v1/jobs/" RIG_ID "1:cancel", "", NULL);
    assert_problem(&got, 501, "UNIMPLEMENTED");
    got = rig_request(*state, "DELETE", "/v1/jobs/" RIG_ID "1", "", NULL);
    assert_problem(&got, 501, "UNIMPLEMENTED");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_submitted_job_is_created_at_its_location, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_job_that_existed_is_ok, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_job_that_ended_within_the_wait_is_ok, set_up, tear_down),
    cmocka_unit_test_setup_teardown(an_idempotency_key_is_the_request_id, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_bad_idempotency_key_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(every_write_passes_its_key_on, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_key_used_with_another_body_is_422, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_full_queue_says_when_to_come_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_wrong_field_is_named_as_it_stands_in_the_body, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(a_body_that_is_no_json_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_write_needs_a_json_content_type, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_job_is_shown_in_the_view_asked_for, set_up, tear_down),
    cmocka_unit_test_setup_teardown(head_is_get_without_the_body, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_result_is_ok_once_there_and_accepted_before, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(an_output_is_the_bytes_and_can_not_run_as_our_page, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(the_query_of_a_list_becomes_the_request, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_bad_query_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_the_server_does_not_do_yet_is_501, set_up, tear_down),
};

UNIT_TEST_MAIN(tests)
