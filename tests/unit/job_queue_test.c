// job_queue - the settings of a queue: read, masked, stored; and the token bucket.
#include "unit/unit_test.h"

#include "job/queue.h"
#include "job/time.h"

#define SECOND INT64_C(1000000)
#define NOW    INT64_C(1700000000000000)

// A message with everything set.
static struct {
    Errand__V1__Queue queue;
    Errand__V1__RateLimit rate;
    Google__Protobuf__Duration per, aging;
    Google__Protobuf__Int32Value max_running, max_per_key;
    Google__Protobuf__Int64Value max_depth;
} full;

static int set_all(void **state)
{
    (void) state;
    errand__v1__queue__init(&full.queue);
    errand__v1__rate_limit__init(&full.rate);
    google__protobuf__duration__init(&full.per);
    google__protobuf__duration__init(&full.aging);
    google__protobuf__int32_value__init(&full.max_running);
    google__protobuf__int32_value__init(&full.max_per_key);
    google__protobuf__int64_value__init(&full.max_depth);
    time_to_duration(10 * SECOND, &full.per);
    time_to_duration(3 * SECOND, &full.aging);
    full.rate.count = 5;
    full.rate.burst = 7;
    full.rate.per = &full.per;
    full.max_running.value = 11;
    full.max_per_key.value = 2;
    full.max_depth.value = 1000;
    full.queue.rate_limit = &full.rate;
    full.queue.aging = &full.aging;
    full.queue.max_running = &full.max_running;
    full.queue.max_per_key = &full.max_per_key;
    full.queue.max_depth = &full.max_depth;
    full.queue.paused = true;
    full.queue.hold_on_retry_after = true;
    return 0;
}

static const queue_settings all = {
    .rate_count = 5,
    .rate_per_us = 10 * SECOND,
    .rate_burst = 7,
    .max_running = 11,
    .max_per_key = 2,
    .max_depth = 1000,
    .aging_us = 3 * SECOND,
    .paused = true,
    .hold_on_retry_after = true,
};

static void assert_same(const queue_settings *a, const queue_settings *b)
{
    assert_int_equal(a->rate_count, b->rate_count);
    assert_int_equal(a->rate_per_us, b->rate_per_us);
    assert_int_equal(a->rate_burst, b->rate_burst);
    assert_int_equal(a->max_running, b->max_running);
    assert_int_equal(a->max_per_key, b->max_per_key);
    assert_int_equal(a->max_depth, b->max_depth);
    assert_int_equal(a->aging_us, b->aging_us);
    assert_int_equal(a->paused, b->paused);
    assert_int_equal(a->hold_on_retry_after, b->hold_on_retry_after);
}

static queue_settings read_over(queue_settings settings, unsigned mask)
{
    assert_null(queue_settings_read(&full.queue, mask, &settings));
    return settings;
}

static queue_settings none(void)
{
    queue_settings settings;
    queue_settings_init(&settings);
    return settings;
}

// ---- reading ----

static void a_queue_has_no_limits_at_first(void **state)
{
    (void) state;
    queue_settings settings = none();
    assert_false(queue_is_limited(&settings));
    assert_int_equal(settings.max_depth, QUEUE_NO_LIMIT);
    assert_int_equal(settings.aging_us, 0);
}

static void every_field_is_read(void **state)
{
    (void) state;
    queue_settings settings = read_over(none(), QUEUE_ALL_FIELDS);
    assert_same(&settings, &all);
}

// What the settings are when only one field of `all` was taken over.
static queue_settings only(unsigned field)
{
    queue_settings ret = none();
    if (field == QUEUE_RATE_LIMIT) {
        ret.rate_count = all.rate_count;
        ret.rate_per_us = all.rate_per_us;
        ret.rate_burst = all.rate_burst;
    }
    ret.max_running = field == QUEUE_MAX_RUNNING ? all.max_running : ret.max_running;
    ret.max_per_key = field == QUEUE_MAX_PER_KEY ? all.max_per_key : ret.max_per_key;
    ret.max_depth = field == QUEUE_MAX_DEPTH ? all.max_depth : ret.max_depth;
    ret.aging_us = field == QUEUE_AGING ? all.aging_us : ret.aging_us;
    ret.paused = field == QUEUE_PAUSED;
    ret.hold_on_retry_after = field == QUEUE_HOLD_ON_RETRY_AFTER;
    return ret;
}

