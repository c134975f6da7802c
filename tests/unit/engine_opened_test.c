// engine_opened - queues that were full, and have room again: who gets the room, and what it costs
// to find out, counted and not timed.
#include "unit/engine_life.h"

#define KINDS 600

static call *ask(uint8_t worker, const char *queue, const char *kind, int64_t wait_us)
{
    static int64_t sequence;
    return erig_post(serving(lease_call(worker, ++sequence, 1, wait_us), queue, kind));
}

// One job of the queue may run; one of the first kind does, and the others wait.
static job_row fill_queue(void)
{
    queue_settings settings = no_limits();
    char kind[16];
    settings.max_running = 1;
    queue_change("full", settings);
    for (int i = 0; i < KINDS; i++) {
        snprintf(kind, sizeof kind, "k%d", i);
        submit("full", kind);
    }
    const engine_lease *got = &erig_fine(ask(1, "full", "k0", 0))->lease;
    assert_int_equal(got->assignment_count, 1);
    assert_int_equal(erig_fine(ask(9, "full", NULL, 0))->lease.assignment_count, 0);
    return got->assignments[0].row;
}

// The room goes from one waiting worker to the next. Returns what was looked at for that.
static uint64_t pass_on(job_row *running, call *waiting)
{
    uint64_t before = erig.engine->supply.looked;
    engine_outcome outcome = success(running);
    erig_fine(erig_post(outcomes_call(1, 0, &outcome, 1)));
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
    *running = waiting->lease.assignments[0].row;
    return erig.engine->supply.looked - before;
}

// of_kind: the workers wait for a kind each.
static void assert_cheap(const char *queue, bool of_kind)
{
    job_row running = fill_queue();
    for (int i = 100; i < 105; i++) {
        char *kind = arena_zalloc(erig.memory, 16);
        snprintf(kind, 16, "k%d", i);
        call *waiting = ask(1, queue, of_kind ? kind : NULL, LONG);
        assert_waits(waiting);
        assert_true(pass_on(&running, waiting) <= 10);
    }
}

static void room_for_a_worker_of_all_costs_the_same_with_many_kinds(void **state)
{
    (void) state;
    assert_cheap(NULL, false);
}

static void room_for_a_worker_of_the_queue_costs_the_same_with_many_kinds(void **state)
{
    (void) state;
    assert_cheap("full", false);
}

static void room_for_a_worker_of_a_kind_costs_the_same_with_many_kinds(void **state)
{
    (void) state;
    assert_cheap(NULL, true);
}

static void room_for_a_worker_of_queue_and_kind_costs_the_same_with_many_kinds(void **state)
{
    (void) state;
    assert_cheap("full", true);
}

static void room_that_nobody_waits_for_costs_the_same_with_many_kinds(void **state)
{
    (void) state;
    job_row running = fill_queue();
    call *other = ask(2, "other", NULL, LONG);
    assert_waits(other);
    uint64_t before = erig.engine->supply.looked;
    report(1, 0, success(&running));
    assert_true(erig.engine->supply.looked - before <= 10);
    assert_waits(other);
}

// Many lines wait, few kinds have jobs: the kinds are looked at, not the lines.
static void room_costs_the_same_with_many_workers_of_other_kinds(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.max_running = 1;
    queue_change("full", settings);
    submit("full", "a");
    submit("full", "b");
    const engine_lease *got = &erig_fine(ask(1, "full", "a", 0))->lease;
    job_row running = got->assignments[0].row;
    for (uint8_t i = 10; i < 200; i++) {
        char *kind = arena_zalloc(erig.memory, 16);
        snprintf(kind, 16, "other-%d", i);
        ask(i, "full", kind, LONG);
    }
    call *waiting = ask(1, "full", "b", LONG);
    assert_waits(waiting);
    assert_true(pass_on(&running, waiting) <= 10);
}

// Routes that were come across while their queue was full come back with it.
static void kinds_that_were_set_aside_come_back(void **state)
{
    (void) state;
    job_row running = fill_queue();
    assert_int_equal(erig_fine(ask(2, NULL, "k7", 0))->lease.assignment_count, 0);
    submit("full", "k7");
    submit("full", "new");
    report(1, 0, success(&running));
    assert_int_equal(erig_fine(ask(2, NULL, "k7", 0))->lease.assignment_count, 1);
    assert_int_equal(erig_fine(ask(3, NULL, "new", 0))->lease.assignment_count, 0);
    queue_settings settings = no_limits();
    queue_change("full", settings);
    assert_int_equal(erig_fine(ask(3, NULL, "new", 0))->lease.assignment_count, 1);
    assert_int_equal(erig_fine(ask(3, NULL, "k7", 0))->lease.assignment_count, 1);
}

// More room than jobs of one kind: all who wait get their share.
static void room_for_many_is_given_to_all_who_wait(void **state)
{
    (void) state;
    enum { WAITING = 20 };
    call *waiting[WAITING];
    (void) fill_queue();
    for (int i = 0; i < WAITING; i++)
        waiting[i] = ask((uint8_t) (20 + i), i % 2 == 0 ? "full" : NULL, NULL, LONG);
    assert_waits(waiting[0]);
    queue_settings settings = no_limits();
    settings.max_running = 1 + WAITING;
    queue_change("full", settings);
    for (int i = 0; i < WAITING; i++)
        assert_int_equal(erig_fine(waiting[i])->lease.assignment_count, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(room_for_a_worker_of_all_costs_the_same_with_many_kinds,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(room_for_a_worker_of_the_queue_costs_the_same_with_many_kinds,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(room_for_a_worker_of_a_kind_costs_the_same_with_many_kinds,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(
        room_for_a_worker_of_queue_and_kind_costs_the_same_with_many_kinds, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(room_that_nobody_waits_for_costs_the_same_with_many_kinds,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(room_costs_the_same_with_many_workers_of_other_kinds,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(kinds_that_were_set_aside_come_back, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(room_for_many_is_given_to_all_who_wait, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
