// arena - alignment, growth, caps.
#include "unit/unit_test.h"

#include "base/arena.h"

static void memory_is_aligned_and_apart(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    uint8_t *last = arena_alloc(a, 1);
    for (size_t size = 1; size < 100; size++) {
        uint8_t *memory = arena_alloc(a, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t) memory % _Alignof(max_align_t), 0);
        assert_ptr_not_equal(memory, last);
        memset(memory, 0xff, size);
        last = memory;
    }
}

static void many_blocks_keep_what_was_written(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    enum { COUNT = 5000 };
    static int *numbers[COUNT];
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = arena_alloc(a, sizeof(int) * (1 + (size_t) i % 300));
        assert_non_null(numbers[i]);
        *numbers[i] = i;
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(*numbers[i], i);
    }
}

static void two_empty_allocations_have_different_addresses(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    void *first = arena_alloc(a, 0);
    assert_non_null(first);
    assert_ptr_not_equal(first, arena_alloc(a, 0));
}

static void a_large_piece_does_not_end_the_current_block(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    uint8_t *before = arena_alloc(a, 16);
    assert_non_null(arena_alloc(a, 100000));
    uint8_t *after = arena_alloc(a, 16);
    assert_ptr_equal(after, before + 16);
}

static void nothing_is_given_beyond_the_cap(void **state)
{
    (void) state;
    const size_t cap = 100000;
    AUTO(arena) a = arena_new(cap);
    size_t given = 0;
    while (arena_alloc(a, 1000)) {
        given += 1000;
        assert_true(given <= cap);
    }
    assert_true(given > cap / 2);
    assert_null(arena_alloc(a, cap));
}

static void a_cap_below_the_first_block_holds_too(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(64);
    assert_non_null(arena_alloc(a, 64));
    assert_null(arena_alloc(a, 1));
}

static void a_size_that_would_overflow_is_refused(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_null(arena_alloc(a, SIZE_MAX - 8));
    assert_non_null(arena_alloc(a, 8));
}

static void a_reset_arena_can_be_filled_again(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(50000);
    void *first = arena_alloc(a, 10);
    for (int round = 0; round < 100; round++) {
        assert_non_null(arena_alloc(a, 20000));
        assert_non_null(arena_alloc(a, 3000));
        assert_non_null(arena_alloc(a, 3000));
        arena_reset(a);
    }
    assert_ptr_equal(arena_alloc(a, 10), first);
}

static void copies_and_zeroed_memory_hold_what_they_should(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    assert_string_equal(arena_strdup(a, "hello"), "hello");
    assert_memory_equal(arena_copy(a, "a\0b", 3), "a\0b", 3);
    uint8_t *dirty = arena_alloc(a, 64);
    memset(dirty, 0xff, 64);
    arena_reset(a);
    uint8_t *zeroed = arena_zalloc(a, 64);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(zeroed[i], 0);
    }
}

static void the_hooks_allocate_and_never_free(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    char *memory = arena_alloc_hook(a, 4);
    memcpy(memory, "abc", 4);
    arena_free_hook(a, memory);
    assert_string_equal(memory, "abc");
    arena_free(NULL);
}

static void it_tells_what_it_takes(void **state)
{
    (void) state;
    AUTO(arena) a = arena_new(0);
    size_t empty = arena_bytes(a);
    assert_true(empty >= 4096);
    assert_non_null(arena_alloc(a, 100000));
    assert_true(arena_bytes(a) >= empty + 100000);
    arena_reset(a);
    assert_int_equal(arena_bytes(a), empty);
}

enum { PIECE = 1000, PIECES = 8000 };  // more than is kept of arenas that are gone

// Each piece tells whose it is.
static void fill(arena *a, uint8_t whose, uint8_t **ret_pieces)
{
    for (size_t i = 0; i < PIECES; i++) {
        ret_pieces[i] = arena_alloc(a, PIECE);
        assert_non_null(ret_pieces[i]);
        memset(ret_pieces[i], whose, PIECE);
    }
}

static void expect_filled(uint8_t *const *pieces, uint8_t whose)
{
    for (size_t i = 0; i < PIECES; i++) {
        assert_int_equal(pieces[i][0], whose);
        assert_memory_equal(pieces[i], pieces[i] + 1, PIECE - 1);
    }
}

static void memory_of_arenas_that_are_gone_belongs_to_one_new_arena_each(void **state)
{
    (void) state;
    static uint8_t *pieces[2][PIECES];
    for (int i = 0; i < 3; i++) {
        arena *first = arena_new(0), *second = arena_new(0);
        fill(first, 1, pieces[0]);
        fill(second, 2, pieces[1]);
        expect_filled(pieces[0], 1);
        arena_free(first);
        expect_filled(pieces[1], 2);
        arena_free(second);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(memory_is_aligned_and_apart),
    cmocka_unit_test(many_blocks_keep_what_was_written),
    cmocka_unit_test(two_empty_allocations_have_different_addresses),
    cmocka_unit_test(a_large_piece_does_not_end_the_current_block),
    cmocka_unit_test(nothing_is_given_beyond_the_cap),
    cmocka_unit_test(a_cap_below_the_first_block_holds_too),
    cmocka_unit_test(a_size_that_would_overflow_is_refused),
    cmocka_unit_test(a_reset_arena_can_be_filled_again),
    cmocka_unit_test(copies_and_zeroed_memory_hold_what_they_should),
    cmocka_unit_test(the_hooks_allocate_and_never_free),
    cmocka_unit_test(it_tells_what_it_takes),
    cmocka_unit_test(memory_of_arenas_that_are_gone_belongs_to_one_new_arena_each),
};

UNIT_TEST_MAIN(tests)
