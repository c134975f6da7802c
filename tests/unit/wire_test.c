// wire - what strangers send: refused with the path, or decoded.
#include "unit/unit_test.h"

#include "base/buf.h"
#include "rpc/wire.h"

#include "errand/v1/job_service.pb-c.h"
#include "google/protobuf/struct.pb-c.h"

enum { VARINT = 0, FIXED64 = 1, COUNTED = 2, GROUP = 3, FIXED32 = 5 };
enum { SUBMIT_JOB = 1, JOB_ID = 1, JOB_LABELS = 19 };

static const ProtobufCMessageDescriptor *const submit = &errand__v1__submit_request__descriptor;
static const ProtobufCMessageDescriptor *const value = &google__protobuf__value__descriptor;

static void put_varint(buf *b, uint64_t number)
{
    for (; number > 0x7f; number >>= 7) {
        buf_append_char(b, (char) (number | 0x80));
    }
    buf_append_char(b, (char) number);
}

static void put_tag(buf *b, uint32_t field, uint32_t type)
{
    put_varint(b, (uint64_t) field << 3 | type);
}

static void put_bytes(buf *b, uint32_t field, const void *bytes, size_t size)
{
    put_tag(b, field, COUNTED);
    put_varint(b, size);
    buf_append(b, bytes, size);
}

static void put_text(buf *b, uint32_t field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

static void put_label(buf *job, const char *key, const char *text)
{
    AUTO_BUF entry = {0};
    put_text(&entry, 1, key);
    put_text(&entry, 2, text);
    put_bytes(job, JOB_LABELS, entry.bytes, entry.size);
}

static status *check_job(const buf *job)
{
    AUTO_BUF request = {0};
    put_bytes(&request, SUBMIT_JOB, job->bytes, job->size);
    return wire_check(submit, request.bytes, request.size);
}

static void assert_refused(status *s, const char *message)
{
    assert_int_equal(status_code_of(s), STATUS_INVALID_ARGUMENT);
    assert_string_equal(s->message, message);
    status_free(s);
}

// A Value in a list in a Value and so on: each level is two messages.
static void nest_values(buf *b, unsigned levels)
{
    for (unsigned i = 0; i < levels; i++) {
        AUTO_BUF outer = {0};
        put_bytes(&outer, i % 2 == 0 ? 1 : 6, b->bytes, b->size);
        buf_clear(b);
        buf_append(b, outer.bytes, outer.size);
    }
}

static void a_whole_job_passes_and_decodes(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_text(&job, JOB_ID, "h\xc3\xa9llo \xf0\x9f\x9a\x80");
    put_label(&job, "a", "1");
    put_label(&job, "b", "1");
    AUTO_BUF request = {0};
    put_bytes(&request, SUBMIT_JOB, job.bytes, job.size);
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message = NULL;
    assert_null(wire_decode(submit, request.bytes, request.size, memory, &message));
    const Errand__V1__Job *decoded = ((Errand__V1__SubmitRequest *) message)->job;
    assert_string_equal(decoded->id, "h\xc3\xa9llo \xf0\x9f\x9a\x80");
    assert_int_equal(decoded->n_labels, 2);
}

static void an_empty_message_passes(void **state)
{
    (void) state;
    assert_null(wire_check(submit, NULL, 0));
}

static void a_nul_in_a_string_is_refused_with_its_path(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_bytes(&job, JOB_ID, "a\0b", 3);
    assert_refused(check_job(&job), "job.id: contains a NUL character");
}

static void broken_utf8_is_refused_with_its_path(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_label(&job, "a", "fine");
    put_label(&job, "b", "\xed\xa0\x80");
    assert_refused(check_job(&job), "job.labels[1].value: is not valid UTF-8");
}

static void a_duplicate_map_key_is_refused(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_label(&job, "same", "1");
    put_label(&job, "other", "2");
    put_label(&job, "same", "3");
    assert_refused(check_job(&job), "job.labels[0]: has a duplicate key");
}

static void an_absent_key_is_the_empty_one(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_bytes(&job, JOB_LABELS, "", 0);
    assert_null(check_job(&job));
    put_label(&job, "", "x");
    assert_refused(check_job(&job), "job.labels[0]: has a duplicate key");
}

static void fill_labels(buf *job, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        put_label(job, key, "");
    }
}

