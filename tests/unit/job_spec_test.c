// job_spec - defaults, rows, equal bytes for equal content.
#include "unit/job_sample.h"

#define NOW INT64_C(1700000000000000)

typedef Google__Protobuf__Struct__FieldsEntry entry;

static void defaults_are_filled_in(void **state)
{
    (void) state;
    job_row row;
    sample *s = http_sample();
    job_spec_row(&s->job, NOW, &row);
    assert_int_equal(row.state, JOB_READY);
    assert_int_equal(row.due_us, NOW);
    assert_int_equal(row.policy.attempt_timeout_us, 60000000);
    assert_int_equal(row.policy.retention_us, 86400000000);
    assert_int_equal(row.policy.min_backoff_us, 1000000);
    assert_int_equal(row.policy.max_backoff_us, 600000000);
    assert_int_equal(row.policy.max_attempts, 10);
    assert_true(row.policy.multiplier > 1.99 && row.policy.multiplier < 2.01);
    assert_false(row.has_callback);
    job_spec_row(&args_sample()->job, NOW, &row);
    assert_int_equal(row.policy.attempt_timeout_us, 900000000);
    assert_string_equal(job_spec_queue(&s->job), "default");
    assert_string_equal(job_spec_kind(&http_sample()->job), "http");
    assert_string_equal(job_spec_kind(&args_sample()->job), "resize");
}

static void what_the_submitter_says_goes_into_the_row(void **state)
{
    (void) state;
    job_row row;
    sample *s = http_sample();
    s->job.priority = 5;
    s->job.callback = &s->callback;
    s->job.delay = s->job.retention = s->job.attempt_timeout = &s->duration;
    s->duration.seconds = 12;
    s->job.retry = &s->retry;
    s->retry.max_attempts = 1;
    s->retry.multiplier = 1.5;
    job_spec_row(&s->job, NOW, &row);
    assert_int_equal(row.state, JOB_SCHEDULED);
    assert_int_equal(row.due_us, NOW + 12000000);
    assert_int_equal(row.priority, 5);
    assert_int_equal(row.policy.attempt_timeout_us, 12000000);
    assert_int_equal(row.policy.retention_us, 12000000);
    assert_int_equal(row.policy.max_attempts, 1);
    assert_true(row.has_callback);
    s->job.delay = NULL;
    s->job.schedule_time = &s->time;
    s->time.seconds = NOW / 1000000 + 9;
    job_spec_row(&s->job, NOW, &row);
    assert_int_equal(row.due_us, NOW + 9000000);
}

static void a_job_is_kept_long_enough_to_be_read(void **state)
{
    (void) state;
    job_row row;
    sample *s = http_sample();
    s->job.retention = &s->duration;
    job_spec_row(&s->job, NOW, &row);
    assert_int_equal(row.policy.retention_us, 2000000);
}

static void one_backoff_alone_moves_the_default_of_the_other(void **state)
{
    (void) state;
    job_row row;
    sample *s = http_sample();
    s->job.retry = &s->retry;
    s->retry.min_backoff = &s->duration;
    s->duration.seconds = 3600;
    job_spec_row(&s->job, NOW, &row);
    assert_int_equal(row.policy.min_backoff_us, 3600000000);
    assert_int_equal(row.policy.max_backoff_us, 3600000000);
    s->retry.min_backoff = NULL;
    s->retry.max_backoff = &s->other;
    s->other.nanos = 5000000;
    job_spec_row(&s->job, NOW, &row);
    assert_int_equal(row.policy.min_backoff_us, 5000);
    assert_int_equal(row.policy.max_backoff_us, 5000);
}

typedef struct encoded {
    slice spec;
    uint8_t hash[JOB_HASH_BYTES];
} encoded;

static encoded encode(const Errand__V1__Job *job, arena *memory)
{
    encoded e;
    assert_null(job_spec_encode(job, memory, &e.spec, e.hash));
    return e;
}

