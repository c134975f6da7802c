// worker share - how slots are shared out between servers, and where results go. Pure.
#include "unit/unit_test.h"

#include "worker/address.h"
#include "worker/share.h"

#include <stdlib.h>

// ---- slots ----

static void one_server_may_have_all_free_slots(void **state)
{
    (void) state;
    const share_claim one[] = {{.running = 3, .hungry = true}};
    assert_int_equal(share_of(one, 1, 0, 5), 5);
    assert_int_equal(share_of(one, 1, 0, 0), 0);
}

static void quiet_servers_are_asked_for_a_part_each(void **state)
{
    (void) state;
    const share_claim quiet[] = {{.running = 2}, {0}, {0}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(share_of(quiet, 3, i, 7), 3);
    }
}

static void a_hungry_server_gets_all_that_quiet_ones_do_not_want(void **state)
{
    (void) state;
    const share_claim claims[] = {{.running = 9, .hungry = true}, {0}};
    assert_int_equal(share_of(claims, 2, 0, 5), 5);
    assert_int_equal(share_of(claims, 2, 1, 5), 0);
}

static void hungry_servers_are_levelled(void **state)
{
    (void) state;
    const share_claim claims[] = {
        {.running = 6, .hungry = true}, {.running = 1, .hungry = true}, {.hungry = true}};
    assert_int_equal(share_of(claims, 3, 0, 5), 0);
    assert_int_equal(share_of(claims, 3, 1, 5), 2);
    assert_int_equal(share_of(claims, 3, 2, 5), 3);
}

static void the_odd_slot_goes_to_the_one_served_longest_ago(void **state)
{
    (void) state;
    const share_claim claims[] = {{.running = 2, .hungry = true, .served = 8},
                                  {.running = 2, .hungry = true, .served = 7}};
    assert_int_equal(share_of(claims, 2, 0, 1), 0);
    assert_int_equal(share_of(claims, 2, 1, 1), 1);
}

static uint32_t random_state = 12345;

static int32_t random_below(int32_t limit)
{
    random_state = random_state * 1664525 + 1013904223;
    return (int32_t) (random_state >> 8) % limit;
}

static void hungry_servers_get_the_free_slots_between_them_and_no_more(void **state)
{
    (void) state;
    for (int round = 0; round < 20000; round++) {
        share_claim claims[6];
        size_t count = 2 + (size_t) random_below(5);
        int32_t hungry = 0, sum = 0, free_slots = random_below(40);
        for (size_t i = 0; i < count; i++) {
            claims[i] = (share_claim){random_below(20), random_below(2) == 1, random_below(4)};
            hungry += claims[i].hungry;
        }
        for (size_t i = 0; i < count; i++) {
            sum += share_of(claims, count, i, free_slots);
        }
        if (hungry > 0) {
            assert_int_equal(sum, free_slots);
        } else {
            assert_in_range(sum, free_slots, free_slots + (int32_t) count);
        }
    }
}

// ---- addresses ----

static void assert_address(const char *rpc_url, const char *first, const char *second,
                           const char *expected)
{
    char *announced[] = {(char *) (uintptr_t) first, (char *) (uintptr_t) second};
    char *found = address_of_results(rpc_url, announced, second == NULL ? 1 : 2);
    if (expected == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, expected);
    }
    free(found);
}

static void an_announced_address_is_taken_as_it_is(void **state)
{
    (void) state;
    assert_address("tcp://db1:6710", "tcp://10.0.0.7:6711", NULL, "tcp://10.0.0.7:6711");
    assert_address("ipc:///run/errand/rpc", "ipc:///run/errand/results", NULL,
                   "ipc:///run/errand/results");
}

static void an_unspecified_host_is_the_one_that_was_dialed(void **state)
{
    (void) state;
    assert_address("tcp://db1:6710", "tcp://0.0.0.0:6711", NULL, "tcp://db1:6711");
    assert_address("tcp://[fd00::7]:6710", "tcp://[::]:7000", NULL, "tcp://[fd00::7]:7000");
    assert_address("tls+tcp://db1:6710", "tls+tcp://0.0.0.0:6711", NULL, "tls+tcp://db1:6711");
}

static void a_loopback_host_is_the_servers_own_and_so_the_one_that_was_dialed(void **state)
{
    (void) state;
    assert_address("tcp://db1:6710", "tcp://127.0.0.1:6711", NULL, "tcp://db1:6711");
    assert_address("tcp://localhost:6710", "tcp://[::1]:6711", NULL, "tcp://localhost:6711");
}

static void the_scheme_of_the_rpc_is_preferred(void **state)
{
    (void) state;
    assert_address("tls+tcp://db1:6710", "tcp://0.0.0.0:6711", "tls+tcp://0.0.0.0:6712",
                   "tls+tcp://db1:6712");
    assert_address("tls+tcp://db1:6710", "ipc:///run/errand/results", "tcp://0.0.0.0:6711",
                   "tcp://db1:6711");
}

static void what_can_not_be_reached_is_not_taken(void **state)
{
    (void) state;
    assert_address("tcp://db1:6710", "ipc:///run/errand/results", NULL, NULL);
    assert_address("tcp://db1:6710", "nonsense", "tcp://no-port", NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_server_may_have_all_free_slots),
    cmocka_unit_test(quiet_servers_are_asked_for_a_part_each),
    cmocka_unit_test(a_hungry_server_gets_all_that_quiet_ones_do_not_want),
    cmocka_unit_test(hungry_servers_are_levelled),
    cmocka_unit_test(the_odd_slot_goes_to_the_one_served_longest_ago),
    cmocka_unit_test(hungry_servers_get_the_free_slots_between_them_and_no_more),
    cmocka_unit_test(an_announced_address_is_taken_as_it_is),
    cmocka_unit_test(an_unspecified_host_is_the_one_that_was_dialed),
    cmocka_unit_test(a_loopback_host_is_the_servers_own_and_so_the_one_that_was_dialed),
    cmocka_unit_test(the_scheme_of_the_rpc_is_preferred),
    cmocka_unit_test(what_can_not_be_reached_is_not_taken),
};

UNIT_TEST_MAIN(tests)
