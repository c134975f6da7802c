// worker_arena_pool - arenas go round, emptied, and no more of them are kept than there is room
// for.
#include "unit/unit_test.h"

#include "worker/arena_pool.h"

#include <string.h>

static void what_was_put_last_is_taken_first_and_is_empty(void **state)
{
    (void) state;
    arena_pool pool;
    assert_true(arena_pool_init(&pool, 2));
    arena *first = arena_pool_take(&pool), *second = arena_pool_take(&pool);
    assert_ptr_not_equal(first, second);
    size_t empty = arena_bytes(second);
    assert_non_null(arena_zalloc(second, 100000));
    arena_pool_put(&pool, first);
    arena_pool_put(&pool, second);
    arena *again = arena_pool_take(&pool);
    assert_ptr_equal(again, second);
    assert_int_equal(arena_bytes(again), empty);
    assert_ptr_equal(arena_pool_take(&pool), first);
    arena_free(first);
    arena_free(second);
    arena_pool_fini(&pool);
}

static void no_more_are_kept_than_there_is_room_for(void **state)
{
    (void) state;
    arena_pool pool;
    arena *all[4];
    assert_true(arena_pool_init(&pool, 2));
    for (size_t i = 0; i < 4; i++)
        all[i] = arena_pool_take(&pool);
    for (size_t i = 0; i < 4; i++)
        arena_pool_put(&pool, all[i]);
    arena_pool_put(&pool, NULL);
    assert_int_equal(pool.count, 2);
    arena_pool_fini(&pool);
    arena_pool_fini(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_put_last_is_taken_first_and_is_empty),
    cmocka_unit_test(no_more_are_kept_than_there_is_room_for),
};

UNIT_TEST_MAIN(tests)
