// rpc bundle - several calls in one message, as the server has them.
#include "unit/rpc_parcel.h"

// ---- answers ----

static void answers_come_in_the_order_of_the_calls_with_their_request_ids(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_get(&s.parcel, "one", "a", 0);
    parcel_get(&s.parcel, "two", "b", 0);
    parcel_get(&s.parcel, "three", "c", 0);
    Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
    assert_null(response->status);
    assert_int_equal(response->payload.len, 0);
    assert_int_equal(response->n_answers, 3);
    assert_answer_job(response, 0, "one", "a");
    assert_answer_job(response, 1, "two", "b");
    assert_answer_job(response, 2, "three", "c");
    response_free(response);
    scene_close(&s);
}

static void a_failure_of_one_leaves_the_others(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_get(&s.parcel, "one", "a", 0);
    parcel_get(&s.parcel, "two", "fail", 0);
    parcel_get(&s.parcel, "three", "busy", 0);
    parcel_get(&s.parcel, "four", "d", 0);
    Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
    assert_int_equal(response->n_answers, 4);
    assert_answer_job(response, 0, "one", "a");
    assert_answer_failure(response, 1, "two", STATUS_NOT_FOUND);
    assert_answer_failure(response, 2, "three", STATUS_UNAVAILABLE);
    assert_answer_job(response, 3, "four", "d");
    response_free(response);
    scene_close(&s);
}

static void a_call_that_would_wait_is_answered_at_once(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_wait(&s.parcel, "one");
    parcel_get(&s.parcel, "two", "b", 0);
    Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
    assert_int_equal(response->n_answers, 2);
    assert_answer_job(response, 0, "one", "refused");  // the id is field 1 of both messages
    assert_answer_job(response, 1, "two", "b");
    assert_int_equal(rpc_server_parked(s.rig->server), 0);
    response_free(response);
    scene_close(&s);
}

static void the_message_waits_for_a_late_answer_and_then_has_all(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_get(&s.parcel, "one", "a", 0);
    parcel_hold(&s.parcel, "two");
    parcel_get(&s.parcel, "three", "c", 0);
    parcel_hold(&s.parcel, "four");
    parcel_send(&s.parcel, s.raw);
    rig_wait(s.rig, &s.rig->held_count, 2);
    assert_no_answer_yet(&s);
    rig_answer_job(s.rig->held[1], "late");
    s.rig->held[1] = NULL;
    assert_no_answer_yet(&s);
    rig_release(s.rig);
    Errand__Rpc__V1__Response *response = raw_receive(s.raw);
    assert_int_equal(response->n_answers, 4);
    assert_answer_job(response, 0, "one", "a");
    assert_answer_failure(response, 1, "two", STATUS_INTERNAL);  // as the rig answers
    assert_answer_job(response, 2, "three", "c");
    assert_answer_job(response, 3, "four", "late");
    response_free(response);
    scene_close(&s);
}

static void a_message_that_waits_holds_up_no_other(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_hold(&s.parcel, "held");
    parcel_send(&s.parcel, s.raw);
    rig_wait(s.rig, &s.rig->held_count, 1);
    scene other = {.rig = s.rig, .raw = raw_dial(s.rig->url)};
    assert_serves(&other);
    nng_close(other.raw);
    scene_close(&s);
}

// ---- refusals ----

static void more_than_256_calls_are_refused_as_a_whole(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    for (int i = 0; i < 257; i++) {
        parcel_get(&s.parcel, "many", "a", 0);
    }
    Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
    assert_int_equal(response->status->code, STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(response->status->message, "257 calls"));
    assert_int_equal(response->n_answers, 0);
    assert_int_equal(s.rig->served, 0);
    response_free(response);
    for (int i = 0; i < 256; i++) {
        parcel_get(&s.parcel, "many", "a", 0);
    }
    response = parcel_call(&s.parcel, s.raw);
    assert_int_equal(response->n_answers, 256);
    assert_answer_job(response, 255, "many", "a");
    response_free(response);
    scene_close(&s);
}

static void calls_beside_a_call_are_refused_as_a_whole(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_get(&s.parcel, "one", "a", 0);
    Errand__Rpc__V1__Request whole = parcel_whole(&s.parcel);
    whole.method = (char *) (uintptr_t) "/errand.v1.JobService/Get";
    parcel both = {.count = 0};
    parcel_add_request(&both, &whole);
    AUTO_BUF bytes = {0};
    buf_append(&bytes, both.calls[0].data, both.calls[0].len);
    assert_raw_refused(s.raw, &bytes, STATUS_INVALID_ARGUMENT);
    assert_int_equal(s.rig->served, 0);
    parcel_clear(&both);
    parcel_clear(&s.parcel);
    assert_serves(&s);
    scene_close(&s);
}

