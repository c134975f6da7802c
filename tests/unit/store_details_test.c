// store_details - the packed part of a row: every value comes back, and damage is found.
#include "unit/dice.h"
#include "unit/store_rig.h"

#include "store/sqlite_details.h"

static const int64_t edges[] = {0,         1,         -1,        63,       64,        INT32_MAX,
                                INT32_MIN, INT64_MAX, INT64_MIN, 10000000, 600000000, T0};

static int64_t draw_number(uint64_t *random)
{
    return dice_roll(random, 2) != 0 ? edges[dice_roll(random, sizeof edges / sizeof edges[0])]
                                     : (int64_t) dice_roll(random, UINT64_MAX);
}

static void draw_INT64(uint64_t *random, int64_t *ret)
{
    *ret = draw_number(random);
}

// A time of 0 is none; one that is as far from the job's creation as can be is told from it.
static void draw_TIME(uint64_t *random, int64_t *ret)
{
    *ret = draw_number(random);
}

static void draw_INT32(uint64_t *random, int32_t *ret)
{
    *ret = (int32_t) draw_number(random);
}

static void draw_BOOL(uint64_t *random, bool *ret)
{
    *ret = dice_roll(random, 2) != 0;
}

static void draw_REAL(uint64_t *random, double *ret)
{
    *ret = (double) draw_number(random) / 8;
}

static void draw_UUID(uint64_t *random, uuid *ret)
{
    for (size_t i = 0; i < sizeof ret->bytes; i++)
        ret->bytes[i] = (uint8_t) dice_roll(random, 256);
}

// Some fields are as they are by default.
#define DRAW(name, type, member, null)                                                             \
    if (dice_roll(random, 3) != 0)                                                                 \
        draw_##type(random, &row.member);

static job_row draw_row(uint64_t *random)
{
    job_row row = {.policy = {60000000, 86400000000, 1000000, 600000000, 2, 10}};
    JOB_DETAILS(DRAW)
    return row;
}

static void every_value_comes_back(void **state)
{
    (void) state;
    uint64_t random = 4711;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[SQLITE_DETAILS_SIZE];
        job_row row = draw_row(&random), found = {0};
        size_t size = sqlite_details_write(&row, bytes);
        assert_true(size <= sizeof bytes);
        assert_true(sqlite_details_read(bytes, size, &found));
        rig_assert_same_row(&row, &found);
    }
}

// However large: all fields at their longest.
static void the_longest_row_has_room(void **state)
{
    (void) state;
    uint8_t bytes[SQLITE_DETAILS_SIZE];
    job_row row = {0}, found = {0};
#define LONGEST_INT64(member)             row.member = INT64_MIN;
#define LONGEST_TIME(member)              row.member = -1;
#define LONGEST_INT32(member)             row.member = INT32_MIN;
#define LONGEST_BOOL(member)              row.member = true;
#define LONGEST_UUID(member)              memset(row.member.bytes, 0xff, sizeof row.member.bytes);
#define LONGEST_REAL(member)              row.member = -0.1;
#define LONGEST(name, type, member, null) LONGEST_##type(member)
    JOB_DETAILS(LONGEST)
    size_t size = sqlite_details_write(&row, bytes);
    assert_true(size <= sizeof bytes);
    assert_true(sqlite_details_read(bytes, size, &found));
    rig_assert_same_row(&row, &found);
}

// The format on disk: what is written today is what older files have.
static void a_row_is_packed_as_it_was_before(void **state)
{
    (void) state;
    static const uint8_t expected[] = {1,    0x0f, 0x00,
                                       0x10, 0x00,  // the first four, and min_backoff_us
                                       0xd0, 0x0f,  // 1000
                                       0x02,        // 1
                                       0x0a,        // 1005 - 1000
                                       0x04,        // 2
                                       0x00};       // a backoff of 0
    uint8_t bytes[SQLITE_DETAILS_SIZE];
    job_row row = {.create_us = 1000, .revision = 1, .due_us = 1005, .attempt = 2};
    row.policy = (job_policy){60000000, 86400000000, 0, 600000000, 2, 10};
    size_t size = sqlite_details_write(&row, bytes);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(bytes, expected, size);
}

static void bytes_that_are_cut_off_or_too_many_are_damage(void **state)
{
    (void) state;
    uint64_t random = 5;
    for (int i = 0; i < 500; i++) {
        uint8_t bytes[SQLITE_DETAILS_SIZE + 1];
        job_row row = draw_row(&random), found;
        size_t size = sqlite_details_write(&row, bytes);
        for (size_t cut = 0; cut < size; cut++)
            assert_false(sqlite_details_read(bytes, cut, &found));
        bytes[size] = 0;
        assert_false(sqlite_details_read(bytes, size + 1, &found));
    }
}

// Fields that this program does not know, another format, a number without an end.
static void bytes_of_another_kind_are_damage(void **state)
{
    (void) state;
    job_row found;
    static const uint8_t unknown_field[] = {1, 0, 0, 0, 0x80, 2};
    static const uint8_t other_format[] = {2, 0, 0, 0, 0};
    static const uint8_t endless[] = {1,    1,    0,    0,    0,    0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_false(sqlite_details_read(unknown_field, sizeof unknown_field, &found));
    assert_false(sqlite_details_read(other_format, sizeof other_format, &found));
    assert_false(sqlite_details_read(endless, sizeof endless, &found));
}

static void bytes_that_have_changed_are_read_without_harm(void **state)
{
    (void) state;
    uint64_t random = 6;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[SQLITE_DETAILS_SIZE];
        job_row row = draw_row(&random), found;
        size_t size = sqlite_details_write(&row, bytes);
        bytes[dice_roll(&random, size)] ^= (uint8_t) (1 + dice_roll(&random, 255));
        (void) sqlite_details_read(bytes, size, &found);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_value_comes_back),
    cmocka_unit_test(the_longest_row_has_room),
    cmocka_unit_test(a_row_is_packed_as_it_was_before),
    cmocka_unit_test(bytes_that_are_cut_off_or_too_many_are_damage),
    cmocka_unit_test(bytes_of_another_kind_are_damage),
    cmocka_unit_test(bytes_that_have_changed_are_read_without_harm),
};

UNIT_TEST_MAIN(tests)
