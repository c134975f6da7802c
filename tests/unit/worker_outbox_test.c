// worker outbox - batches of outcomes: numbers, order, acknowledgement, pushing again.
#include "unit/unit_test.h"

#include "worker/outbox.h"

#include <stdlib.h>

#define WORKER "00000000-0000-7000-8000-000000000001"

static outbox fresh(void)
{
    outbox o;
    outbox_init(&o, WORKER, "Bearer t", 1000);
    return o;
}

static lease_ref ref_of(int number)
{
    char id[UUID_TEXT_SIZE];
    uint8_t token[12] = {(uint8_t) number};
    lease_ref ref;
    snprintf(id, sizeof id, "job-%d", number);
    assert_true(lease_ref_set(&ref, id, (ProtobufCBinaryData){.len = sizeof token, .data = token}));
    return ref;
}

static void add(outbox *o, int number, size_t message_size)
{
    char *message = malloc(message_size + 1);
    memset(message, 'm', message_size);
    message[message_size] = '\0';
    Errand__Rpc__V1__Status why = ERRAND__RPC__V1__STATUS__INIT;
    why.message = message;
    Errand__V1__Failure failure = ERRAND__V1__FAILURE__INIT;
    failure.status = &why;
    Errand__V1__Outcome outcome = ERRAND__V1__OUTCOME__INIT;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_FAILURE;
    outcome.failure = &failure;
    lease_ref ref = ref_of(number);
    assert_null(outbox_add(o, &ref, &outcome));
    free(message);
}

// Pushes what the cursor stands at; its number, or 0.
static int64_t push(outbox *o, int64_t now_us)
{
    if (o->cursor == NULL) {
        outbox_seal(o);
    }
    if (o->cursor == NULL) {
        return 0;
    }
    int64_t sequence = o->cursor->sequence;
    outbox_pushed(o, sequence, now_us);
    return sequence;
}

static status_code add_http(outbox *o, int number, const char *content_type)
{
    Errand__V1__HttpResult http = ERRAND__V1__HTTP_RESULT__INIT;
    http.content_type = (char *) (uintptr_t) content_type;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    result.output_case = ERRAND__V1__RESULT__OUTPUT_HTTP;
    result.http = &http;
    Errand__V1__Outcome outcome = ERRAND__V1__OUTCOME__INIT;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome.success = &result;
    lease_ref ref = ref_of(number);
    AUTO(status) failure = outbox_add(o, &ref, &outcome);
    return status_code_of(failure);
}

static void what_can_not_be_decoded_is_not_taken(void **state)
{
    (void) state;
    outbox o = fresh();
    assert_int_equal(add_http(&o, 1, "\xff/plain"), STATUS_INVALID_ARGUMENT);
    assert_true(outbox_is_empty(&o));
    assert_int_equal(o.bytes, 0);
    assert_int_equal(add_http(&o, 2, "text/plain"), STATUS_OK);
    assert_int_equal(add_http(&o, 3, "\xff/plain"), STATUS_INVALID_ARGUMENT);
    assert_int_equal(add_http(&o, 4, "text/html"), STATUS_OK);
    assert_int_equal(o.ref_count, 2);
    outbox_seal(&o);
    Errand__V1__OutcomeBatch *batch =
        errand__v1__outcome_batch__unpack(NULL, o.oldest->bytes.size, o.oldest->bytes.bytes);
    assert_non_null(batch);
    assert_int_equal(batch->n_outcomes, 2);
    assert_string_equal(batch->outcomes[0]->job_id, "job-2");
    assert_string_equal(batch->outcomes[1]->job_id, "job-4");
    errand__v1__outcome_batch__free_unpacked(batch, NULL);
    outbox_acked(&o, 1);
    assert_int_equal(o.bytes, 0);
    outbox_fini(&o);
}