static bool same(const encoded *a, const encoded *b)
{
    bool bytes =
        a->spec.size == b->spec.size && memcmp(a->spec.bytes, b->spec.bytes, a->spec.size) == 0;
    assert_int_equal(bytes, memcmp(a->hash, b->hash, JOB_HASH_BYTES) == 0);
    return bytes;
}

static void the_id_is_not_part_of_the_content(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    sample *s = http_sample();
    encoded without = encode(&s->job, memory);
    s->job.id = text("018bcfe5-6800-7000-8000-000000000001");
    encoded with = encode(&s->job, memory);
    assert_true(same(&without, &with));
    assert_string_equal(s->job.id, "018bcfe5-6800-7000-8000-000000000001");
    s->job.priority = 1;
    encoded other = encode(&s->job, memory);
    assert_false(same(&without, &other));
}

// What was stored by one version is compared with what comes to another.
static void the_bytes_that_are_stored_are_those_of_protobuf_c(void **state)
{
    (void) state;
    uint8_t bytes[4096];
    AUTO(arena) memory = arena_new(0);
    sample *s = http_sample();
    s->job.traceparent = text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    encoded e = encode(&s->job, memory);
    assert_in_range(e.spec.size, 1, sizeof bytes);
    assert_int_equal(errand__v1__job__pack(&s->job, bytes), e.spec.size);
    assert_memory_equal(bytes, e.spec.bytes, e.spec.size);
}

static void the_trace_is_not_part_of_the_content(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    sample *s = http_sample();
    encoded without = encode(&s->job, memory), later;
    s->job.traceparent = text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    encoded with = encode(&s->job, memory);
    assert_null(job_spec_encode_within(&s->job, NULL, memory, &later.spec, later.hash));
    assert_true(same(&without, &later));
    assert_memory_equal(with.hash, without.hash, JOB_HASH_BYTES);
    assert_null(job_spec_encode_trace(&s->job, memory, &later.spec));
    assert_int_equal(later.spec.size, with.spec.size);
    assert_memory_equal(later.spec.bytes, with.spec.bytes, with.spec.size);
    assert_true(with.spec.size > without.spec.size);
}

// Objects nested in lists and objects, their members shuffled differently each time.
static Google__Protobuf__Value *value_of(arena *memory, int depth, uint64_t *random);

static void shuffle(entry **entries, size_t count, uint64_t *random)
{
    for (size_t i = count; i > 1; i--) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        size_t j = (*random >> 33) % i;
        entry *kept = entries[i - 1];
        entries[i - 1] = entries[j];
        entries[j] = kept;
    }
}

static Google__Protobuf__Struct *object_of(arena *memory, int depth, uint64_t *random)
{
    Google__Protobuf__Struct *object = arena_alloc(memory, sizeof *object);
    google__protobuf__struct__init(object);
    object->n_fields = 4;
    object->fields = arena_alloc(memory, 4 * sizeof(entry *));
    for (int i = 0; i < 4; i++) {
        object->fields[i] = arena_alloc(memory, sizeof(entry));
        google__protobuf__struct__fields_entry__init(object->fields[i]);
        object->fields[i]->key = arena_strdup(memory, (char[]){(char) ('a' + i), 0});
        object->fields[i]->value = value_of(memory, depth - 1, random);
    }
    shuffle(object->fields, 4, random);
    return object;
}

static Google__Protobuf__Value *value_of(arena *memory, int depth, uint64_t *random)
{
    Google__Protobuf__Value *value = arena_alloc(memory, sizeof *value);
    google__protobuf__value__init(value);
    if (depth == 0) {
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE;
    } else if (depth % 2) {
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
        value->struct_value = object_of(memory, depth, random);
    } else {
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
        value->list_value = arena_alloc(memory, sizeof *value->list_value);
        google__protobuf__list_value__init(value->list_value);
        value->list_value->n_values = 1;
        value->list_value->values = arena_alloc(memory, sizeof(void *));
        value->list_value->values[0] = value_of(memory, depth - 1, random);
    }
    return value;
}

