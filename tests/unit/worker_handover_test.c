// worker handover - from any thread to the loop's: each item once, and in order.
#include "unit/unit_test.h"

#include "worker/handover.h"

#include <pthread.h>
#include <stdlib.h>

#define POSTERS    4
#define ITEMS      5000
#define LAST_ROUND 3

// ---- a stage ----

typedef struct stage {
    uv_loop_t loop;
    handover handover;
    int next[POSTERS];  // number of each poster's item that has to come next
    int ran;
    int wanted;
    bool ended;  // the item that was posted last has come
} stage;

static stage the_stage;

static void stage_open(int wanted)
{
    the_stage = (stage){.wanted = wanted};
    assert_int_equal(uv_loop_init(&the_stage.loop), 0);
    assert_int_equal(handover_init(&the_stage.handover, &the_stage.loop), 0);
}

static void count_one(void)
{
    if (++the_stage.ran == the_stage.wanted) {
        uv_close((uv_handle_t *) &the_stage.handover.wake, NULL);
    }
}

static void stage_run(void)
{
    assert_int_equal(uv_run(&the_stage.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(the_stage.ran, the_stage.wanted);
    assert_int_equal(uv_loop_close(&the_stage.loop), 0);
}

// ---- many threads ----

typedef struct letter {
    handover_item item;  // first
    int poster, number;
} letter;

static void take_letter(handover_item *item)
{
    letter *l = (letter *) (void *) item;
    assert_int_equal(l->number, the_stage.next[l->poster]);
    the_stage.next[l->poster]++;
    free(l);
    count_one();
}

static void *post_letters(void *data)
{
    int poster = *(const int *) data;
    for (int i = 0; i < ITEMS; i++) {
        letter *l = calloc(1, sizeof *l);
        l->item.run = take_letter;
        l->poster = poster;
        l->number = i;
        handover_post(&the_stage.handover, &l->item);
    }
    return NULL;
}

static void what_several_threads_post_comes_once_and_in_the_order_of_each(void **state)
{
    (void) state;
    static int numbers[POSTERS] = {0, 1, 2, 3};
    pthread_t threads[POSTERS];
    stage_open(POSTERS * ITEMS);
    for (size_t i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, post_letters, &numbers[i]), 0);
    }
    stage_run();
    for (size_t i = 0; i < POSTERS; i++) {
        (void) pthread_join(threads[i], NULL);
    }
}

// ---- more than once ----

static void take_one(handover_item *item)
{
    (void) item;
    count_one();
}

static void take_last(handover_item *item)
{
    (void) item;
    the_stage.ended = true;
    count_one();
}

static void an_item_that_waits_is_not_posted_twice(void **state)
{
    (void) state;
    handover_item item = {.run = take_one}, end = {.run = take_last};
    stage_open(2);
    handover_post(&the_stage.handover, &item);
    handover_post(&the_stage.handover, &item);
    handover_post(&the_stage.handover, &end);
    handover_post(&the_stage.handover, &item);
    stage_run();
    assert_true(the_stage.ended);
}

static void post_again(handover_item *item)
{
    if (the_stage.ran < LAST_ROUND) {
        handover_post(&the_stage.handover, item);
    }
    count_one();
}

static void an_item_may_be_posted_again_by_its_own_run(void **state)
{
    (void) state;
    handover_item item = {.run = post_again};
    stage_open(LAST_ROUND + 1);
    handover_post(&the_stage.handover, &item);
    stage_run();
}

static handover_item posted_by_another = {.run = take_one};

static void post_another(handover_item *item)
{
    (void) item;
    handover_post(&the_stage.handover, &posted_by_another);
    count_one();
}

// It waits in the same list, just behind.
static void an_item_that_waits_is_not_posted_twice_by_the_one_before_it(void **state)
{
    (void) state;
    handover_item item = {.run = post_another}, end = {.run = take_last};
    stage_open(3);
    handover_post(&the_stage.handover, &item);
    handover_post(&the_stage.handover, &posted_by_another);
    handover_post(&the_stage.handover, &end);
    stage_run();
    assert_true(the_stage.ended);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_several_threads_post_comes_once_and_in_the_order_of_each),
    cmocka_unit_test(an_item_that_waits_is_not_posted_twice),
    cmocka_unit_test(an_item_may_be_posted_again_by_its_own_run),
    cmocka_unit_test(an_item_that_waits_is_not_posted_twice_by_the_one_before_it),
};

UNIT_TEST_MAIN(tests)