static void a_mask_changes_its_fields_and_no_others(void **state)
{
    (void) state;
    for (unsigned field = 1; field <= QUEUE_ALL_FIELDS; field *= 2) {
        queue_settings settings = read_over(none(), field), expected = only(field);
        assert_same(&settings, &expected);
    }
    queue_settings settings = read_over(none(), 0), expected = none();
    assert_same(&settings, &expected);
}

static void a_masked_field_that_is_absent_is_cleared(void **state)
{
    (void) state;
    queue_settings settings = all, expected = all;
    full.queue.max_running = NULL;
    assert_null(queue_settings_read(&full.queue, QUEUE_MAX_RUNNING, &settings));
    expected.max_running = QUEUE_NO_LIMIT;
    assert_same(&settings, &expected);
    Errand__V1__Queue empty = ERRAND__V1__QUEUE__INIT;
    assert_null(queue_settings_read(&empty, QUEUE_ALL_FIELDS, &settings));
    expected = none();
    assert_same(&settings, &expected);
}

static void a_limit_of_zero_is_a_limit(void **state)
{
    (void) state;
    full.max_running.value = 0;
    queue_settings settings = read_over(none(), QUEUE_MAX_RUNNING);
    assert_int_equal(settings.max_running, 0);
    assert_true(queue_is_limited(&settings));
}

static void a_burst_that_is_not_said_is_one(void **state)
{
    (void) state;
    full.rate.burst = 0;
    assert_int_equal(read_over(none(), QUEUE_ALL_FIELDS).rate_burst, 1);
}

static void a_period_that_is_not_said_is_a_second(void **state)
{
    (void) state;
    full.rate.per = NULL;
    assert_int_equal(read_over(none(), QUEUE_ALL_FIELDS).rate_per_us, SECOND);
}

static bool names(const status *failure, const char *field)
{
    for (size_t i = 0; i < failure->violation_count; i++)
        if (strcmp(failure->violations[i].field, field) == 0)
            return true;
    return false;
}