static void a_duplicate_among_many_keys_is_found(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    fill_labels(&job, 5000);
    assert_null(check_job(&job));
    put_label(&job, "2500", "");
    assert_refused(check_job(&job), "job.labels[0]: has a duplicate key");
}

// Keys of few entries are compared with each other, those of more are sorted.
static void a_duplicate_is_found_among_any_number_of_keys(void **state)
{
    (void) state;
    for (unsigned count = 1; count < 70; count++) {
        AUTO_BUF job = {0};
        fill_labels(&job, count);
        assert_null(check_job(&job));
        put_label(&job, "0", "again");
        assert_refused(check_job(&job), "job.labels[0]: has a duplicate key");
    }
}

static void a_million_empty_map_entries_are_refused(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    for (int i = 0; i < 1000000; i++) {
        put_bytes(&job, JOB_LABELS, "", 0);
    }
    assert_refused(check_job(&job), "job.labels[0]: has a duplicate key");
}

static void nesting_of_34_kb_is_refused(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    for (unsigned i = 0; b.size < 34000; i++) {
        nest_values(&b, 2);
    }
    AUTO(status) s = wire_check(value, b.bytes, b.size);
    assert_int_equal(status_code_of(s), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(s->message, "is nested too deeply"));
}

static void nesting_is_allowed_up_to_the_limit(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    nest_values(&b, WIRE_MAX_DEPTH);
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message;
    assert_null(wire_decode(value, b.bytes, b.size, memory, &message));
    nest_values(&b, 2);
    AUTO(status) s = wire_check(value, b.bytes, b.size);
    assert_int_equal(status_code_of(s), STATUS_INVALID_ARGUMENT);
}

// protobuf-c loses fields when it merges messages.
static void a_single_message_that_comes_twice_is_refused(void **state)
{
    (void) state;
    AUTO_BUF request = {0};
    put_bytes(&request, SUBMIT_JOB, "", 0);
    assert_null(wire_check(submit, request.bytes, request.size));
    put_bytes(&request, SUBMIT_JOB, "", 0);
    assert_refused(wire_check(submit, request.bytes, request.size), "job: is there twice");
}

static void groups_are_refused(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_tag(&job, 77, GROUP);
    assert_refused(check_job(&job), "job: is cut off or of a type that can not be read");
}

static void field_number_zero_is_refused(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    buf_append(&job, "\0\0", 2);
    assert_refused(check_job(&job), "job: has a damaged field number");
}

static void another_type_than_declared_is_refused(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_tag(&job, JOB_ID, VARINT);
    put_varint(&job, 7);
    assert_refused(check_job(&job), "job.id: has another type than declared");
}

static void damaged_packed_numbers_are_refused(void **state)
{
    (void) state;
    AUTO_BUF callback = {0};
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(&errand__v1__callback__descriptor, "on");
    put_bytes(&callback, field->id, "\x01\x02", 2);
    assert_null(wire_check(&errand__v1__callback__descriptor, callback.bytes, callback.size));
    put_bytes(&callback, field->id, "\x01\x82", 2);
    assert_refused(wire_check(&errand__v1__callback__descriptor, callback.bytes, callback.size),
                   "on[1]: has damaged packed numbers");
}

static void unknown_fields_of_every_type_pass(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_tag(&job, 900, VARINT);
    put_varint(&job, UINT64_MAX);
    put_tag(&job, 901, FIXED64);
    buf_append(&job, "12345678", 8);
    put_tag(&job, 902, FIXED32);
    buf_append(&job, "1234", 4);
    put_bytes(&job, 536870911, "\0\xff", 2);
    assert_null(check_job(&job));
}