static void a_sealed_batch_decodes_to_what_was_put_in(void **state)
{
    (void) state;
    outbox o = fresh();
    add(&o, 1, 10);
    add(&o, 2, 0);
    outbox_seal(&o);
    Errand__V1__OutcomeBatch *batch =
        errand__v1__outcome_batch__unpack(NULL, o.oldest->bytes.size, o.oldest->bytes.bytes);
    assert_non_null(batch);
    assert_string_equal(batch->worker->id, WORKER);
    assert_string_equal(batch->authorization, "Bearer t");
    assert_int_equal(batch->outcome_sequence, 1);
    assert_int_equal(batch->n_outcomes, 2);
    assert_string_equal(batch->outcomes[0]->job_id, "job-1");
    assert_int_equal(batch->outcomes[0]->token.len, 12);
    assert_int_equal(batch->outcomes[0]->token.data[0], 1);
    assert_string_equal(batch->outcomes[0]->failure->status->message, "mmmmmmmmmm");
    assert_string_equal(batch->outcomes[1]->job_id, "job-2");
    errand__v1__outcome_batch__free_unpacked(batch, NULL);
    outbox_fini(&o);
}

static void outcomes_gather_in_one_batch_until_it_is_full(void **state)
{
    (void) state;
    outbox o = fresh();
    add(&o, 1, 400);
    add(&o, 2, 400);
    assert_null(o.oldest);
    add(&o, 3, 400);
    assert_int_equal(o.oldest->sequence, 1);
    assert_int_equal(o.oldest->ref_count, 2);
    add(&o, 4, 5000);
    outbox_seal(&o);
    assert_int_equal(o.newest->sequence, 3);
    assert_int_equal(o.ref_count, 4);
    outbox_fini(&o);
}

static void batches_are_pushed_in_order_and_once(void **state)
{
    (void) state;
    outbox o = fresh();
    for (int i = 1; i <= 3; i++) {
        add(&o, i, 10);
        outbox_seal(&o);
    }
    assert_int_equal(push(&o, 1), 1);
    assert_int_equal(push(&o, 2), 2);
    assert_int_equal(push(&o, 3), 3);
    assert_int_equal(push(&o, 4), 0);
    outbox_fini(&o);
}

static void an_acknowledgement_covers_all_up_to_its_number(void **state)
{
    (void) state;
    outbox o = fresh();
    for (int i = 1; i <= 3; i++) {
        add(&o, i, 10);
        push(&o, i);
    }
    assert_true(o.bytes > 0);
    outbox_acked(&o, 2);
    assert_int_equal(o.oldest->sequence, 3);
    assert_int_equal(o.ref_count, 1);
    outbox_acked(&o, 1);
    assert_int_equal(o.oldest->sequence, 3);
    outbox_acked(&o, 3);
    assert_true(outbox_is_empty(&o));
    assert_int_equal(o.bytes, 0);
    assert_int_equal(o.ref_count, 0);
    outbox_fini(&o);
}

static void an_acknowledgement_of_the_future_is_not_believed(void **state)
{
    (void) state;
    outbox o = fresh();
    add(&o, 1, 10);
    push(&o, 1);
    outbox_acked(&o, 7);
    assert_false(outbox_is_empty(&o));
    outbox_fini(&o);
}

static void after_a_break_everything_unacknowledged_goes_again_in_order(void **state)
{
    (void) state;
    outbox o = fresh();
    for (int i = 1; i <= 4; i++) {
        add(&o, i, 10);
        push(&o, i);
    }
    outbox_acked(&o, 1);
    outbox_rewind(&o);
    add(&o, 5, 10);
    for (int64_t expected = 2; expected <= 5; expected++) {
        assert_int_equal(push(&o, 10), expected);
    }
    assert_int_equal(push(&o, 10), 0);
    outbox_fini(&o);
}

static void a_push_that_ends_after_a_rewind_does_not_move_the_cursor(void **state)
{
    (void) state;
    outbox o = fresh();
    for (int i = 1; i <= 2; i++) {
        add(&o, i, 10);
        outbox_seal(&o);
    }
    assert_int_equal(push(&o, 1), 1);
    outbox_rewind(&o);
    outbox_pushed(&o, 2, 5);
    assert_int_equal(o.cursor->sequence, 1);
    outbox_fini(&o);
}

static void an_acknowledgement_moves_the_cursor_on(void **state)
{
    (void) state;
    outbox o = fresh();
    for (int i = 1; i <= 3; i++) {
        add(&o, i, 10);
        push(&o, i);
    }
    outbox_rewind(&o);
    outbox_acked(&o, 2);
    assert_int_equal(push(&o, 9), 3);
    outbox_rewind(&o);
    outbox_acked(&o, 3);
    assert_int_equal(push(&o, 9), 0);
    outbox_fini(&o);
}

