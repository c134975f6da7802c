// service_outcome_bytes - a batch of outcomes that is taken as it came means what it means decoded.
#include "unit/random_message.h"
#include "unit/store_rig.h"

#include "rpc/wire.h"
#include "service/internal.h"

#include <math.h>

#define ROUNDS   3000
#define DAMAGED  60000
#define OUTCOMES 3

typedef Errand__V1__OutcomeBatch batch;

static service judge = {.options = {.limits = {.max_result_bytes = 100000}}};

static char *text(const char *constant)
{
    return (char *) (uintptr_t) constant;
}

static char *random_id(random_source *r)
{
    uuid id;
    char *ret = arena_alloc(r->memory, UUID_TEXT_SIZE);
    assert_non_null(ret);
    for (size_t i = 0; i < sizeof id.bytes; i++)
        id.bytes[i] = (uint8_t) dice_roll(&r->dice, 256);
    return uuid_format(&id, ret);
}

static Errand__V1__Result *random_result(random_source *r)
{
    return (Errand__V1__Result *) random_message(r, &errand__v1__result__descriptor, 3);
}

static Errand__V1__Outcome *random_outcome(random_source *r)
{
    Errand__V1__Outcome *outcome = arena_alloc(r->memory, sizeof *outcome);
    assert_non_null(outcome);
    errand__v1__outcome__init(outcome);
    outcome->job_id = random_id(r);
    outcome->token.len = ENGINE_TOKEN_BYTES;
    outcome->token.data = arena_copy(r->memory, outcome->job_id, ENGINE_TOKEN_BYTES);
    outcome->outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome->success = random_result(r);
    return outcome;
}

static slice random_batch(random_source *r)
{
    Errand__V1__Worker worker = ERRAND__V1__WORKER__INIT;
    batch sent = ERRAND__V1__OUTCOME_BATCH__INIT;
    Errand__V1__Outcome *outcomes[OUTCOMES];
    worker.id = random_id(r);
    sent.worker = &worker;
    sent.outcome_sequence = (int64_t) dice_roll(&r->dice, 1000);
    sent.outcomes = outcomes;
    sent.n_outcomes = 1 + dice_roll(&r->dice, OUTCOMES);
    for (size_t i = 0; i < sent.n_outcomes; i++)
        outcomes[i] = random_outcome(r);
    size_t size = errand__v1__outcome_batch__get_packed_size(&sent);
    uint8_t *bytes = arena_alloc(r->memory, size);
    assert_non_null(bytes);
    errand__v1__outcome_batch__pack(&sent, bytes);
    return (slice){bytes, size};
}

// Encoded again, so that other ways to say the same do not matter.
static slice normal(slice encoded, arena *memory)
{
    ProtobufCMessage *result = NULL;
    rig_ok(
        wire_decode(&errand__v1__result__descriptor, encoded.bytes, encoded.size, memory, &result));
    uint8_t *bytes = arena_alloc(memory, protobuf_c_message_get_packed_size(result) + 1);
    assert_non_null(bytes);
    return (slice){bytes, protobuf_c_message_pack(result, bytes)};
}

static void assert_same_outcome(const engine_outcome *a, const engine_outcome *b, arena *memory)
{
    assert_memory_equal(&a->ref, &b->ref, sizeof a->ref);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->refused, b->refused);
    slice left = normal(a->result, memory), right = normal(b->result, memory);
    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.bytes, right.bytes, left.size);
}

static void assert_same_decoded(slice encoded, const engine_outcomes *plain, arena *memory)
{
    ProtobufCMessage *sent = NULL;
    engine_outcomes decoded = {.memory = memory};
    rig_ok(wire_decode(&errand__v1__outcome_batch__descriptor, encoded.bytes, encoded.size, memory,
                       &sent));
    rig_ok(outcomes_take(&judge, NULL, (const batch *) sent, NULL, &decoded));
    assert_int_equal(plain->sequence, decoded.sequence);
    assert_true(uuid_equal(&plain->worker_id, &decoded.worker_id));
    assert_int_equal(plain->count, decoded.count);
    for (size_t i = 0; i < plain->count; i++)
        assert_same_outcome(&plain->outcomes[i], &decoded.outcomes[i], memory);
}

static void a_plain_batch_means_what_it_means_decoded(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    random_source r = {.dice = 7, .memory = memory};
    size_t plain = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        arena_reset(memory);
        slice encoded = random_batch(&r);
        engine_outcomes taken = {.memory = memory};
        if (!outcomes_take_plain(&judge, NULL, encoded, &taken))
            continue;
        assert_same_decoded(encoded, &taken, memory);
        plain++;
    }
    assert_true(plain > ROUNDS / 4);
}

