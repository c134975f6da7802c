// service_event - what a callback sends: a signed event, or the result's own bytes.
#include "unit/service_rig.h"

#include "base/crypto.h"

#define ANY_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static Errand__V1__Callback callback_to(const char *url)
{
    Errand__V1__Callback callback = ERRAND__V1__CALLBACK__INIT;
    callback.url = text(url);
    return callback;
}

static const Errand__V1__Assignment *submit_and_lease(Errand__V1__Callback *callback)
{
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    job.callback = callback;
    submit(&job);
    return lease_one(1);
}

static const Errand__V1__HttpRequest *lease_callback(void)
{
    const Errand__V1__Assignment *a = lease_one(2);
    assert_string_equal(a->job->queue, "callbacks");
    assert_int_equal(a->job->input_case, ERRAND__V1__JOB__INPUT_HTTP);
    return a->job->http;
}

static const Errand__V1__HttpRequest *callback_of(Errand__V1__Callback *callback,
                                                  Errand__V1__Result *result)
{
    succeed(submit_and_lease(callback), result);
    return lease_callback();
}

static const char *header(const Errand__V1__HttpRequest *http, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < http->n_headers; i++) {
        if (strcmp(http->headers[i]->key, name) == 0) {
            assert_null(found);  // once only
            found = http->headers[i]->value;
        }
    }
    return found;
}

static char *body_of(const Errand__V1__HttpRequest *http)
{
    char *body = arena_alloc(srig.memory, http->body.len + 1);
    memcpy(body, http->body.data, http->body.len);
    body[http->body.len] = '\0';
    return body;
}

static void assert_has(const char *body, const char *part)
{
    if (!strstr(body, part))
        print_error("%s\nhas no %s\n", body, part);
    assert_non_null(strstr(body, part));
}

// As a receiver checks it: HMAC-SHA256 over id.timestamp.body with the secret behind whsec_.
static void assert_signed(const Errand__V1__HttpRequest *http, const char *secret)
{
    uint8_t key[256], mac[SHA256_BYTES];
    size_t size = 0;
    char expected[64] = "v1,";
    const char *id = header(http, "webhook-id"), *time = header(http, "webhook-timestamp");
    assert_non_null(id);
    assert_non_null(time);
    assert_true(crypto_base64_decode(secret + 6, strlen(secret) - 6, key, &size));
    const crypto_part parts[] = {
        {id, strlen(id)},
        {".", 1},
        {time, strlen(time)},
        {".", 1},
        {http->body.data, http->body.len},
    };
    crypto_hmac_sha256(key, size, parts, COUNT(parts), mac);
    crypto_base64_encode(mac, sizeof mac, expected + 3);
    assert_string_equal(header(http, "webhook-signature"), expected);
}

// For its next attempt, after one that could not even be handed to a worker.
static void assert_callback_waits(Errand__Rpc__V1__Code error)
{
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *listed = NULL;
    request.queue = text("callbacks");
    do
        rig_ok(try_call(JOBS, "List", &request.base, NULL, &listed));
    while (listed->jobs[0]->state == ERRAND__V1__JOB__STATE__RUNNING);
    assert_int_equal(listed->jobs[0]->state, ERRAND__V1__JOB__STATE__SCHEDULED);
    assert_int_equal(listed->jobs[0]->error->code, error);
}

static void an_event_tells_type_time_and_job(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    const Errand__V1__HttpRequest *http = callback_of(&callback, data_result("text/plain", "hi"));
    const char *body = body_of(http);
    assert_string_equal(http->url, "http://localhost/sink");
    assert_string_equal(http->method, "POST");
    assert_string_equal(header(http, "content-type"), "application/json");
    assert_int_equal(strncmp(body, "{\"type\":\"job.succeeded\",\"timestamp\":\"20", 39), 0);
    assert_has(body, "\"data\":{\"job\":{");
    assert_has(body, "\"state\":\"SUCCEEDED\"");
    assert_has(body, "\"result\":{\"data\":{\"contentType\":\"text/plain\",\"body\":\"aGk=\"}}");
}

static void an_event_is_signed_with_the_jobs_own_secret(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.secret = text(ANY_SECRET);
    const Errand__V1__HttpRequest *http = callback_of(&callback, data_result("", "hi"));
    assert_signed(http, ANY_SECRET);
    assert_null(strstr(body_of(http), "whsec_"));
}

static void an_event_is_signed_with_a_secret_of_the_configuration(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.secret_name = text("main");
    assert_signed(callback_of(&callback, data_result("", "hi")), srig_secrets[0].secret);
}

static void an_event_without_a_secret_is_not_signed(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    const Errand__V1__HttpRequest *http = callback_of(&callback, data_result("", "hi"));
    assert_null(header(http, "webhook-signature"));
    assert_non_null(header(http, "webhook-id"));
}

