// rpc share - calls of a client that go out in one message, and those that do not.
#include "unit/rpc_script.h"

static size_t messages_for(size_t count)
{
    return (count + CLIENT_MOST_SHARE - 1) / CLIENT_MOST_SHARE;
}

// ---- who shares ----

static void calls_that_do_not_wait_come_in_few_messages_and_each_has_its_answer(void **state)
{
    (void) state;
    script *s = script_open_busy("few");
    script_ask_many(s, 200);
    script_free_lanes(s);
    assert_int_equal(script_serve(s, 200), messages_for(200));
    assert_all_right(s);
    script_close(s);
}

static void calls_go_out_at_once_while_there_are_few(void **state)
{
    (void) state;
    script *s = script_open("at_once", SCRIPT_MOST);
    for (int i = 0; i < 10; i++) {
        script_ask(s, &prompt);
        taken t = script_take(s);
        assert_int_equal(t.request->n_calls, 0);
        taken_serve(&t);
        calls_wait(&s->calls, s->count);
    }
    assert_all_right(s);
    script_close(s);
}

// The first message to come after many are under way has all that came since: had one gone out
// before, it would have been first.
static void some_wait_for_many_that_are_under_way_but_a_full_message_does_not(void **state)
{
    (void) state;
    script *s = script_open_busy("full");
    script_ask_many(s, 30);
    script_free_lanes(s);
    taken many = script_take(s);
    assert_int_equal(many.request->n_calls, 30);
    script_ask_many(s, CLIENT_MOST_SHARE + 10);
    taken full = script_take(s);
    assert_int_equal(full.request->n_calls, CLIENT_MOST_SHARE);
    taken_serve(&many);
    calls_wait(&s->calls, s->count - CLIENT_MOST_SHARE - 10);
    taken_serve(&full);
    taken rest = script_take(s);
    assert_int_equal(rest.request->n_calls, 10);
    taken_serve(&rest);
    calls_wait(&s->calls, s->count);
    assert_all_right(s);
    script_close(s);
}

static void a_message_takes_no_more_bytes_than_may_be(void **state)
{
    (void) state;
    enum { EACH = 12000, CALLS = 40 };
    script *s = script_open_busy("bytes");
    for (int i = 0; i < CALLS; i++) {
        script_ask_large(s, &prompt, EACH);
    }
    script_free_lanes(s);
    for (size_t came = 0; came < CALLS;) {
        taken t = script_take(s);
        size_t size = errand__rpc__v1__request__get_packed_size(t.request);
        assert_in_range(size, EACH, CLIENT_SHARE_BYTES);
        came += taken_calls(&t);
        taken_serve(&t);
    }
    assert_all_right(s);
    assert_in_range(s->messages, 1 + CLIENT_SHARING_LANES + 2, CALLS);
    script_close(s);
}

static void a_message_keeps_to_the_cap_of_the_client(void **state)
{
    (void) state;
    script *s = script_open_busy("cap");
    s->client->options.max_message_bytes = 1000;
    script_ask_many(s, 50);
    script_free_lanes(s);
    for (size_t came = 0; came < 50;) {
        taken t = script_take(s);
        assert_in_range(errand__rpc__v1__request__get_packed_size(t.request), 1, 1000);
        came += taken_calls(&t);
        taken_serve(&t);
    }
    assert_all_right(s);
    script_close(s);
}

// It comes although those that share still wait.
static void assert_comes_alone(script *s, const rpc_call_options *options, size_t size)
{
    script_ask(s, &prompt);
    asked *a = script_ask_large(s, options, size);
    taken t = script_take(s);
    assert_int_equal(t.request->n_calls, 0);
    taken_serve(&t);
    calls_wait(&s->calls, 2);  // the first of all, and this
    assert_true(a->right);
    script_free_lanes(s);
    assert_int_equal(script_serve(s, 1), 1);
    assert_all_right(s);
    script_close(s);
}

static void a_large_call_goes_alone(void **state)
{
    (void) state;
    assert_comes_alone(script_open_busy("large"), &prompt, CLIENT_SHARE_CALL_BYTES);
}

static void a_call_that_is_sent_once_goes_alone(void **state)
{
    (void) state;
    const rpc_call_options once = {.prompt = true, .once = true};
    assert_comes_alone(script_open_busy("once"), &once, 0);
}

static void a_call_that_may_wait_goes_alone(void **state)
{
    (void) state;
    assert_comes_alone(script_open_busy("waits"), NULL, 0);
}

static void calls_that_wait_at_the_server_do_not_hold_up_those_that_share(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "tcp://127.0.0.1:0");
    rpc_client *client = rig_client(r->url);
    calls c, waiting;
    calls_init(&c);
    calls_init(&waiting);
    calls_park(&waiting, client, 50);
    rig_wait(r, &r->held_count, 50);
    for (int i = 0; i < 500; i++) {
        calls_get(&c, client, "a", &prompt);
    }
    calls_wait(&c, 500);
    assert_int_equal(c.succeeded, 500);
    rig_release(r);
    calls_wait(&waiting, 50);
    rpc_client_close(client);
    calls_fini(&c);
    calls_fini(&waiting);
    rig_free(r);
}

