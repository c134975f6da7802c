// uuid - version 7, derived identifiers, text.
#include "unit/unit_test.h"

#include "base/uuid.h"

static const int64_t noon_us = INT64_C(1750000000123456);

static uint64_t milliseconds_of(const uuid *id)
{
    uint64_t value = 0;
    for (int i = 0; i < 6; i++) {
        value = value << 8 | id->bytes[i];
    }
    return value;
}

static void a_version_7_uuid_carries_its_milliseconds(void **state)
{
    (void) state;
    uuid id = uuid_new_v7(noon_us);
    assert_int_equal(milliseconds_of(&id), noon_us / 1000);
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
}

static void uuids_of_one_moment_rise_and_differ(void **state)
{
    (void) state;
    uuid last = uuid_new_v7(noon_us);
    for (int i = 0; i < 10000; i++) {
        uuid next = uuid_new_v7(noon_us);
        assert_true(memcmp(last.bytes, next.bytes, sizeof last.bytes) < 0);
        last = next;
    }
}

static void a_long_step_back_of_the_clock_is_followed(void **state)
{
    (void) state;
    (void) uuid_new_v7(noon_us);
    int64_t earlier = noon_us - INT64_C(3600000000);
    uuid id = uuid_new_v7(earlier);
    assert_int_equal(milliseconds_of(&id), earlier / 1000);
}

static void the_second_half_is_random(void **state)
{
    (void) state;
    // 200 identifiers take more than one filling of the pool.
    uuid ids[200];
    for (size_t i = 0; i < 200; i++) {
        ids[i] = uuid_new_v7(noon_us);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(ids[i].bytes + 8, ids[j].bytes + 8, 8);
        }
    }
}

static void a_derived_id_depends_on_caller_request_and_index_only(void **state)
{
    (void) state;
    uuid id = uuid_derive("anna", "request-1", 7);
    uuid same = uuid_derive("anna", "request-1", 7);
    uuid other_caller = uuid_derive("bert", "request-1", 7);
    uuid other_request = uuid_derive("anna", "request-2", 7);
    uuid other_index = uuid_derive("anna", "request-1", 8);
    assert_true(uuid_equal(&id, &same));
    assert_false(uuid_equal(&id, &other_caller));
    assert_false(uuid_equal(&id, &other_request));
    assert_false(uuid_equal(&id, &other_index));
}

// A call may be repeated to a newer server.
static void a_derived_id_never_changes(void **state)
{
    (void) state;
    char text[UUID_TEXT_SIZE];
    uuid id = uuid_derive("anna", "request-1", 0x0102030405060708);
    assert_string_equal(uuid_format(&id, text), "71000bf8-77cb-86fe-ab9b-3fd1e6e5306c");
    id = uuid_derive("anna", "0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0f", 0);
    assert_string_equal(uuid_format(&id, text), "0190b6f0-1a2b-7c3d-b27a-45bb5a66d280");
    id = uuid_derive("anna", "0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0f", 12);
    assert_string_equal(uuid_format(&id, text), "0190b6f0-1a2b-7c3d-b27a-51d04b1b2216");
}

// But for where they go beyond the last place.
static void derived_ids_of_a_version_7_request_rise_with_the_index(void **state)
{
    (void) state;
    const uint64_t count = 100000;
    char text[UUID_TEXT_SIZE];
    int falls = 0;
    uuid request = uuid_new_v7(noon_us), before = {{0}};
    for (uint64_t i = 0; i < count; i++) {
        uuid id = uuid_derive("anna", uuid_format(&request, text), i);
        falls += memcmp(&before, &id, sizeof id) >= 0;
        before = id;
    }
    assert_true(falls <= 1);
}

static void the_border_between_caller_and_request_counts(void **state)
{
    (void) state;
    uuid id = uuid_derive("ab", "c", 0);
    uuid other = uuid_derive("a", "bc", 0);
    assert_false(uuid_equal(&id, &other));
}