static void a_batch_is_overdue_when_a_later_answer_does_not_cover_it(void **state)
{
    (void) state;
    outbox o = fresh();
    assert_false(outbox_overdue(&o, 1000, 100));
    add(&o, 1, 10);
    outbox_seal(&o);
    assert_false(outbox_overdue(&o, 1000, 100));  // not pushed yet
    push(&o, 500);
    assert_false(outbox_overdue(&o, 600, 100));
    assert_true(outbox_overdue(&o, 601, 100));
    outbox_rewind(&o);
    assert_false(outbox_overdue(&o, 9000, 100));  // about to be pushed
    outbox_fini(&o);
}

static void batches_may_be_numbered_anew(void **state)
{
    (void) state;
    outbox o = fresh();
    for (int i = 1; i <= 4; i++) {
        add(&o, i, 10);
        outbox_seal(&o);
    }
    outbox_acked(&o, 2);
    push(&o, 5);
    size_t held = o.bytes;
    outbox_renumber(&o, 17);
    assert_true(o.bytes >= held);
    assert_int_equal(o.acked, 17);
    for (int64_t sequence = 18; sequence <= 19; sequence++) {
        Errand__V1__OutcomeBatch *sent =
            errand__v1__outcome_batch__unpack(NULL, o.cursor->bytes.size, o.cursor->bytes.bytes);
        assert_int_equal(sent->outcome_sequence, sequence);
        assert_int_equal(sent->n_outcomes, 1);
        assert_string_equal(sent->worker->id, WORKER);
        errand__v1__outcome_batch__free_unpacked(sent, NULL);
        assert_int_equal(push(&o, 6), sequence);
    }
    add(&o, 5, 10);
    assert_int_equal(push(&o, 7), 20);
    outbox_acked(&o, 20);
    assert_true(outbox_is_empty(&o));
    assert_int_equal(o.bytes, 0);
    outbox_renumber(&o, 3);
    add(&o, 6, 10);
    assert_int_equal(push(&o, 8), 4);
    outbox_fini(&o);
}

static void all_outcomes_held_can_be_named(void **state)
{
    (void) state;
    outbox o = fresh();
    add(&o, 1, 10);
    outbox_seal(&o);
    add(&o, 2, 10);
    const lease_ref *refs[2];
    assert_int_equal(o.ref_count, 2);
    outbox_refs(&o, refs);
    assert_string_equal(refs[0]->job_id, "job-1");
    assert_string_equal(refs[1]->job_id, "job-2");
    outbox_fini(&o);
}

static void where_many_run_few_outcomes_wait_for_more(void **state)
{
    (void) state;
    outbox o = fresh();
    assert_int_equal(outbox_ripe_us(&o, 1000, 5000), 5000);
    add(&o, 1, 10);
    assert_int_equal(outbox_ripe_us(&o, 0, 5000), 5000);
    assert_int_equal(outbox_ripe_us(&o, 40, 5000), 5000);
    assert_true(outbox_ripe_us(&o, 80, 5000) > 5000);
    add(&o, 2, 10);
    assert_int_equal(outbox_ripe_us(&o, 80, 5000), 5000);
    outbox_fini(&o);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_can_not_be_decoded_is_not_taken),
    cmocka_unit_test(a_sealed_batch_decodes_to_what_was_put_in),
    cmocka_unit_test(outcomes_gather_in_one_batch_until_it_is_full),
    cmocka_unit_test(batches_are_pushed_in_order_and_once),
    cmocka_unit_test(an_acknowledgement_covers_all_up_to_its_number),
    cmocka_unit_test(an_acknowledgement_of_the_future_is_not_believed),
    cmocka_unit_test(after_a_break_everything_unacknowledged_goes_again_in_order),
    cmocka_unit_test(a_push_that_ends_after_a_rewind_does_not_move_the_cursor),
    cmocka_unit_test(an_acknowledgement_moves_the_cursor_on),
    cmocka_unit_test(a_batch_is_overdue_when_a_later_answer_does_not_cover_it),
    cmocka_unit_test(batches_may_be_numbered_anew),
    cmocka_unit_test(all_outcomes_held_can_be_named),
    cmocka_unit_test(where_many_run_few_outcomes_wait_for_more),
};

UNIT_TEST_MAIN(tests)