static void a_damaged_top_level_names_the_message(void **state)
{
    (void) state;
    assert_refused(wire_check(submit, (const uint8_t *) "\x0a", 1),
                   "job: is cut off or of a type that can not be read");
    assert_refused(wire_check(submit, (const uint8_t *) "\xff", 1),
                   "SubmitRequest has a damaged field number");
}

// Cut anywhere and with any byte spoilt, bytes that pass the walk are bytes that protobuf-c takes.
static void what_passes_the_walk_decodes(void **state)
{
    (void) state;
    AUTO_BUF job = {0};
    put_text(&job, JOB_ID, "some id");
    put_label(&job, "key", "value");
    AUTO_BUF request = {0};
    put_bytes(&request, SUBMIT_JOB, job.bytes, job.size);
    AUTO(arena) memory = arena_new(0);
    for (size_t at = 0; at < request.size; at++) {
        for (int byte = 0; byte < 256; byte++) {
            uint8_t kept = request.bytes[at];
            request.bytes[at] = (uint8_t) byte;
            AUTO(status) walked = wire_check(submit, request.bytes, at + 1);
            ProtobufCMessage *message;
            AUTO(status) decoded = wire_decode(submit, request.bytes, at + 1, memory, &message);
            assert_int_equal(status_code_of(walked), status_code_of(decoded));
            request.bytes[at] = kept;
            arena_reset(memory);
        }
    }
}

static void a_full_arena_is_resource_exhausted(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    for (int i = 0; i < 10000; i++) {
        put_bytes(&b, 1, "", 0);
    }
    AUTO(arena) memory = arena_new(100000);
    ProtobufCMessage *message;
    AUTO(status)
    s = wire_decode(&google__protobuf__list_value__descriptor, b.bytes, b.size, memory, &message);
    assert_int_equal(status_code_of(s), STATUS_RESOURCE_EXHAUSTED);
}

static void the_cap_of_one_message_leaves_the_arena_usable(void **state)
{
    (void) state;
    AUTO_BUF b = {0};
    put_text(&b, 3, "text");
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message;
    size_t used = 0;
    AUTO(status) s = wire_decode_within(value, buf_slice(&b), memory, 16, &used, &message);
    assert_int_equal(status_code_of(s), STATUS_RESOURCE_EXHAUSTED);
    assert_null(wire_decode_within(value, buf_slice(&b), memory, 1000, &used, &message));
    assert_in_range(used, sizeof(Google__Protobuf__Value), 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_whole_job_passes_and_decodes),
    cmocka_unit_test(an_empty_message_passes),
    cmocka_unit_test(a_nul_in_a_string_is_refused_with_its_path),
    cmocka_unit_test(broken_utf8_is_refused_with_its_path),
    cmocka_unit_test(a_duplicate_map_key_is_refused),
    cmocka_unit_test(an_absent_key_is_the_empty_one),
    cmocka_unit_test(a_duplicate_among_many_keys_is_found),
    cmocka_unit_test(a_duplicate_is_found_among_any_number_of_keys),
    cmocka_unit_test(a_million_empty_map_entries_are_refused),
    cmocka_unit_test(nesting_of_34_kb_is_refused),
    cmocka_unit_test(nesting_is_allowed_up_to_the_limit),
    cmocka_unit_test(a_single_message_that_comes_twice_is_refused),
    cmocka_unit_test(groups_are_refused),
    cmocka_unit_test(field_number_zero_is_refused),
    cmocka_unit_test(another_type_than_declared_is_refused),
    cmocka_unit_test(damaged_packed_numbers_are_refused),
    cmocka_unit_test(unknown_fields_of_every_type_pass),
    cmocka_unit_test(a_damaged_top_level_names_the_message),
    cmocka_unit_test(what_passes_the_walk_decodes),
    cmocka_unit_test(a_full_arena_is_resource_exhausted),
    cmocka_unit_test(the_cap_of_one_message_leaves_the_arena_usable),
};

UNIT_TEST_MAIN(tests)