static void the_order_of_members_is_not_part_of_the_content(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    sample *s = args_sample();
    uint64_t random = 1;
    s->job.args = value_of(memory, 5, &random);
    encoded first = encode(&s->job, memory);
    for (int i = 0; i < 50; i++) {
        s->job.args = value_of(memory, 5, &random);
        const entry *front = s->job.args->struct_value->fields[0];
        encoded again = encode(&s->job, memory);
        assert_true(same(&first, &again));
        assert_ptr_equal(s->job.args->struct_value->fields[0], front);  // left as it was
    }
}

static void the_order_of_headers_is_not_part_of_the_content(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__HttpRequest__HeadersEntry other = ERRAND__V1__HTTP_REQUEST__HEADERS_ENTRY__INIT;
    sample *s = http_sample();
    Errand__V1__HttpRequest__HeadersEntry *headers[] = {&s->header, &other};
    other.key = text("a-first");
    s->http.headers = headers;
    s->http.n_headers = 2;
    encoded first = encode(&s->job, memory);
    assert_ptr_equal(headers[0], &s->header);
    headers[0] = &other;
    headers[1] = &s->header;
    encoded second = encode(&s->job, memory);
    assert_true(same(&first, &second));
    other.value = text("x");
    encoded third = encode(&s->job, memory);
    assert_false(same(&first, &third));
}

static void encoding_fails_cleanly_when_the_arena_is_used_up(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    uint64_t random = 1;
    sample *s = args_sample();
    s->job.args = value_of(memory, 5, &random);
    for (size_t cap = 64; cap < 65536; cap *= 2) {
        AUTO(arena) small = arena_new(cap);
        slice spec;
        uint8_t hash[JOB_HASH_BYTES];
        status *failure = job_spec_encode(&s->job, small, &spec, hash);
        assert_true(!failure || failure->code == STATUS_RESOURCE_EXHAUSTED);
        status_free(failure);
    }
}

static void a_decoded_spec_is_the_job_that_was_submitted(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job *job = NULL;
    encoded e = encode(&http_sample()->job, memory);
    assert_null(job_spec_decode(e.spec, memory, &job));
    assert_string_equal(job->http->url, "https://example.org/a?b=c#d");
    assert_string_equal(job->http->headers[0]->key, "x-one");
    encoded again = encode(job, memory);
    assert_true(same(&e, &again));
}

static void a_damaged_spec_is_data_loss(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job *job = NULL;
    encoded e = encode(&http_sample()->job, memory);
    e.spec.size--;
    AUTO(status) failure = job_spec_decode(e.spec, memory, &job);
    assert_int_equal(status_code_of(failure), STATUS_DATA_LOSS);
    assert_null(job);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults_are_filled_in),
    cmocka_unit_test(what_the_submitter_says_goes_into_the_row),
    cmocka_unit_test(a_job_is_kept_long_enough_to_be_read),
    cmocka_unit_test(one_backoff_alone_moves_the_default_of_the_other),
    cmocka_unit_test(the_id_is_not_part_of_the_content),
    cmocka_unit_test(the_bytes_that_are_stored_are_those_of_protobuf_c),
    cmocka_unit_test(the_trace_is_not_part_of_the_content),
    cmocka_unit_test(the_order_of_members_is_not_part_of_the_content),
    cmocka_unit_test(the_order_of_headers_is_not_part_of_the_content),
    cmocka_unit_test(encoding_fails_cleanly_when_the_arena_is_used_up),
    cmocka_unit_test(a_decoded_spec_is_the_job_that_was_submitted),
    cmocka_unit_test(a_damaged_spec_is_data_loss),
};

UNIT_TEST_MAIN(tests)
