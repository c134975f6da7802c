// engine_answers - the thread that runs the done functions of rounds that are over.
#include "engine/answers.h"

#include "unit/unit_test.h"

#define COMMANDS 1000

typedef struct scene {
    answers answers;
    engine_command commands[COMMANDS];
    _Atomic size_t count;
    size_t order[COMMANDS];
} scene;

static void note(engine_command *command)
{
    scene *s = command->owner;
    s->order[atomic_fetch_add(&s->count, 1)] = (size_t) (command - s->commands);
}

static int start(void **state)
{
    static scene s;
    s = (scene){.count = 0};
    for (size_t i = 0; i < COMMANDS; i++)
        s.commands[i] = (engine_command){.done = note, .owner = &s};
    *state = &s;
    return answers_start(&s.answers) == NULL ? 0 : -1;
}

static int stop(void **state)
{
    answers_stop(&((scene *) *state)->answers);
    return 0;
}

// Lists of one, two, three ... commands.
static void put_all(scene *s)
{
    for (size_t first = 0, size = 1; first < COMMANDS; first += size++) {
        size_t last = first + size < COMMANDS ? first + size - 1 : COMMANDS - 1;
        for (size_t i = first; i < last; i++)
            s->commands[i].next = &s->commands[i + 1];
        answers_put(&s->answers, &s->commands[first], &s->commands[last]);
    }
}

static void all_are_given_in_order_before_the_stop_is_over(void **state)
{
    scene *s = *state;
    put_all(s);
    answers_stop(&s->answers);
    assert_int_equal(s->count, COMMANDS);
    for (size_t i = 0; i < COMMANDS; i++)
        assert_int_equal(s->order[i], i);
}

static void it_is_idle_only_when_nothing_waits_or_runs(void **state)
{
    scene *s = *state;
    put_all(s);
    while (!answers_idle(&s->answers)) {
    }
    assert_int_equal(s->count, COMMANDS);
}

static void a_second_stop_does_nothing(void **state)
{
    scene *s = *state;
    answers_stop(&s->answers);
    answers_stop(&s->answers);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(all_are_given_in_order_before_the_stop_is_over, start, stop),
    cmocka_unit_test_setup_teardown(it_is_idle_only_when_nothing_waits_or_runs, start, stop),
    cmocka_unit_test_setup_teardown(a_second_stop_does_nothing, start, stop),
};

UNIT_TEST_MAIN(tests)
