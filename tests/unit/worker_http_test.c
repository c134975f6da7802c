// worker http - what a job of kind http does, against a real origin.
#include "unit/worker_scene.h"

static void assert_failed(const Errand__V1__Outcome *outcome, int code, bool retryable,
                          const char *in_message)
{
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    assert_non_null(strstr(outcome->failure->status->message, in_message));
    assert_int_equal(outcome->failure->status->code, code);
    assert_int_equal(outcome->failure->retryable, retryable);
}

static void a_fetched_url_gives_status_headers_body_and_type(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__HttpResult *http = rig_result(rig_run(r, rig_make(r, "/ok")));
    assert_int_equal(http->status, 200);
    assert_int_equal(http->body.len, 5);
    assert_memory_equal(http->body.data, "hello", 5);
    assert_string_equal(http->content_type, "text/plain");
    assert_string_equal(http->url, r->jobs[0].http.url);
    assert_string_equal(rig_header(http, "content-length"), "5");
    assert_non_null(http->total_time);
    rig_free(r);
}

static void repeated_headers_are_joined_under_a_lower_case_name(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__HttpResult *http = rig_result(rig_run(r, rig_make(r, "/headers")));
    assert_string_equal(rig_header(http, "set-thing"), "a, b");
    assert_string_equal(rig_header(http, "x-one"), "1");
    assert_int_equal(http->n_headers, 4);  // what stands between them is not lost
    assert_string_equal(rig_header(http, "x-none"), "");
    rig_free(r);
}

static void a_header_in_latin_1_becomes_utf_8(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__HttpResult *http = rig_result(rig_run(r, rig_make(r, "/latin1")));
    assert_string_equal(rig_header(http, "x-name"), "caf\xc3\xa9");
    assert_int_equal(http->body.len, 2);
    rig_free(r);
}

static void a_compressed_body_arrives_decoded(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__HttpResult *http = rig_result(rig_run(r, rig_make(r, "/gzip")));
    assert_int_equal(http->body.len, 10);
    assert_memory_equal(http->body.data, "compressed", 10);
    rig_free(r);
}

static const char *echo(rig *r, rig_job *job)
{
    const Errand__V1__HttpResult *http = rig_result(rig_run(r, job));
    static char text[16384];
    snprintf(text, sizeof text, "%.*s", (int) http->body.len, (const char *) http->body.data);
    return text;
}

static void a_get_sends_our_user_agent_and_nothing_odd(void **state)
{
    (void) state;
    rig *r = rig_new();
    const char *request = echo(r, rig_make(r, "/echo"));
    assert_memory_equal(request, "GET /echo HTTP/1.1\r\n", 20);
    assert_non_null(strstr(request, "User-Agent: errand/"));
    assert_null(strstr(request, "Content-"));
    assert_null(strstr(request, "Expect"));
    rig_free(r);
}

