// engine_timers - the heap of deadlines, against a list that is searched.
#include "unit/dice.h"
#include "unit/unit_test.h"

#include "engine/timers.h"

#include <stdlib.h>
#include <time.h>

#define TIMERS 200
#define STEPS  50000

typedef struct entry {
    timer timer;  // first
    bool armed;   // what the model thinks
    int64_t when_us;
    int fired;
} entry;

static struct {
    timers all;
    entry entries[TIMERS];
    int64_t now_us, last_us;
    int fired;
} scene;

static uint64_t random_state;

static uint64_t any(uint64_t below)
{
    return dice_roll(&random_state, below);
}

static int start(void **state)
{
    (void) state;
    memset(&scene, 0, sizeof scene);
    random_state = (uint64_t) time(NULL) << 20 | 1;
    print_message("seed %llu\n", (unsigned long long) random_state);
    return 0;
}

static int stop(void **state)
{
    (void) state;
    timers_fini(&scene.all);
    return 0;
}

static void fire(void *context, timer *t)
{
    entry *e = (entry *) t;
    assert_ptr_equal(context, &scene);
    assert_true(e->armed);
    assert_true(e->when_us <= scene.now_us);
    assert_true(e->when_us >= scene.last_us);  // in order
    assert_int_equal(t->place, 0);             // it may be set anew
    scene.last_us = e->when_us;
    scene.fired++;
    e->armed = false;
    e->fired++;
}

static void set(entry *e, int64_t when_us)
{
    e->timer.fire = fire;
    assert_true(timers_reserve(&scene.all, 1));
    timers_set(&scene.all, &e->timer, when_us);
    e->armed = true;
    e->when_us = when_us;
}

static void clear(entry *e)
{
    timers_clear(&scene.all, &e->timer);
    e->armed = false;
}

static void run(int64_t now_us)
{
    scene.now_us = now_us;
    scene.last_us = INT64_MIN;
    timers_run(&scene.all, now_us, &scene);
}

// The earliest deadline of the model; how many it has.
static size_t model(int64_t *ret_next)
{
    size_t count = 0;
    *ret_next = INT64_MAX;
    for (size_t i = 0; i < TIMERS; i++) {
        if (!scene.entries[i].armed)
            continue;
        count++;
        if (scene.entries[i].when_us < *ret_next)
            *ret_next = scene.entries[i].when_us;
    }
    return count;
}

static void assert_like_model(void)
{
    int64_t next;
    assert_int_equal(scene.all.count, model(&next));
    assert_int_equal(timers_next(&scene.all), next);
}

static void it_does_what_a_list_would_do(void **state)
{
    (void) state;
    for (int i = 0; i < STEPS; i++) {
        entry *e = &scene.entries[any(TIMERS)];
        uint64_t what = any(10);
        if (what < 6)
            set(e, scene.now_us + (int64_t) any(500));
        else if (what < 9)
            clear(e);
        else
            run(scene.now_us + (int64_t) any(60));
        assert_like_model();
    }
    assert_true(scene.fired > STEPS / 100);
    run(INT64_MAX - 1);
    assert_int_equal(scene.all.count, 0);
}

static void nothing_is_due_in_an_empty_heap(void **state)
{
    (void) state;
    assert_int_equal(timers_next(&scene.all), INT64_MAX);
    run(INT64_MAX - 1);
    clear(&scene.entries[0]);  // of one that was never set
    assert_int_equal(scene.fired, 0);
}

static void one_deadline_may_be_shared_by_many(void **state)
{
    (void) state;
    for (size_t i = 0; i < TIMERS; i++)
        set(&scene.entries[i], 5);
    run(4);
    assert_int_equal(scene.fired, 0);
    run(5);
    assert_int_equal(scene.fired, TIMERS);
    for (size_t i = 0; i < TIMERS; i++)
        assert_int_equal(scene.entries[i].fired, 1);
}

static void fire_and_clear_neighbour(void *context, timer *t)
{
    fire(context, t);
    size_t index = (size_t) ((entry *) t - scene.entries);
    clear(&scene.entries[index ^ 1]);
}

static void a_timer_may_clear_another_while_it_fires(void **state)
{
    (void) state;
    for (size_t i = 0; i < TIMERS; i++) {
        set(&scene.entries[i], 5);
        scene.entries[i].timer.fire = fire_and_clear_neighbour;
    }
    run(5);
    assert_int_equal(scene.fired, TIMERS / 2);
    assert_int_equal(scene.all.count, 0);
}

static void fire_and_set_again(void *context, timer *t)
{
    entry *e = (entry *) t;
    fire(context, t);
    timers_set(&scene.all, t, e->when_us + 10);  // its own place is free
    e->armed = true;
    e->when_us += 10;
}

static void a_timer_may_set_itself_again_while_it_fires(void **state)
{
    (void) state;
    set(&scene.entries[0], 10);
    scene.entries[0].timer.fire = fire_and_set_again;
    run(95);
    assert_int_equal(scene.fired, 9);
    assert_int_equal(timers_next(&scene.all), 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(it_does_what_a_list_would_do, start, stop),
    cmocka_unit_test_setup_teardown(nothing_is_due_in_an_empty_heap, start, stop),
    cmocka_unit_test_setup_teardown(one_deadline_may_be_shared_by_many, start, stop),
    cmocka_unit_test_setup_teardown(a_timer_may_clear_another_while_it_fires, start, stop),
    cmocka_unit_test_setup_teardown(a_timer_may_set_itself_again_while_it_fires, start, stop),
};

UNIT_TEST_MAIN(tests)
