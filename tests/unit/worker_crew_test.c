// worker crew - threads that run tasks: all at once where these wait for each other.
#include "unit/unit_test.h"

#include "worker/crew.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#define THREADS 64
#define MANY    20000

// ---- a stage ----

typedef struct stage stage;

typedef struct part {
    crew_task task;
    stage *stage;
    size_t number;
    bool meets;  // it waits until as many as there are threads have come
    bool waits;  // for the door
} part;

struct stage {
    crew *crew;
    pthread_barrier_t meeting;
    sem_t over;
    sem_t door;
    atomic_size_t began;
    size_t order[8];  // of those that began
    part parts[MANY];
};

static void play(crew_task *task)
{
    part *p = (part *) (void *) task;
    stage *s = p->stage;
    size_t before = atomic_fetch_add(&s->began, 1);
    if (before < sizeof s->order / sizeof s->order[0]) {
        s->order[before] = p->number;
    }
    if (p->meets) {
        (void) pthread_barrier_wait(&s->meeting);
    }
    if (p->waits) {
        assert_int_equal(sem_wait(&s->door), 0);
    }
    (void) sem_post(&s->over);
}

static stage *stage_new(int32_t threads)
{
    stage *s = calloc(1, sizeof *s);
    s->crew = crew_new(threads, play);
    assert_non_null(s->crew);
    assert_int_equal(pthread_barrier_init(&s->meeting, NULL, (unsigned) threads), 0);
    assert_int_equal(sem_init(&s->over, 0, 0), 0);
    assert_int_equal(sem_init(&s->door, 0, 0), 0);
    for (size_t i = 0; i < MANY; i++) {
        s->parts[i].stage = s;
        s->parts[i].number = i;
    }
    return s;
}

static void add(stage *s, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        assert_true(crew_add(s->crew, &s->parts[i].task));
    }
}

static void wait_for(stage *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        while (sem_wait(&s->over) != 0) {
        }
    }
}

static void stage_free(stage *s)
{
    crew_stop(s->crew);
    crew_free(s->crew);
    (void) pthread_barrier_destroy(&s->meeting);
    (void) sem_destroy(&s->over);
    (void) sem_destroy(&s->door);
    free(s);
}

// ---- at the same time ----

static void let_them_meet(stage *s, size_t first)
{
    for (size_t i = first; i < first + THREADS; i++) {
        s->parts[i].meets = true;
    }
    add(s, first, THREADS);
    crew_call(s->crew);
}

static void tasks_that_wait_for_each_other_all_run_at_the_same_time(void **state)
{
    (void) state;
    stage *s = stage_new(THREADS);
    for (size_t round = 0; round < 20; round++) {  // with threads to be made, and idle ones
        let_them_meet(s, round * THREADS);
        wait_for(s, THREADS);
    }
    stage_free(s);
}

static void tasks_that_come_one_by_one_meet_too(void **state)
{
    (void) state;
    stage *s = stage_new(THREADS);
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = round * THREADS; i < (round + 1) * THREADS; i++) {
            s->parts[i].meets = true;
            add(s, i, 1);
            crew_call(s->crew);
        }
        wait_for(s, THREADS);
    }
    stage_free(s);
}

static void tasks_that_wait_for_each_other_meet_among_many_that_do_not(void **state)
{
    (void) state;
    stage *s = stage_new(THREADS);
    for (size_t i = 0; i < MANY; i++) {
        s->parts[i].meets = i % (MANY / THREADS) == 0 && i / (MANY / THREADS) < THREADS;
    }
    for (size_t i = 0; i < MANY; i += 100) {
        add(s, i, 100);
        crew_call(s->crew);
    }
    wait_for(s, MANY);
    stage_free(s);
}

static void a_task_that_takes_long_keeps_no_other_waiting(void **state)
{
    (void) state;
    stage *s = stage_new(2);
    s->parts[0].waits = true;
    add(s, 0, 1000);
    crew_call(s->crew);
    wait_for(s, 999);
    assert_int_equal(sem_post(&s->door), 0);
    wait_for(s, 1);
    stage_free(s);
}

// ---- in turn ----

static void one_thread_runs_tasks_in_the_order_in_which_they_came(void **state)
{
    (void) state;
    stage *s = stage_new(1);
    add(s, 0, 5);
    crew_call(s->crew);
    add(s, 5, 3);
    crew_call(s->crew);
    wait_for(s, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(s->order[i], i);
    }
    stage_free(s);
}

static void a_task_that_has_not_begun_can_be_taken_back(void **state)
{
    (void) state;
    stage *s = stage_new(1);
    s->parts[0].waits = true;
    add(s, 0, 1);
    crew_call(s->crew);
    while (atomic_load(&s->began) == 0) {
        (void) sched_yield();
    }
    add(s, 1, 2);
    crew_call(s->crew);
    add(s, 3, 2);
    assert_false(crew_take_back(s->crew, &s->parts[0].task));
    assert_true(crew_take_back(s->crew, &s->parts[1].task));
    assert_true(crew_take_back(s->crew, &s->parts[3].task));
    assert_false(crew_take_back(s->crew, &s->parts[3].task));
    crew_call(s->crew);
    assert_int_equal(sem_post(&s->door), 0);
    wait_for(s, 3);
    assert_int_equal(s->order[1], 2);
    assert_int_equal(s->order[2], 4);
    stage_free(s);
}

// ---- without threads ----

static atomic_int threads_left = MANY;

// NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's name for what is wrapped
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *data);
// NOLINTNEXTLINE(bugprone-reserved-identifier)
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *data);

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *data)
{
    return atomic_fetch_sub(&threads_left, 1) > 0 ? __real_pthread_create(id, attributes, run, data)
                                                  : EAGAIN;
}

static void a_task_is_refused_when_there_is_not_even_one_thread(void **state)
{
    (void) state;
    stage *s = stage_new(4);
    atomic_store(&threads_left, 0);
    assert_false(crew_add(s->crew, &s->parts[0].task));
    atomic_store(&threads_left, MANY);
    add(s, 0, 1);
    crew_call(s->crew);
    wait_for(s, 1);
    stage_free(s);
}

static void the_threads_that_there_are_do_the_work_of_those_that_can_not_be_made(void **state)
{
    (void) state;
    stage *s = stage_new(4);
    atomic_store(&threads_left, 1);
    add(s, 0, 1000);
    crew_call(s->crew);
    wait_for(s, 1000);
    atomic_store(&threads_left, MANY);
    stage_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tasks_that_wait_for_each_other_all_run_at_the_same_time),
    cmocka_unit_test(tasks_that_come_one_by_one_meet_too),
    cmocka_unit_test(tasks_that_wait_for_each_other_meet_among_many_that_do_not),
    cmocka_unit_test(a_task_that_takes_long_keeps_no_other_waiting),
    cmocka_unit_test(one_thread_runs_tasks_in_the_order_in_which_they_came),
    cmocka_unit_test(a_task_that_has_not_begun_can_be_taken_back),
    cmocka_unit_test(a_task_is_refused_when_there_is_not_even_one_thread),
    cmocka_unit_test(the_threads_that_there_are_do_the_work_of_those_that_can_not_be_made),
};

UNIT_TEST_MAIN(tests)