// The example of the specification, so that not only our own code agrees with itself.
static void the_signature_is_that_of_the_specification(void **state)
{
    (void) state;
    uint8_t key[64], mac[SHA256_BYTES];
    char signature[64];
    size_t size = 0;
    const char message[] = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
    const crypto_part part = {message, strlen(message)};
    assert_true(crypto_base64_decode(ANY_SECRET + 6, strlen(ANY_SECRET) - 6, key, &size));
    crypto_hmac_sha256(key, size, &part, 1, mac);
    crypto_base64_encode(mac, sizeof mac, signature);
    assert_string_equal(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void the_id_stays_over_attempts_and_the_time_is_of_the_attempt(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    succeed(submit_and_lease(&callback), data_result("", "hi"));
    const Errand__V1__Assignment *a = lease_one(2);
    char started[24];
    snprintf(started, sizeof started, "%lld", (long long) a->job->start_time->seconds);
    assert_string_equal(header(a->job->http, "webhook-id"), a->job->id);
    assert_string_equal(header(a->job->http, "webhook-timestamp"), started);
}

static void the_callbacks_own_headers_are_sent_too(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    Errand__V1__Callback__HeadersEntry entry = ERRAND__V1__CALLBACK__HEADERS_ENTRY__INIT;
    Errand__V1__Callback__HeadersEntry *headers[] = {&entry};
    entry.key = text("x-mine");
    entry.value = text("yes");
    callback.headers = headers;
    callback.n_headers = 1;
    const Errand__V1__HttpRequest *http = callback_of(&callback, data_result("", "hi"));
    assert_string_equal(header(http, "x-mine"), "yes");
    assert_int_equal(http->n_headers, 4);
}

static void the_event_of_a_failure_tells_the_error(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    fail_for_good(submit_and_lease(&callback), "out of paper");
    const char *body = body_of(lease_callback());
    assert_has(body, "\"type\":\"job.failed\"");
    assert_has(body, "\"code\":\"ABORTED\"");
    assert_has(body, "out of paper");
    assert_null(strstr(body, "\"result\""));
}

static void a_raw_callback_sends_the_results_own_bytes(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.format = ERRAND__V1__CALLBACK__FORMAT__RAW;
    const Errand__V1__HttpRequest *http = callback_of(&callback, data_result("text/x", "hi"));
    assert_string_equal(body_of(http), "hi");
    assert_string_equal(header(http, "content-type"), "text/x");
    assert_string_equal(header(http, "errand-job-state"), "SUCCEEDED");
    assert_int_equal(strlen(header(http, "errand-job-id")), UUID_TEXT_SIZE - 1);
    assert_null(header(http, "webhook-id"));
}

static void a_raw_callback_without_a_type_sends_bytes(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.format = ERRAND__V1__CALLBACK__FORMAT__RAW;
    const Errand__V1__HttpRequest *http = callback_of(&callback, data_result("", "hi"));
    assert_string_equal(header(http, "content-type"), "application/octet-stream");
}

static void a_raw_callback_sends_no_type_that_would_be_more_than_one_header(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.format = ERRAND__V1__CALLBACK__FORMAT__RAW;
    const Errand__V1__HttpRequest *http =
        callback_of(&callback, data_result("text/x\r\nx-forged: yes", "hi"));
    assert_string_equal(header(http, "content-type"), "application/octet-stream");
}

static void a_raw_callback_of_a_value_sends_json(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
    value.string_value = text("a \"b\"");
    result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
    result.value = &value;
    callback.format = ERRAND__V1__CALLBACK__FORMAT__RAW;
    const Errand__V1__HttpRequest *http = callback_of(&callback, &result);
    assert_string_equal(body_of(http), "\"a \\\"b\\\"\"");
    assert_string_equal(header(http, "content-type"), "application/json");
}

static void a_raw_callback_of_a_failure_is_empty_and_says_so(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.format = ERRAND__V1__CALLBACK__FORMAT__RAW;
    fail_for_good(submit_and_lease(&callback), "out of paper");
    const Errand__V1__HttpRequest *http = lease_callback();
    assert_int_equal(http->body.len, 0);
    assert_string_equal(header(http, "errand-job-state"), "FAILED");
}

static void a_large_result_is_left_out_of_the_event(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    char large[17000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    const char *body = body_of(callback_of(&callback, data_result("text/plain", large)));
    assert_has(body, "\"state\":\"SUCCEEDED\"");
    assert_null(strstr(body, "\"result\""));
    assert_true(strlen(body) < 2000);
}

// As after a restart with another configuration.
static void an_event_whose_secret_is_configured_no_more_is_not_sent(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.secret_name = text("main");
    succeed(submit_and_lease(&callback), data_result("", "hi"));
    srig_forget_secrets();
    assert_int_equal(lease_from(NULL, 2, 10)->n_assignments, 0);
    assert_callback_waits(ERRAND__RPC__V1__CODE__FAILED_PRECONDITION);
}

// One callback that can not be made must not keep the worker from all other jobs.
static void a_secret_that_can_not_be_used_fails_its_callback_only(void **state)
{
    (void) state;
    Errand__V1__Callback callback = callback_to("http://localhost/sink");
    callback.secret_name = text("useless");
    succeed(submit_and_lease(&callback), data_result("", "hi"));
    const Errand__V1__Job *other = submit_any();
    const Errand__V1__LeaseResponse *got = lease_from(NULL, 2, 10);
    assert_int_equal(got->n_assignments, 1);
    assert_string_equal(got->assignments[0]->job->id, other->id);
    assert_callback_waits(ERRAND__RPC__V1__CODE__INTERNAL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(an_event_tells_type_time_and_job, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(an_event_is_signed_with_the_jobs_own_secret, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(an_event_is_signed_with_a_secret_of_the_configuration,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(an_event_without_a_secret_is_not_signed, srig_start, srig_stop),
    cmocka_unit_test(the_signature_is_that_of_the_specification),
    cmocka_unit_test_setup_teardown(the_id_stays_over_attempts_and_the_time_is_of_the_attempt,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(the_callbacks_own_headers_are_sent_too, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(the_event_of_a_failure_tells_the_error, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_raw_callback_sends_the_results_own_bytes, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_raw_callback_without_a_type_sends_bytes, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_raw_callback_sends_no_type_that_would_be_more_than_one_header,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_raw_callback_of_a_value_sends_json, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_raw_callback_of_a_failure_is_empty_and_says_so, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_large_result_is_left_out_of_the_event, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(an_event_whose_secret_is_configured_no_more_is_not_sent,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_secret_that_can_not_be_used_fails_its_callback_only,
                                    srig_start, srig_stop),
};

UNIT_TEST_MAIN(tests)
