// worker message copy - is the same message, and shares nothing with the first one.
#include "unit/unit_test.h"

#include "worker/message_copy.h"

#include "errand/v1/job.pb-c.h"

#include <stdlib.h>

// ---- a job with fields of each sort ----

typedef struct sample {
    Errand__V1__Job job;
    Errand__V1__Data data;
    uint8_t body[3];
    Errand__V1__Job__LabelsEntry label, other_label;
    Errand__V1__Job__LabelsEntry *labels[2];
    char first[8], second[8];
    char *after[2];
    Errand__V1__Callback callback;
    Errand__V1__Job__State on[2];
    Google__Protobuf__Duration delay;
    char kind[8], url[24];
} sample;

static void fill_labels(sample *s)
{
    errand__v1__job__labels_entry__init(&s->label);
    errand__v1__job__labels_entry__init(&s->other_label);
    s->label.key = s->first;
    s->label.value = s->second;
    s->other_label.key = s->second;  // its value is empty
    s->labels[0] = &s->label;
    s->labels[1] = &s->other_label;
    s->job.n_labels = 2;
    s->job.labels = s->labels;
}

static void fill_callback(sample *s)
{
    errand__v1__callback__init(&s->callback);
    s->callback.url = s->url;
    s->on[0] = ERRAND__V1__JOB__STATE__FAILED;
    s->on[1] = ERRAND__V1__JOB__STATE__EXPIRED;
    s->callback.n_on = 2;
    s->callback.on = s->on;
    s->job.callback = &s->callback;
}

static void fill_data(sample *s)
{
    errand__v1__data__init(&s->data);
    memcpy(s->body, "a\0b", 3);
    s->data.body = (ProtobufCBinaryData){.len = 3, .data = s->body};
    s->data.content_type = s->url;
    s->job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    s->job.data = &s->data;
}

static sample *sample_new(void)
{
    sample *s = calloc(1, sizeof *s);
    *s = (sample){.first = "first", .second = "second", .kind = "task", .url = "http://a/b"};
    errand__v1__job__init(&s->job);
    google__protobuf__duration__init(&s->delay);
    s->delay.seconds = 90;
    s->job.delay = &s->delay;
    s->job.kind = s->kind;
    s->job.priority = -7;
    s->after[0] = s->second;
    s->after[1] = s->first;
    s->job.n_after = 2;
    s->job.after = s->after;
    fill_labels(s);
    fill_callback(s);
    fill_data(s);
    return s;
}

typedef struct encoded {
    size_t size;
    uint8_t bytes[512];
} encoded;

static encoded encode(const ProtobufCMessage *message)
{
    encoded e = {.size = protobuf_c_message_get_packed_size(message)};
    assert_true(e.size <= sizeof e.bytes);
    (void) protobuf_c_message_pack(message, e.bytes);
    return e;
}

// ---- the tests ----

static void a_copy_is_the_same_message_and_outlives_the_first(void **state)
{
    (void) state;
    arena *memory = arena_new(0);
    sample *s = sample_new();
    const encoded before = encode(&s->job.base);
    ProtobufCMessage *copy = message_copy(&s->job.base, memory);
    assert_non_null(copy);
    memset(s, 0xa5, sizeof *s);
    free(s);
    const encoded after = encode(copy);
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.bytes, before.bytes, before.size);
    arena_free(memory);
}

// The bytes of a number are no pointer.
static void of_a_oneof_only_the_member_that_is_there_is_followed(void **state)
{
    (void) state;
    arena *memory = arena_new(0);
    Google__Protobuf__Value number = GOOGLE__PROTOBUF__VALUE__INIT;
    number.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    number.number_value = 4.2;
    Google__Protobuf__Value none = GOOGLE__PROTOBUF__VALUE__INIT;
    Google__Protobuf__Value *values[] = {&number, &none};
    Google__Protobuf__ListValue list = GOOGLE__PROTOBUF__LIST_VALUE__INIT;
    list.n_values = 2;
    list.values = values;
    const ProtobufCMessage *copy = message_copy(&list.base, memory);
    const Google__Protobuf__ListValue *copied = (const Google__Protobuf__ListValue *) copy;
    assert_int_equal(copied->n_values, 2);
    assert_true(copied->values[0]->number_value == 4.2);
    assert_int_equal(copied->values[1]->kind_case, GOOGLE__PROTOBUF__VALUE__KIND__NOT_SET);
    assert_ptr_not_equal(copied->values[0], &number);
    arena_free(memory);
}

static void what_this_program_does_not_know_is_left_behind(void **state)
{
    (void) state;
    static const uint8_t bytes[] = {0x08, 0x05, 0x9a, 0x3f, 0x01, 'x'};  // seconds, and field 1011
    Google__Protobuf__Duration *strange =
        google__protobuf__duration__unpack(NULL, sizeof bytes, bytes);
    assert_int_equal(strange->base.n_unknown_fields, 1);
    arena *memory = arena_new(0);
    const ProtobufCMessage *copy = message_copy(&strange->base, memory);
    google__protobuf__duration__free_unpacked(strange, NULL);
    const encoded known = encode(copy);
    assert_int_equal(known.size, 2);
    assert_memory_equal(known.bytes, bytes, 2);
    arena_free(memory);
}

static void a_copy_without_memory_is_none(void **state)
{
    (void) state;
    sample *s = sample_new();
    size_t short_of_it = 0;
    for (size_t cap = 1; cap < 4096; cap += 8) {
        arena *memory = arena_new(cap);
        short_of_it += message_copy(&s->job.base, memory) == NULL;
        arena_free(memory);
    }
    assert_in_range(short_of_it, 40, 400);
    free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_copy_is_the_same_message_and_outlives_the_first),
    cmocka_unit_test(of_a_oneof_only_the_member_that_is_there_is_followed),
    cmocka_unit_test(what_this_program_does_not_know_is_left_behind),
    cmocka_unit_test(a_copy_without_memory_is_none),
};

UNIT_TEST_MAIN(tests)