static void where_lanes_are_short_other_calls_get_their_turn(void **state)
{
    (void) state;
    script *s = script_open("short", CLIENT_SHARING_LANES);
    script_ask_many(s, CLIENT_SHARING_LANES);
    for (int i = 0; i < CLIENT_SHARING_LANES; i++) {
        s->busy[i] = script_take(s);
    }
    script_ask_many(s, 10);
    asked *other = script_ask(s, NULL);
    taken_serve(&s->busy[0]);
    taken t = script_take(s);
    assert_int_equal(t.request->n_calls, 0);
    s->busy[0] = t;
    script_ask_many(s, 10);
    script_free_lanes(s);
    (void) script_serve(s, 20);
    assert_all_right(s);
    assert_true(other->right);
    script_close(s);
}

// What the busy lanes carry waits after all.
static void calls_do_not_wait_long_for_lanes_that_are_stuck(void **state)
{
    (void) state;
    script *s = script_open_busy("stuck");
    s->client->sharing.patience_us = CLIENT_SHARING_PATIENCE_US;
    script_ask_many(s, 20);
    (void) script_serve(s, 20);
    calls_wait(&s->calls, s->count - CLIENT_SHARING_LANES);
    script_ask_many(s, 1);  // other lanes have taken their place
    (void) script_serve(s, 1);
    script_free_lanes(s);
    assert_all_right(s);
    script_close(s);
}

// ---- servers that do otherwise ----

static void an_older_server_is_asked_for_each_alone_and_then_never_again_for_several(void **state)
{
    (void) state;
    script *s = script_open_busy("older");
    script_ask_many(s, 30);
    script_free_lanes(s);
    taken t = script_take(s);
    assert_int_equal(t.request->n_calls, 30);
    assert_string_equal(t.request->method, "");  // what it does not know
    taken_refuse(&t, ERRAND__RPC__V1__CODE__UNIMPLEMENTED);
    assert_int_equal(script_serve(s, 30), 30);
    assert_all_right(s);
    script_ask_many(s, 30);
    assert_int_equal(script_serve(s, 30), 30);
    assert_all_right(s);
    script_close(s);
}

static void a_message_that_is_refused_is_asked_for_call_by_call(void **state)
{
    (void) state;
    script *s = script_open_busy("refused");
    script_ask_many(s, 30);
    script_free_lanes(s);
    taken t = script_take(s);
    taken_refuse(&t, ERRAND__RPC__V1__CODE__RESOURCE_EXHAUSTED);
    assert_int_equal(script_serve(s, 30), 30);
    assert_all_right(s);
    script_close(s);
}

static void a_message_with_a_damaged_answer_is_asked_for_call_by_call(void **state)
{
    (void) state;
    script *s = script_open_busy("garbage");
    script_ask_many(s, 30);
    script_free_lanes(s);
    taken t = script_take(s);
    taken_answer_bytes(&t, "\x22\xff", 2);
    assert_int_equal(script_serve(s, 30), 30);
    assert_all_right(s);
    script_close(s);
}

static void calls_without_an_answer_are_sent_again_alone(void **state)
{
    (void) state;
    script *s = script_open_busy("fewer");
    script_ask_many(s, 30);
    script_free_lanes(s);
    taken t = script_take(s);
    taken_serve_some(&t, 20, SIZE_MAX, ERRAND__RPC__V1__CODE__OK);
    assert_int_equal(script_serve(s, 10), 10);
    assert_all_right(s);
    script_close(s);
}

static void answers_without_a_call_are_passed_over(void **state)
{
    (void) state;
    script *s = script_open_busy("more");
    script_ask_many(s, 3);
    script_free_lanes(s);
    taken t = script_take(s);
    ProtobufCBinaryData answers[5];
    Errand__Rpc__V1__Response response = ERRAND__RPC__V1__RESPONSE__INIT;
    response.answers = answers;
    response.n_answers = 5;
    for (size_t i = 0; i < 5; i++) {
        answers[i] = answer_to(t.request->calls[i % 3], ERRAND__RPC__V1__CODE__OK);
    }
    taken_answer(&t, &response);
    for (size_t i = 0; i < 5; i++) {
        free(answers[i].data);
    }
    assert_all_right(s);
    script_ask_many(s, 1);
    assert_int_equal(script_serve(s, 1), 1);
    assert_all_right(s);
    script_close(s);
}