static void a_message_that_is_cut_off_is_refused_as_a_whole(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    AUTO_BUF bytes = {0};
    parcel_get(&s.parcel, "one", "a", 0);
    parcel_get(&s.parcel, "two", "b", 0);
    parcel_pack(&s.parcel, &bytes);
    bytes.size--;
    assert_raw_refused(s.raw, &bytes, STATUS_INVALID_ARGUMENT);
    assert_int_equal(s.rig->served, 0);
    assert_serves(&s);
    scene_close(&s);
}

static void a_call_that_carries_calls_is_refused_alone(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    AUTO_BUF inner = {0};
    parcel_get(&s.parcel, "inner", "a", 0);
    parcel_pack(&s.parcel, &inner);
    parcel_get(&s.parcel, "one", "a", 0);
    parcel_add_bytes(&s.parcel, inner.bytes, inner.size);
    parcel_get(&s.parcel, "three", "c", 0);
    Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
    assert_int_equal(response->n_answers, 3);
    assert_answer_job(response, 0, "one", "a");
    assert_answer_failure(response, 1, NULL, STATUS_INVALID_ARGUMENT);
    assert_answer_job(response, 2, "three", "c");
    assert_int_equal(s.rig->served, 2);
    response_free(response);
    scene_close(&s);
}

static void an_empty_call_is_refused_alone(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_add_bytes(&s.parcel, "", 0);
    parcel_get(&s.parcel, "two", "b", 0);
    Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
    assert_int_equal(response->n_answers, 2);
    assert_answer_failure(response, 0, NULL, STATUS_UNIMPLEMENTED);
    assert_answer_job(response, 1, "two", "b");
    response_free(response);
    scene_close(&s);
}

static void damaged_calls_are_refused_alone(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_add_bytes(&s.parcel, "\x12\x7f", 2);  // a payload that is cut off
    parcel_add_bytes(&s.parcel, "GET / HTTP/1.1", 14);
    parcel_get(&s.parcel, "three", "c", 0);
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    parcel_add(&s.parcel, "Frobnicate", "four", &request.base);
    Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
    assert_int_equal(response->n_answers, 4);
    assert_answer_failure(response, 0, NULL, STATUS_INVALID_ARGUMENT);
    assert_answer_failure(response, 1, NULL, STATUS_INVALID_ARGUMENT);
    assert_answer_job(response, 2, "three", "c");
    assert_answer_failure(response, 3, "four", STATUS_UNIMPLEMENTED);
    assert_int_equal(s.rig->served, 1);
    response_free(response);
    scene_close(&s);
}

// ---- memory ----

static size_t answers_to_a_big_one(scene *s)
{
    nng_socket other = raw_dial(s->rig->url);
    parcel_get(&s->parcel, "other", "big", 100000);
    Errand__Rpc__V1__Response *response = parcel_call(&s->parcel, other);
    size_t count = response->n_answers;
    assert_null(response->status);
    response_free(response);
    nng_close(other);
    return count;
}

static void answers_that_wait_have_their_part_in_the_memory_of_all_calls(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_memory_bytes = 250000;
    scene s;
    scene_open(&s, &options);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(answers_to_a_big_one(&s), 1);
        size_t served = s.rig->served;
        parcel_get(&s.parcel, "first", "big", 100000);
        parcel_get(&s.parcel, "second", "big", 100000);
        parcel_hold(&s.parcel, "late");
        parcel_send(&s.parcel, s.raw);
        rig_wait(s.rig, &s.rig->served, served + 3);
        rig_wait(s.rig, &s.rig->held_count, 1);
        assert_int_equal(answers_to_a_big_one(&s), 0);
        rig_release(s.rig);
        Errand__Rpc__V1__Response *response = raw_receive(s.raw);
        assert_int_equal(response->n_answers, 3);
        response_free(response);
    }
    scene_close(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers_come_in_the_order_of_the_calls_with_their_request_ids),
    cmocka_unit_test(a_failure_of_one_leaves_the_others),
    cmocka_unit_test(a_call_that_would_wait_is_answered_at_once),
    cmocka_unit_test(the_message_waits_for_a_late_answer_and_then_has_all),
    cmocka_unit_test(a_message_that_waits_holds_up_no_other),
    cmocka_unit_test(answers_that_wait_have_their_part_in_the_memory_of_all_calls),
    cmocka_unit_test(more_than_256_calls_are_refused_as_a_whole),
    cmocka_unit_test(calls_beside_a_call_are_refused_as_a_whole),
    cmocka_unit_test(a_message_that_is_cut_off_is_refused_as_a_whole),
    cmocka_unit_test(a_call_that_carries_calls_is_refused_alone),
    cmocka_unit_test(an_empty_call_is_refused_alone),
    cmocka_unit_test(damaged_calls_are_refused_alone),
};

UNIT_TEST_MAIN(tests)
