// rpc convert - Status there and back.
#include "unit/unit_test.h"

#include "rpc/convert.h"

static void a_status_comes_back_as_it_was(void **state)
{
    (void) state;
    AUTO(status) s = status_bad_field("jobs[3].http.url", "is empty");
    status_add_violation(s, "jobs[4]", "is bad");
    s->retry_delay_ms = 1500;
    AUTO(arena) memory = arena_new(0);
    Errand__Rpc__V1__Status *message = convert_status_to_proto(s, memory);
    assert_int_equal(message->retry_delay->seconds, 1);
    assert_int_equal(message->retry_delay->nanos, 500000000);
    AUTO(status) back = convert_status_from_proto(message);
    assert_int_equal(back->code, STATUS_INVALID_ARGUMENT);
    assert_string_equal(back->message, s->message);
    assert_int_equal(back->retry_delay_ms, 1500);
    assert_int_equal(back->violation_count, 2);
    assert_string_equal(back->violations[0].field, "jobs[3].http.url");
    assert_string_equal(back->violations[1].description, "is bad");
}

static void success_is_null_both_ways(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    assert_null(convert_status_to_proto(NULL, memory));
    assert_null(convert_status_from_proto(NULL));
    Errand__Rpc__V1__Status ok = ERRAND__RPC__V1__STATUS__INIT;
    assert_null(convert_status_from_proto(&ok));
}

static void no_retry_delay_stays_none(void **state)
{
    (void) state;
    AUTO(status) s = status_new(STATUS_NOT_FOUND, "gone");
    AUTO(arena) memory = arena_new(0);
    AUTO(status) back = convert_status_from_proto(convert_status_to_proto(s, memory));
    assert_int_equal(back->retry_delay_ms, -1);
}

static void a_foreign_code_is_unknown(void **state)
{
    (void) state;
    Errand__Rpc__V1__Status foreign = ERRAND__RPC__V1__STATUS__INIT;
    foreign.code = (Errand__Rpc__V1__Code) 99;
    AUTO(status) s = convert_status_from_proto(&foreign);
    assert_int_equal(s->code, STATUS_UNKNOWN);
}

static void an_absurd_retry_delay_is_cut(void **state)
{
    (void) state;
    Errand__Rpc__V1__Status message = ERRAND__RPC__V1__STATUS__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    message.code = ERRAND__RPC__V1__CODE__UNAVAILABLE;
    message.retry_delay = &delay;
    delay.seconds = INT64_MAX;
    AUTO(status) far = convert_status_from_proto(&message);
    assert_int_equal(far->retry_delay_ms, INT64_C(31536000000));
    delay.seconds = -5;
    AUTO(status) past = convert_status_from_proto(&message);
    assert_int_equal(past->retry_delay_ms, -1);
}

static void broken_utf8_in_a_message_does_not_spoil_the_answer(void **state)
{
    (void) state;
    AUTO(status) s = status_new(STATUS_INTERNAL, "cut h\xc3");
    AUTO(arena) memory = arena_new(0);
    assert_string_equal(convert_status_to_proto(s, memory)->message, "cut h?");
}

static void a_full_arena_gives_nothing(void **state)
{
    (void) state;
    AUTO(status) s = status_bad_field("field", "is wrong");
    for (size_t cap = 1; cap < 200; cap++) {
        AUTO(arena) memory = arena_new(cap);
        Errand__Rpc__V1__Status *message = convert_status_to_proto(s, memory);
        assert_true(message == NULL || message->n_violations == 1);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_status_comes_back_as_it_was),
    cmocka_unit_test(success_is_null_both_ways),
    cmocka_unit_test(no_retry_delay_stays_none),
    cmocka_unit_test(a_foreign_code_is_unknown),
    cmocka_unit_test(an_absurd_retry_delay_is_cut),
    cmocka_unit_test(broken_utf8_in_a_message_does_not_spoil_the_answer),
    cmocka_unit_test(a_full_arena_gives_nothing),
};

UNIT_TEST_MAIN(tests)