static void a_damaged_answer_is_internal_for_its_call_alone(void **state)
{
    (void) state;
    script *s = script_open_busy("damaged");
    size_t first = s->count;
    script_ask_many(s, 10);
    script_free_lanes(s);
    taken t = script_take(s);
    taken_serve_some(&t, 10, 4, ERRAND__RPC__V1__CODE__UNKNOWN);
    calls_wait(&s->calls, s->count);
    assert_int_equal(s->calls.succeeded, s->count - 1);
    assert_failed(s, &s->asked[first + 4], STATUS_INTERNAL);
    script_close(s);
}

static void a_failure_of_one_leaves_the_others(void **state)
{
    (void) state;
    script *s = script_open_busy("failure");
    size_t first = s->count;
    script_ask_many(s, 10);
    script_free_lanes(s);
    taken t = script_take(s);
    taken_serve_some(&t, 10, 9, ERRAND__RPC__V1__CODE__NOT_FOUND);
    calls_wait(&s->calls, s->count);
    assert_int_equal(s->calls.succeeded, s->count - 1);
    assert_failed(s, &s->asked[first + 9], STATUS_NOT_FOUND);
    script_close(s);
}

static void one_that_finds_the_server_unavailable_is_sent_again_until_it_is_well(void **state)
{
    (void) state;
    script *s = script_open_busy("unavailable");
    script_ask_many(s, 10);
    script_free_lanes(s);
    taken t = script_take(s);
    taken_serve_some(&t, 10, 0, ERRAND__RPC__V1__CODE__UNAVAILABLE);
    calls_wait(&s->calls, s->count - 1);
    for (int i = 0; i < 3; i++) {
        t = script_take(s);
        assert_int_equal(t.request->n_calls, 0);
        taken_refuse(&t, ERRAND__RPC__V1__CODE__UNAVAILABLE);
    }
    assert_int_equal(script_serve(s, 1), 1);
    assert_all_right(s);
    script_close(s);
}

// The pause is longer than the call has time.
static void one_that_is_told_to_pause_is_not_sent_again_before(void **state)
{
    (void) state;
    script *s = script_open_busy("pause");
    size_t first = s->count;
    script_ask_many(s, 3);
    script_free_lanes(s);
    taken t = script_take(s);
    Google__Protobuf__Duration hour = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__Rpc__V1__Status refusal = ERRAND__RPC__V1__STATUS__INIT;
    Errand__Rpc__V1__Response response = ERRAND__RPC__V1__RESPONSE__INIT;
    hour.seconds = 3600;
    refusal.code = ERRAND__RPC__V1__CODE__UNAVAILABLE;
    refusal.retry_delay = &hour;
    response.status = &refusal;
    uint8_t bytes[100];
    ProtobufCBinaryData answers[3];
    for (int i = 0; i < 3; i++) {
        answers[i] =
            (ProtobufCBinaryData){errand__rpc__v1__response__pack(&response, bytes), bytes};
    }
    Errand__Rpc__V1__Response whole = ERRAND__RPC__V1__RESPONSE__INIT;
    whole.answers = answers;
    whole.n_answers = 3;
    taken_answer(&t, &whole);
    calls_wait(&s->calls, s->count);
    for (size_t i = first; i < s->count; i++) {
        assert_failed(s, &s->asked[i], STATUS_UNAVAILABLE);
    }
    script_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(calls_that_do_not_wait_come_in_few_messages_and_each_has_its_answer),
    cmocka_unit_test(calls_go_out_at_once_while_there_are_few),
    cmocka_unit_test(some_wait_for_many_that_are_under_way_but_a_full_message_does_not),
    cmocka_unit_test(a_message_takes_no_more_bytes_than_may_be),
    cmocka_unit_test(a_message_keeps_to_the_cap_of_the_client),
    cmocka_unit_test(a_large_call_goes_alone),
    cmocka_unit_test(a_call_that_is_sent_once_goes_alone),
    cmocka_unit_test(a_call_that_may_wait_goes_alone),
    cmocka_unit_test(calls_that_wait_at_the_server_do_not_hold_up_those_that_share),
    cmocka_unit_test(where_lanes_are_short_other_calls_get_their_turn),
    cmocka_unit_test(calls_do_not_wait_long_for_lanes_that_are_stuck),
    cmocka_unit_test(an_older_server_is_asked_for_each_alone_and_then_never_again_for_several),
    cmocka_unit_test(a_message_that_is_refused_is_asked_for_call_by_call),
    cmocka_unit_test(a_message_with_a_damaged_answer_is_asked_for_call_by_call),
    cmocka_unit_test(calls_without_an_answer_are_sent_again_alone),
    cmocka_unit_test(answers_without_a_call_are_passed_over),
    cmocka_unit_test(a_damaged_answer_is_internal_for_its_call_alone),
    cmocka_unit_test(a_failure_of_one_leaves_the_others),
    cmocka_unit_test(one_that_finds_the_server_unavailable_is_sent_again_until_it_is_well),
    cmocka_unit_test(one_that_is_told_to_pause_is_not_sent_again_before),
};

UNIT_TEST_MAIN(tests)