static void what_is_taken_can_always_be_decoded(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    random_source r = {.dice = 11, .memory = memory};
    size_t plain = 0;
    for (size_t i = 0; i < DAMAGED; i++) {
        arena_reset(memory);
        slice encoded = random_batch(&r);
        uint8_t *bytes = arena_copy(memory, encoded.bytes, encoded.size);
        assert_non_null(bytes);
        bytes[dice_roll(&r.dice, encoded.size)] ^= (uint8_t) (1 << dice_roll(&r.dice, 8));
        encoded = (slice){bytes, encoded.size - dice_roll(&r.dice, 2)};
        engine_outcomes taken = {.memory = memory};
        if (!outcomes_take_plain(&judge, NULL, encoded, &taken))
            continue;
        assert_same_decoded(encoded, &taken, memory);
        plain++;
    }
    assert_true(plain > ROUNDS / 20);
}

// ---- results that are looked at ----

static bool is_plain(Errand__V1__Result *result)
{
    AUTO(arena) memory = arena_new(0);
    random_source r = {.dice = 3, .memory = memory};
    Errand__V1__Worker worker = ERRAND__V1__WORKER__INIT;
    batch sent = ERRAND__V1__OUTCOME_BATCH__INIT;
    Errand__V1__Outcome *outcome = random_outcome(&r);
    uint8_t bytes[400];
    engine_outcomes taken = {.memory = memory};
    outcome->success = result;
    if (result == NULL)
        outcome->outcome_case = ERRAND__V1__OUTCOME__OUTCOME__NOT_SET;
    worker.id = random_id(&r);
    sent.worker = &worker;
    sent.outcome_sequence = 1;
    sent.outcomes = &outcome;
    sent.n_outcomes = 1;
    assert_true(errand__v1__outcome_batch__get_packed_size(&sent) <= sizeof bytes);
    size_t size = errand__v1__outcome_batch__pack(&sent, bytes);
    return outcomes_take_plain(&judge, NULL, (slice){bytes, size}, &taken);
}

static void a_number_that_json_does_not_have_is_not_taken(void **state)
{
    (void) state;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT, *values[] = {&value};
    Google__Protobuf__Value many = GOOGLE__PROTOBUF__VALUE__INIT;
    Google__Protobuf__ListValue list = GOOGLE__PROTOBUF__LIST_VALUE__INIT;
    assert_false(is_plain(NULL));
    result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
    result.value = &value;
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
    assert_true(is_plain(&result));
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    value.number_value = 1.5;
    assert_true(is_plain(&result));
    value.number_value = INFINITY;
    assert_false(is_plain(&result));
    many.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
    many.list_value = &list;
    list.values = values;
    list.n_values = 1;
    result.value = &many;
    assert_false(is_plain(&result));
    value.number_value = 0;
    assert_true(is_plain(&result));
}

static void a_time_out_of_range_is_not_taken(void **state)
{
    (void) state;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    Errand__V1__HttpResult http = ERRAND__V1__HTTP_RESULT__INIT;
    Google__Protobuf__Duration time = GOOGLE__PROTOBUF__DURATION__INIT;
    result.output_case = ERRAND__V1__RESULT__OUTPUT_HTTP;
    result.http = &http;
    http.total_time = &time;
    time.seconds = 5;
    assert_true(is_plain(&result));
    time.seconds = INT64_MAX;
    assert_false(is_plain(&result));
}

static void a_result_over_the_limit_is_not_taken(void **state)
{
    (void) state;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    Errand__V1__Data data = ERRAND__V1__DATA__INIT;
    data.content_type = text("text/plain");
    result.output_case = ERRAND__V1__RESULT__OUTPUT_DATA;
    result.data = &data;
    assert_true(is_plain(&result));
    judge.options.limits.max_result_bytes = 5;
    assert_false(is_plain(&result));
    judge.options.limits.max_result_bytes = 100000;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_plain_batch_means_what_it_means_decoded),
    cmocka_unit_test(what_is_taken_can_always_be_decoded),
    cmocka_unit_test(a_number_that_json_does_not_have_is_not_taken),
    cmocka_unit_test(a_time_out_of_range_is_not_taken),
    cmocka_unit_test(a_result_over_the_limit_is_not_taken),
};

UNIT_TEST_MAIN(tests)
