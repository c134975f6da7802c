// engine_inbox - commands on their way to the engine: nothing lost, each poster's in order.
#include "unit/unit_test.h"

#include "base/clock.h"
#include "engine/inbox.h"

#include <pthread.h>
#include <stdlib.h>

#define POSTERS 8
#define EACH    5000
#define NEVER   INT64_C(4000000000000000)

static inbox box;

typedef struct poster {
    pthread_t thread;
    engine_command commands[EACH];
    int taken;
} poster;

static poster posters[POSTERS];

static int start(void **state)
{
    (void) state;
    memset(posters, 0, sizeof posters);
    assert_null(inbox_init(&box));
    return 0;
}

static int stop(void **state)
{
    (void) state;
    inbox_fini(&box);
    return 0;
}

static void *post_all(void *data)
{
    poster *p = data;
    for (int i = 0; i < EACH; i++) {
        p->commands[i].owner = p;
        inbox_put(&box, &p->commands[i]);
    }
    return NULL;
}

// Each must be the next of its poster.
static int check_order(engine_command *list)
{
    int count = 0;
    for (; list != NULL; list = list->next) {
        poster *p = list->owner;
        assert_ptr_equal(list, &p->commands[p->taken]);
        p->taken++;
        count++;
    }
    return count;
}

static void many_posters_lose_nothing_and_keep_their_order(void **state)
{
    (void) state;
    int total = 0;
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    while (total < POSTERS * EACH)
        total += check_order(inbox_take(&box, NEVER));
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].taken, EACH);
    }
    assert_int_equal(atomic_load(&box.length), 0);
}

static void the_length_counts_what_was_not_taken(void **state)
{
    (void) state;
    for (int i = 0; i < 3; i++)
        inbox_put(&box, &posters[0].commands[i]);
    assert_int_equal(atomic_load(&box.length), 3);
    assert_non_null(inbox_take(&box, NEVER));
    assert_int_equal(atomic_load(&box.length), 0);
}

static void an_empty_box_gives_nothing_at_the_deadline(void **state)
{
    (void) state;
    assert_null(inbox_take(&box, 0));
    assert_null(inbox_take(&box, clock_mono_us(clock_system()) + 1000));
}

static void a_poke_wakes_once(void **state)
{
    (void) state;
    inbox_poke(&box);
    assert_null(inbox_take(&box, NEVER));
    assert_null(inbox_take(&box, 0));
}

static void *poke(void *data)
{
    (void) data;
    inbox_poke(&box);
    return NULL;
}

static void a_poke_from_another_thread_wakes_a_sleeper(void **state)
{
    (void) state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, poke, NULL), 0);
    assert_null(inbox_take(&box, NEVER));
    pthread_join(thread, NULL);
}

// A thread that puts one at a time, each only after the one before was taken: a wake-up that gets
// lost leaves both asleep.
static void *ping(void *data)
{
    poster *p = data;
    for (int i = 0; i < EACH; i++) {
        p->commands[i].owner = p;
        inbox_put(&box, &p->commands[i]);
        while (atomic_load(&box.length) > 0)
            sched_yield();
    }
    return NULL;
}

static void no_wake_up_is_lost(void **state)
{
    (void) state;
    assert_int_equal(pthread_create(&posters[0].thread, NULL, ping, &posters[0]), 0);
    for (int taken = 0; taken < EACH;)
        taken += check_order(inbox_take(&box, NEVER));
    pthread_join(posters[0].thread, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(many_posters_lose_nothing_and_keep_their_order, start, stop),
    cmocka_unit_test_setup_teardown(the_length_counts_what_was_not_taken, start, stop),
    cmocka_unit_test_setup_teardown(an_empty_box_gives_nothing_at_the_deadline, start, stop),
    cmocka_unit_test_setup_teardown(a_poke_wakes_once, start, stop),
    cmocka_unit_test_setup_teardown(a_poke_from_another_thread_wakes_a_sleeper, start, stop),
    cmocka_unit_test_setup_teardown(no_wake_up_is_lost, start, stop),
};

UNIT_TEST_MAIN(tests)