static void every_wrong_field_is_named_and_nothing_is_changed(void **state)
{
    (void) state;
    queue_settings settings = none(), expected = none();
    full.rate.count = 0;
    full.rate.burst = -1;
    full.per.seconds = 0;
    full.max_running.value = full.max_per_key.value = -2;
    full.max_depth.value = -1;
    full.aging.seconds = -1;
    status *failure = queue_settings_read(&full.queue, QUEUE_PAUSED, &settings);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    static const char *const wrong[] = {
        "rate_limit.count", "rate_limit.burst", "rate_limit.per", "max_running",
        "max_per_key",      "max_depth",        "aging"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_true(names(failure, wrong[i]));
    assert_int_equal(failure->violation_count, sizeof wrong / sizeof wrong[0]);
    assert_same(&settings, &expected);
    status_free(failure);
}

static void fields_have_both_names(void **state)
{
    (void) state;
    assert_int_equal(queue_field_of("rate_limit"), QUEUE_RATE_LIMIT);
    assert_int_equal(queue_field_of("rateLimit"), QUEUE_RATE_LIMIT);
    assert_int_equal(queue_field_of("holdOnRetryAfter"), QUEUE_HOLD_ON_RETRY_AFTER);
    assert_int_equal(queue_field_of("aging"), QUEUE_AGING);
    assert_int_equal(queue_field_of("depth"), 0);
    assert_int_equal(queue_field_of(""), 0);
}

// ---- stored ----

static void assert_survives(const queue_settings *settings)
{
    slice stored;
    queue_settings back;
    AUTO(arena) memory = arena_new(0);
    assert_null(queue_settings_encode(settings, memory, &stored));
    assert_null(queue_settings_decode(stored, memory, &back));
    assert_same(&back, settings);
}

static void what_is_stored_is_what_was_set(void **state)
{
    (void) state;
    queue_settings settings = none();
    assert_survives(&settings);
    assert_survives(&all);
    for (unsigned field = 1; field <= QUEUE_ALL_FIELDS; field *= 2) {
        settings = only(field);
        assert_survives(&settings);
    }
    settings = none();
    settings.max_running = settings.max_per_key = settings.max_depth = 0;
    assert_survives(&settings);
}

static void damaged_settings_are_data_loss(void **state)
{
    (void) state;
    static const uint8_t damaged[] = {0x1a, 0x7f, 0x01};
    queue_settings settings;
    AUTO(arena) memory = arena_new(0);
    status *failure = queue_settings_decode((slice){damaged, sizeof damaged}, memory, &settings);
    assert_int_equal(status_code_of(failure), STATUS_DATA_LOSS);
    status_free(failure);
}

// ---- the token bucket ----

static void assert_tokens(const bucket *b, double expected)
{
    assert_float_equal(b->tokens, expected, 1e-9);
}

static void a_bucket_fills_up_to_its_burst(void **state)
{
    (void) state;
    bucket b = {0, NOW};
    bucket_refill(&b, &all, NOW + SECOND);
    assert_tokens(&b, 0.5);
    bucket_refill(&b, &all, NOW + 10 * SECOND);
    assert_tokens(&b, 5);
    bucket_refill(&b, &all, NOW + 1000 * SECOND);
    assert_tokens(&b, 7);
    assert_int_equal(b.at_us, NOW + 1000 * SECOND);
}

static void a_full_bucket_holds_its_burst(void **state)
{
    (void) state;
    bucket b = {0};
    bucket_fill(&b, &all, NOW);
    assert_tokens(&b, 7);
    assert_int_equal(bucket_next_us(&b, &all, NOW), NOW);
}

static void a_clock_that_goes_back_fills_nothing(void **state)
{
    (void) state;
    bucket b = {1.5, NOW};
    bucket_refill(&b, &all, NOW - 100 * SECOND);
    assert_tokens(&b, 1.5);
    assert_int_equal(b.at_us, NOW);
}

static void the_next_token_is_there_when_it_was_said_to_be(void **state)
{
    (void) state;
    queue_settings settings = all;
    for (int64_t count = 1; count < 200; count += 7) {
        settings.rate_count = count;
        bucket b = {0.3, NOW};
        int64_t next_us = bucket_next_us(&b, &settings, NOW);
        bucket early = b;
        bucket_refill(&early, &settings, next_us - 2);
        assert_true(early.tokens < 1.0);
        bucket_refill(&b, &settings, next_us + 1);
        assert_true(b.tokens >= 1.0);
    }
}

// However often it is looked at, no window gives more than its burst and what came in it.
static void a_bucket_never_gives_more_than_it_promises(void **state)
{
    (void) state;
    bucket b;
    int64_t given = 0;
    bucket_fill(&b, &all, NOW);
    for (int64_t now = NOW; now <= NOW + 3600 * SECOND; now += 33333) {
        bucket_refill(&b, &all, now);
        for (; b.tokens >= 1.0; given++)
            b.tokens -= 1.0;
        assert_true(given <= 7 + (now - NOW) * 5 / (10 * SECOND));
    }
    assert_true(given >= 7 + 3600 * 5 / 10 - 2);
}

static void any_limit_makes_a_queue_limited(void **state)
{
    (void) state;
    static const unsigned limits = QUEUE_RATE_LIMIT | QUEUE_MAX_RUNNING | QUEUE_MAX_PER_KEY |
                                   QUEUE_PAUSED | QUEUE_HOLD_ON_RETRY_AFTER;
    for (unsigned field = 1; field <= QUEUE_ALL_FIELDS; field *= 2) {
        queue_settings settings = only(field);
        assert_int_equal(queue_is_limited(&settings), (limits & field) != 0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(a_queue_has_no_limits_at_first, set_all),
    cmocka_unit_test_setup(every_field_is_read, set_all),
    cmocka_unit_test_setup(a_mask_changes_its_fields_and_no_others, set_all),
    cmocka_unit_test_setup(a_masked_field_that_is_absent_is_cleared, set_all),
    cmocka_unit_test_setup(a_limit_of_zero_is_a_limit, set_all),
    cmocka_unit_test_setup(a_burst_that_is_not_said_is_one, set_all),
    cmocka_unit_test_setup(a_period_that_is_not_said_is_a_second, set_all),
    cmocka_unit_test_setup(every_wrong_field_is_named_and_nothing_is_changed, set_all),
    cmocka_unit_test_setup(fields_have_both_names, set_all),
    cmocka_unit_test_setup(what_is_stored_is_what_was_set, set_all),
    cmocka_unit_test_setup(damaged_settings_are_data_loss, set_all),
    cmocka_unit_test_setup(a_bucket_fills_up_to_its_burst, set_all),
    cmocka_unit_test_setup(a_full_bucket_holds_its_burst, set_all),
    cmocka_unit_test_setup(a_clock_that_goes_back_fills_nothing, set_all),
    cmocka_unit_test_setup(the_next_token_is_there_when_it_was_said_to_be, set_all),
    cmocka_unit_test_setup(a_bucket_never_gives_more_than_it_promises, set_all),
    cmocka_unit_test_setup(any_limit_makes_a_queue_limited, set_all),
};

UNIT_TEST_MAIN(tests)