static void a_body_makes_it_a_post_with_the_headers_of_the_job(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/echo");
    Errand__V1__HttpRequest__HeadersEntry entries[3] = {
        ERRAND__V1__HTTP_REQUEST__HEADERS_ENTRY__INIT,
        ERRAND__V1__HTTP_REQUEST__HEADERS_ENTRY__INIT,
        ERRAND__V1__HTTP_REQUEST__HEADERS_ENTRY__INIT,
    };
    char text[3][2][16] = {{"X-Empty", ""}, {"User-Agent", "mine"}, {"Content-Type", "a/b"}};
    Errand__V1__HttpRequest__HeadersEntry *headers[3];
    for (int i = 0; i < 3; i++) {
        entries[i].key = text[i][0];
        entries[i].value = text[i][1];
        headers[i] = &entries[i];
    }
    job->http.n_headers = 3;
    job->http.headers = headers;
    job->http.body = (ProtobufCBinaryData){.len = 4, .data = (uint8_t *) (uintptr_t) "body"};
    const char *request = echo(r, job);
    assert_memory_equal(request, "POST /echo HTTP/1.1\r\n", 21);
    assert_non_null(strstr(request, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(request, "\r\nUser-Agent: mine\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Type: a/b\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Length: 4\r\n"));
    assert_null(strstr(request, "errand/"));
    rig_free(r);
}

static void a_put_without_a_body_has_a_length_of_zero(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/echo");
    job->http.method = (char *) (uintptr_t) "PUT";
    const char *request = echo(r, job);
    assert_memory_equal(request, "PUT /echo HTTP/1.1\r\n", 20);
    assert_non_null(strstr(request, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(request, "Content-Type"));
    rig_free(r);
}

static void a_head_has_no_body(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/status/204");
    job->http.method = (char *) (uintptr_t) "HEAD";
    assert_int_equal(rig_result(rig_run(r, job))->body.len, 0);
    rig_free(r);
}

static void a_503_is_retried_when_the_origin_says(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__Outcome *outcome = rig_run(r, rig_make(r, "/retry/7"));
    assert_failed(outcome, STATUS_UNAVAILABLE, true, "the answer was 503: later ?");
    assert_non_null(outcome->failure->retry_after);
    assert_int_equal(outcome->failure->retry_after->seconds, 7);
    rig_free(r);
}

static void a_404_fails_for_good_and_shows_the_body(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__Outcome *outcome = rig_run(r, rig_make(r, "/status/404"));
    assert_failed(outcome, STATUS_NOT_FOUND, false, "the answer was 404: because");
    assert_null(outcome->failure->retry_after);
    rig_free(r);
}

static void a_code_named_by_the_job_is_a_success(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/status/404");
    char *codes[] = {(char *) (uintptr_t) "2xx", (char *) (uintptr_t) "404"};
    job->http.n_success_codes = 2;
    job->http.success_codes = codes;
    assert_int_equal(rig_result(rig_run(r, job))->status, 404);
    rig_free(r);
}

static void redirects_are_followed_ten_times(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__HttpResult *http = rig_result(rig_run(r, rig_make(r, "/hop/10")));
    assert_memory_equal(http->body.data, "hello", 5);
    assert_non_null(strstr(http->url, "/ok"));
    rig_free(r);
}

static void redirects_without_end_fail_for_good(void **state)
{
    (void) state;
    rig *r = rig_new();
    assert_failed(rig_run(r, rig_make(r, "/loop")), STATUS_FAILED_PRECONDITION, false,
                  "more than 10 redirects");
    assert_int_equal(r->origin->requests, 11);
    rig_free(r);
}

static void a_redirect_that_is_not_followed_is_no_success(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/hop/1");
    job->http.follow_redirects = &job->follow;
    assert_failed(rig_run(r, job), STATUS_FAILED_PRECONDITION, false, "the answer was 302");
    assert_int_equal(r->origin->requests, 1);
    rig_free(r);
}

static void a_body_over_its_cap_fails_for_good_naming_the_cap(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/endless");
    job->http.max_body_bytes = 100000;
    assert_failed(rig_run(r, job), STATUS_RESOURCE_EXHAUSTED, false, "max_body_bytes, 100000");
    rig_free(r);
}

static void a_body_at_its_cap_arrives(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/big");
    job->http.max_body_bytes = 3 << 20;
    assert_int_equal(rig_result(rig_run(r, job))->body.len, 3 << 20);
    rig_free(r);
}

static void a_result_over_the_workers_cap_fails_for_good(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.max_result_bytes = 1 << 20;
    assert_failed(rig_run(r, rig_make(r, "/big")), STATUS_RESOURCE_EXHAUSTED, false,
                  "more than the cap of 1048576 bytes");
    rig_free(r);
}

static void a_body_as_long_as_a_result_may_be_arrives_with_its_headers(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.max_result_bytes = 3 << 20;
    assert_int_equal(rig_result(rig_run(r, rig_make(r, "/big")))->body.len, 3 << 20);
    rig_free(r);
}

static void an_origin_that_closes_is_tried_again(void **state)
{
    (void) state;
    rig *r = rig_new();
    assert_failed(rig_run(r, rig_make(r, "/close")), STATUS_UNAVAILABLE, true, "");
    rig_free(r);
}

static void half_a_body_is_tried_again(void **state)
{
    (void) state;
    rig *r = rig_new();
    assert_failed(rig_run(r, rig_make(r, "/half")), STATUS_UNAVAILABLE, true, "");
    rig_free(r);
}

static void a_port_where_nobody_listens_is_tried_again(void **state)
{
    (void) state;
    rig *r = rig_new();
    assert_failed(rig_run(r, rig_make(r, "http://127.0.0.1:1/")), STATUS_UNAVAILABLE, true, "");
    rig_free(r);
}

static void a_name_that_resolves_to_nothing_is_tried_again(void **state)
{
    (void) state;
    rig *r = rig_new();
    assert_failed(rig_run(r, rig_make(r, "http://nothing.invalid/")), STATUS_UNAVAILABLE, true,
                  "nothing.invalid");
    rig_free(r);
}

static void a_failed_handshake_is_tried_again(void **state)
{
    (void) state;
    rig *r = rig_new();
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", r->origin->port);
    assert_failed(rig_run(r, rig_make(r, url)), STATUS_UNAVAILABLE, true, "SSL");
    rig_free(r);
}

static void a_redirect_to_another_protocol_fails_for_good(void **state)
{
    (void) state;
    rig *r = rig_new();
    assert_failed(rig_run(r, rig_make(r, "/to-ftp")), STATUS_INVALID_ARGUMENT, false, "ftp");
    rig_free(r);
}

static void a_redirect_to_a_link_local_address_is_refused(void **state)
{
    (void) state;
    rig *r = rig_new();
    const Errand__V1__Outcome *outcome = rig_run(r, rig_make(r, "/to-metadata"));
    assert_failed(outcome, STATUS_PERMISSION_DENIED, false, "169.254.169.254");
    rig_free(r);
}

static void an_origin_that_hangs_ends_with_the_attempt_timeout(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/hang");
    job->timeout.seconds = 0;
    job->timeout.nanos = 150000000;
    assert_failed(rig_run(r, job), STATUS_DEADLINE_EXCEEDED, true, "attempt_timeout, 0.15 s");
    rig_free(r);
}

static void a_private_address_is_refused_unless_allowed(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.http.allow_private_addresses = false;
    assert_failed(rig_run(r, rig_make(r, "/ok")), STATUS_PERMISSION_DENIED, false, "127.0.0.1");
    assert_int_equal(r->origin->requests, 0);
    rig_free(r);
}

static void a_link_local_address_is_refused_even_so(void **state)
{
    (void) state;
    rig *r = rig_new();
    assert_failed(rig_run(r, rig_make(r, "http://169.254.169.254/")), STATUS_PERMISSION_DENIED,
                  false, "169.254.169.254");
    rig_free(r);
}

static void a_proxy_in_the_environment_is_not_asked(void **state)
{
    (void) state;
    assert_return_code(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    rig *r = rig_new();
    assert_int_equal(rig_result(rig_run(r, rig_make(r, "/ok")))->status, 200);
    rig_free(r);
}

static void connections_are_used_again(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.concurrency = 1;
    rig_start(r);
    for (size_t i = 0; i < 20; i++) {
        rig_add(r, "/ok");
    }
    rig_wait_finished(r, 20);
    assert_int_equal(r->origin->connections, 1);
    rig_free(r);
}

static void one_host_gets_no_more_connections_than_its_cap(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.concurrency = 64;
    r->options.http.max_per_host = 3;
    for (size_t i = 0; i < 200; i++) {
        rig_add(r, "/ok");
    }
    rig_start(r);
    rig_wait_finished(r, 200);
    assert_true(r->origin->connections <= 3);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fetched_url_gives_status_headers_body_and_type),
    cmocka_unit_test(repeated_headers_are_joined_under_a_lower_case_name),
    cmocka_unit_test(a_header_in_latin_1_becomes_utf_8),
    cmocka_unit_test(a_compressed_body_arrives_decoded),
    cmocka_unit_test(a_get_sends_our_user_agent_and_nothing_odd),
    cmocka_unit_test(a_body_makes_it_a_post_with_the_headers_of_the_job),
    cmocka_unit_test(a_put_without_a_body_has_a_length_of_zero),
    cmocka_unit_test(a_head_has_no_body),
    cmocka_unit_test(a_503_is_retried_when_the_origin_says),
    cmocka_unit_test(a_404_fails_for_good_and_shows_the_body),
    cmocka_unit_test(a_code_named_by_the_job_is_a_success),
    cmocka_unit_test(redirects_are_followed_ten_times),
    cmocka_unit_test(redirects_without_end_fail_for_good),
    cmocka_unit_test(a_redirect_that_is_not_followed_is_no_success),
    cmocka_unit_test(a_body_over_its_cap_fails_for_good_naming_the_cap),
    cmocka_unit_test(a_body_at_its_cap_arrives),
    cmocka_unit_test(a_result_over_the_workers_cap_fails_for_good),
    cmocka_unit_test(a_body_as_long_as_a_result_may_be_arrives_with_its_headers),
    cmocka_unit_test(an_origin_that_closes_is_tried_again),
    cmocka_unit_test(half_a_body_is_tried_again),
    cmocka_unit_test(a_port_where_nobody_listens_is_tried_again),
    cmocka_unit_test(a_name_that_resolves_to_nothing_is_tried_again),
    cmocka_unit_test(a_failed_handshake_is_tried_again),
    cmocka_unit_test(a_redirect_to_another_protocol_fails_for_good),
    cmocka_unit_test(a_redirect_to_a_link_local_address_is_refused),
    cmocka_unit_test(an_origin_that_hangs_ends_with_the_attempt_timeout),
    cmocka_unit_test(a_private_address_is_refused_unless_allowed),
    cmocka_unit_test(a_link_local_address_is_refused_even_so),
    cmocka_unit_test(a_proxy_in_the_environment_is_not_asked),
    cmocka_unit_test(connections_are_used_again),
    cmocka_unit_test(one_host_gets_no_more_connections_than_its_cap),
};

UNIT_TEST_MAIN(tests)