static void a_derived_id_keeps_the_time_of_a_version_7_request(void **state)
{
    (void) state;
    uuid request = uuid_new_v7(noon_us);
    char text[UUID_TEXT_SIZE];
    uuid id = uuid_derive("", uuid_format(&request, text), 0);
    assert_int_equal(milliseconds_of(&id), milliseconds_of(&request));
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
    assert_false(uuid_equal(&id, &request));
}

static void another_derived_id_is_version_8(void **state)
{
    (void) state;
    uuid plain = uuid_derive("", "order-4711", 0);
    uuid version_4 = uuid_derive("", "9b2d6c1e-0a4f-4c3b-8d5e-1f2a3b4c5d6e", 0);
    assert_int_equal(plain.bytes[6] >> 4, 8);
    assert_int_equal(plain.bytes[8] >> 6, 2);
    assert_int_equal(version_4.bytes[6] >> 4, 8);
}

static void text_of_either_case_is_read_and_written_in_lower_case(void **state)
{
    (void) state;
    uuid id;
    char text[UUID_TEXT_SIZE];
    assert_true(uuid_parse("0190B6F0-1a2B-7c3d-8E4f-5a6b7C8d9e0F", &id));
    assert_string_equal(uuid_format(&id, text), "0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0f");
}

static void malformed_text_is_refused_and_leaves_the_output(void **state)
{
    (void) state;
    const char *const bad[] = {
        "",
        "0190b6f0",
        "0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0",
        "0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0f0",
        "0190b6f01a2b7c3d8e4f5a6b7c8d9e0f",
        "{0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0f}",
        "0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0g",
        "0190b6f-01a2b-7c3d-8e4f-5a6b7c8d9e0f",
        " 190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
        "0190b6f0-1a2b-7c3d-8e4f-5a6b7c8d9e0f\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uuid id = {{0}};
        assert_false(uuid_parse(bad[i], &id));
        assert_true(uuid_is_nil(&id));
    }
}

static void only_all_zeroes_is_nil(void **state)
{
    (void) state;
    uuid id = {{0}};
    assert_true(uuid_is_nil(&id));
    id.bytes[15] = 1;
    assert_false(uuid_is_nil(&id));
}

// Among twice as many slots: by chance about 6,400 of them are taken.
static void ids_that_differ_anywhere_are_spread_all_over(void **state)
{
    (void) state;
    for (size_t place = 0; place < 15; place++) {
        static bool taken[16384];
        size_t count = 0;
        memset(taken, 0, sizeof taken);
        for (int i = 0; i < 8192; i++) {
            uuid id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
            id.bytes[place] = (uint8_t) (i >> 8);
            id.bytes[place + 1] = (uint8_t) i;
            bool *slot = &taken[uuid_spread(&id) % 16384];
            count += !*slot;
            *slot = true;
        }
        assert_in_range(count, 5500, 8192);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_version_7_uuid_carries_its_milliseconds),
    cmocka_unit_test(uuids_of_one_moment_rise_and_differ),
    cmocka_unit_test(a_long_step_back_of_the_clock_is_followed),
    cmocka_unit_test(the_second_half_is_random),
    cmocka_unit_test(a_derived_id_depends_on_caller_request_and_index_only),
    cmocka_unit_test(a_derived_id_never_changes),
    cmocka_unit_test(derived_ids_of_a_version_7_request_rise_with_the_index),
    cmocka_unit_test(the_border_between_caller_and_request_counts),
    cmocka_unit_test(a_derived_id_keeps_the_time_of_a_version_7_request),
    cmocka_unit_test(another_derived_id_is_version_8),
    cmocka_unit_test(text_of_either_case_is_read_and_written_in_lower_case),
    cmocka_unit_test(malformed_text_is_refused_and_leaves_the_output),
    cmocka_unit_test(only_all_zeroes_is_nil),
    cmocka_unit_test(ids_that_differ_anywhere_are_spread_all_over),
};

UNIT_TEST_MAIN(tests)
