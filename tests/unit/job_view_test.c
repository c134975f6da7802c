// job_view - what is shown of a job, and the callbacks that tell about it.
#include "unit/job_sample.h"

#include "job/callback.h"
#include "job/view.h"

#define NOW INT64_C(1700000000000000)

static job_row running_row(void)
{
    job_row row = {.seq = 3,
                   .id = {{1}},
                   .state = JOB_RUNNING,
                   .attempt = 2,
                   .revision = 4,
                   .create_us = NOW,
                   .start_us = NOW + 1,
                   .due_us = NOW,
                   .worker = {{2}}};
    return row;
}

static void a_view_shows_what_the_server_knows(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    sample *s = http_sample();
    job_row row = running_row();
    assert_true(job_view_fill(&s->job, &row, true, memory));
    assert_string_equal(s->job.id, "01000000-0000-0000-0000-000000000000");
    assert_string_equal(s->job.queue, "default");
    assert_string_equal(s->job.kind, "http");
    assert_string_equal(s->job.worker, "02000000-0000-0000-0000-000000000000");
    assert_int_equal(s->job.state, ERRAND__V1__JOB__STATE__RUNNING);
    assert_int_equal(s->job.attempt, 2);
    assert_int_equal(s->job.revision, 4);
    assert_int_equal(s->job.create_time->seconds, NOW / 1000000);
    assert_int_equal(s->job.start_time->nanos, 1000);
    assert_null(s->job.finish_time);
    assert_null(s->job.next_attempt_time);
    row.state = JOB_SCHEDULED;
    assert_true(job_view_fill(&s->job, &row, true, memory));
    assert_non_null(s->job.next_attempt_time);
}

static void a_basic_view_has_no_input_bytes(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    sample *s = http_sample();
    job_row row = running_row();
    s->http.body = (ProtobufCBinaryData){4, (uint8_t *) text("body")};
    assert_true(job_view_fill(&s->job, &row, true, memory));
    assert_int_equal(s->http.body.len, 4);
    assert_true(job_view_fill(&s->job, &row, false, memory));
    assert_int_equal(s->http.body.len, 0);
    assert_string_equal(s->http.url, "https://example.org/a?b=c#d");
    s = args_sample();
    assert_true(job_view_fill(&s->job, &row, false, memory));
    assert_int_equal(s->job.input_case, ERRAND__V1__JOB__INPUT__NOT_SET);
}

static void no_view_shows_the_secret_of_a_callback(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    sample *s = http_sample();
    job_row row = running_row();
    s->job.callback = &s->callback;
    s->callback.secret = text("whsec_x");
    assert_true(job_view_fill(&s->job, &row, true, memory));
    assert_string_equal(s->callback.secret, "");
}

static void callbacks_are_wanted_in_the_states_named(void **state)
{
    (void) state;
    sample *s = http_sample();
    assert_false(job_callback_wanted(&s->job, JOB_SUCCEEDED));
    s->job.callback = &s->callback;
    assert_true(job_callback_wanted(&s->job, JOB_SUCCEEDED));
    assert_true(job_callback_wanted(&s->job, JOB_EXPIRED));
    assert_false(job_callback_wanted(&s->job, JOB_RUNNING));
    s->states[0] = ERRAND__V1__JOB__STATE__FAILED;
    s->callback.on = s->states;
    s->callback.n_on = 1;
    assert_true(job_callback_wanted(&s->job, JOB_FAILED));
    assert_false(job_callback_wanted(&s->job, JOB_SUCCEEDED));
}

static void a_callback_is_a_job_of_its_own(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    sample *s = http_sample();
    job_row parent = running_row(), row;
    Errand__V1__Job *spec = NULL, *decoded = NULL;
    s->job.callback = &s->callback;
    s->callback.headers = s->callback_headers;
    s->callback.n_headers = 1;
    assert_null(job_callback_make(&parent, &s->job, memory, NOW + 5, &spec, &row));
    slice bytes;
    uint8_t hash[JOB_HASH_BYTES];
    assert_null(job_spec_encode(spec, memory, &bytes, hash));
    assert_null(job_spec_decode(bytes, memory, &decoded));
    assert_string_equal(decoded->queue, "callbacks");
    assert_string_equal(job_spec_kind(decoded), "http");
    assert_string_equal(decoded->parent, "01000000-0000-0000-0000-000000000000");
    assert_string_equal(decoded->http->method, "POST");
    assert_string_equal(decoded->http->url, "http://localhost/sink");
    assert_string_equal(decoded->http->headers[0]->key, "x-two");
    assert_non_null(decoded->http->follow_redirects);
    assert_false(decoded->http->follow_redirects->value);
    assert_null(decoded->callback);
    assert_int_equal(row.state, JOB_READY);
    assert_int_equal(row.create_us, NOW + 5);
    assert_int_equal(row.parent_seq, parent.seq);
    assert_false(row.has_callback);
    assert_int_equal(row.policy.max_attempts, 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_view_shows_what_the_server_knows),
    cmocka_unit_test(a_basic_view_has_no_input_bytes),
    cmocka_unit_test(no_view_shows_the_secret_of_a_callback),
    cmocka_unit_test(callbacks_are_wanted_in_the_states_named),
    cmocka_unit_test(a_callback_is_a_job_of_its_own),
};

UNIT_TEST_MAIN(tests)
