// engine_memory - what a command may take while it waits.
#include "unit/engine_calls.h"

enum { ROUTES = 200, ROUNDS = 100, ROOM = 32768 };

// A parked Lease is looked at in every round: that must not use its memory up.
static void a_lease_that_waits_takes_no_memory(void **state)
{
    (void) state;
    char kind[16];
    for (int i = 0; i < ROUTES; i++) {
        snprintf(kind, sizeof kind, "k%d", i);
        submit("mine", kind);
    }
    assert_int_equal(lease_now(2, 1, ROUTES)->assignment_count, ROUTES);
    submit("other", "k");
    call *waiting = lease_call(1, 1, 1, 60 * SECOND);
    static char mine[] = "mine";
    static char *queues[] = {mine};
    waiting->worker.queues = queues;
    waiting->worker.n_queues = 1;
    arena_free(waiting->memory);
    waiting->memory = waiting->lease.memory = arena_new(ROOM);
    erig_post(waiting);
    for (int i = 0; i < ROUNDS; i++)
        assert_waits(waiting);
    submit("mine", "k0");
    assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_lease_that_waits_takes_no_memory, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
