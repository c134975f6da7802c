// http_hosts, room - transfers that wait for others, and who goes on when.
#include "unit/unit_test.h"

#include "worker/http_hosts.h"
#include "worker/http_loop.h"
#include "worker/room.h"

#include <stdlib.h>
#include <string.h>

#define MIB ((size_t) 1 << 20)

static http_transfer transfers[4];
static attempt running;
static attempts all;
static attempt_source source;
static attempt_source *sources[] = {&source};
static room places;

static void ask_again(room_place *place)
{
    (void) place;  // not at once
}

static int set_up(void **state)
{
    (void) state;
    memset(transfers, 0, sizeof transfers);
    source = (attempt_source){0};
    all = (attempts){.sources = sources, .source_count = 1, .max_held_bytes = MIB};
    places = (room){.resume = ask_again};
    running.owner = &all;
    for (size_t i = 0; i < 4; i++) {
        transfers[i].attempt = &running;
        transfers[i].place.owner = &all;
        transfers[i].easy = curl_easy_init();
    }
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    for (size_t i = 0; i < 4; i++) {
        curl_easy_cleanup(transfers[i].easy);
    }
    return 0;
}

// ---- hosts ----

static void a_host_has_so_many_transfers_and_the_others_go_in_turn(void **state)
{
    (void) state;
    http_hosts hosts = {.max = 2};
    assert_true(http_hosts_enter(&hosts, &transfers[0], "http://a.test/1"));
    assert_true(http_hosts_enter(&hosts, &transfers[1], "http://A.test?2"));
    assert_false(http_hosts_enter(&hosts, &transfers[2], "http://user@a.test#3"));
    assert_false(http_hosts_enter(&hosts, &transfers[3], "HTTP://a.test"));
    assert_ptr_equal(http_hosts_leave(&hosts, &transfers[1]), &transfers[2]);
    assert_false(http_hosts_waits(&transfers[2]));
    assert_ptr_equal(http_hosts_leave(&hosts, &transfers[0]), &transfers[3]);
    assert_null(http_hosts_leave(&hosts, &transfers[2]));
    assert_null(http_hosts_leave(&hosts, &transfers[3]));
    assert_null(hosts.by_name);
}

static void hosts_schemes_and_ports_are_counted_apart(void **state)
{
    (void) state;
    http_hosts hosts = {.max = 1};
    assert_true(http_hosts_enter(&hosts, &transfers[0], "http://a.test/"));
    assert_true(http_hosts_enter(&hosts, &transfers[1], "https://a.test/"));
    assert_true(http_hosts_enter(&hosts, &transfers[2], "http://a.test:81/"));
    assert_true(http_hosts_enter(&hosts, &transfers[3], "http://b.test/"));
    for (size_t i = 0; i < 4; i++) {
        assert_null(http_hosts_leave(&hosts, &transfers[i]));
    }
}

static void one_that_stops_waiting_lets_nobody_in(void **state)
{
    (void) state;
    http_hosts hosts = {.max = 1};
    assert_true(http_hosts_enter(&hosts, &transfers[0], "http://a.test/"));
    assert_false(http_hosts_enter(&hosts, &transfers[1], "http://a.test/"));
    assert_false(http_hosts_enter(&hosts, &transfers[2], "http://a.test/"));
    assert_null(http_hosts_leave(&hosts, &transfers[1]));
    assert_ptr_equal(http_hosts_leave(&hosts, &transfers[0]), &transfers[2]);
    assert_null(http_hosts_leave(&hosts, &transfers[2]));
}

static void without_a_limit_nobody_waits(void **state)
{
    (void) state;
    http_hosts hosts = {.max = 0};
    for (size_t i = 0; i < 4; i++) {
        assert_true(http_hosts_enter(&hosts, &transfers[i], "http://a.test/"));
    }
    for (size_t i = 0; i < 4; i++) {
        assert_null(http_hosts_leave(&hosts, &transfers[i]));
    }
    assert_null(hosts.by_name);
}

static http_transfer *many_to_one(http_hosts *hosts, size_t count)
{
    http_transfer *many = calloc(count, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i < count; i++) {
        assert_true(http_hosts_enter(hosts, &many[i], "http://a.test/"));
        assert_int_equal(many[i].group, i / HTTP_GROUP_TRANSFERS);
    }
    return many;
}

static void all_leave(http_hosts *hosts, http_transfer *many, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_null(http_hosts_leave(hosts, &many[i]));
    }
    free(many);
}

static void the_first_groups_are_filled_first(void **state)
{
    (void) state;
    enum { MANY = HTTP_GROUPS * HTTP_GROUP_TRANSFERS };
    http_hosts hosts = {.max = 0};
    http_transfer *many = many_to_one(&hosts, MANY);
    assert_true(http_hosts_enter(&hosts, &transfers[0], "http://b.test/"));
    assert_int_equal(transfers[0].group, 0);
    assert_true(http_hosts_enter(&hosts, &transfers[1], "http://a.test/"));
    assert_int_equal(transfers[1].group, 1);  // all are full, and the first one has one more
    assert_null(http_hosts_leave(&hosts, &many[MANY - 1]));
    assert_true(http_hosts_enter(&hosts, &many[MANY - 1], "http://a.test/"));
    assert_int_equal(many[MANY - 1].group, HTTP_GROUPS - 1);
    all_leave(&hosts, many, MANY);
    assert_null(http_hosts_leave(&hosts, &transfers[0]));
    assert_null(http_hosts_leave(&hosts, &transfers[1]));
    assert_null(hosts.by_name);
}

static void transfers_to_many_hosts_are_spread_too(void **state)
{
    (void) state;
    enum { MANY = 3 * HTTP_GROUP_ALL };
    http_hosts hosts = {.max = 0};
    http_transfer *many = calloc(MANY, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i < MANY; i++) {
        char url[64];
        (void) snprintf(url, sizeof url, "http://host-%zu.test/", i);
        assert_true(http_hosts_enter(&hosts, &many[i], url));
        assert_int_equal(many[i].group, i / HTTP_GROUP_ALL);
    }
    all_leave(&hosts, many, MANY);
    assert_null(hosts.by_name);
    for (size_t i = 0; i < HTTP_GROUPS; i++) {
        assert_int_equal(hosts.in_group[i], 0);
    }
}

static void who_has_waited_comes_into_the_group_of_the_one_that_left(void **state)
{
    (void) state;
    enum { LIMIT = 2 * HTTP_GROUP_TRANSFERS };
    http_hosts hosts = {.max = LIMIT};
    http_transfer *many = many_to_one(&hosts, LIMIT);
    assert_false(http_hosts_enter(&hosts, &transfers[0], "http://a.test/"));
    assert_ptr_equal(http_hosts_leave(&hosts, &many[LIMIT - 1]), &transfers[0]);
    assert_int_equal(transfers[0].group, 1);
    assert_null(http_hosts_leave(&hosts, &transfers[0]));
    all_leave(&hosts, many, LIMIT - 1);
    assert_null(hosts.by_name);
}

// ---- room ----

// Takes room for more of the body, and has it then.
static bool take(http_transfer *t, size_t size)
{
    bool taken = room_take(&places, &t->place, t->body.size + size);
    t->body.size += taken ? size : 0;
    return taken;
}

static void leave(http_transfer *t)
{
    room_leave(&places, &t->place);
}

static void small_responses_never_wait(void **state)
{
    (void) state;
    all.held_bytes = 5 * MIB;
    for (size_t i = 0; i < 4; i++) {
        assert_true(take(&transfers[i], ROOM_FREE_BYTES));
    }
    assert_int_equal(all.held_bytes, 5 * MIB);
}

static void beyond_the_cap_one_goes_on_and_the_others_pause(void **state)
{
    (void) state;
    assert_true(take(&transfers[0], MIB / 2));
    assert_true(take(&transfers[1], MIB / 2));
    assert_true(take(&transfers[0], MIB));
    assert_false(take(&transfers[1], MIB));
    assert_true(transfers[1].place.waiting);
    assert_true(take(&transfers[0], 20 * MIB));
    room_turn(&places);
    assert_true(transfers[1].place.waiting);
    leave(&transfers[0]);
    room_turn(&places);
    assert_false(transfers[1].place.waiting);
    assert_true(take(&transfers[1], MIB));
    leave(&transfers[1]);
    assert_int_equal(all.held_bytes, 0);
}

static void the_one_paused_longest_goes_on_first(void **state)
{
    (void) state;
    assert_true(take(&transfers[0], 2 * MIB));
    assert_false(take(&transfers[2], MIB));
    assert_false(take(&transfers[1], MIB));
    leave(&transfers[0]);
    room_turn(&places);  // a MiB of room lets one go on
    assert_false(transfers[2].place.waiting);
    assert_true(transfers[1].place.waiting);
    leave(&transfers[1]);
    assert_null(places.waiting);
}

static void outcomes_that_wait_for_the_server_take_room_too(void **state)
{
    (void) state;
    source.outbox.bytes = 2 * MIB;
    assert_false(take(&transfers[0], MIB));
    room_turn(&places);
    assert_true(transfers[0].place.waiting);
    source.outbox.bytes = 0;
    room_turn(&places);
    assert_false(transfers[0].place.waiting);
    leave(&transfers[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_host_has_so_many_transfers_and_the_others_go_in_turn, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(hosts_schemes_and_ports_are_counted_apart, set_up, tear_down),
    cmocka_unit_test_setup_teardown(one_that_stops_waiting_lets_nobody_in, set_up, tear_down),
    cmocka_unit_test_setup_teardown(without_a_limit_nobody_waits, set_up, tear_down),
    cmocka_unit_test_setup_teardown(the_first_groups_are_filled_first, set_up, tear_down),
    cmocka_unit_test_setup_teardown(transfers_to_many_hosts_are_spread_too, set_up, tear_down),
    cmocka_unit_test_setup_teardown(who_has_waited_comes_into_the_group_of_the_one_that_left,
                                    set_up, tear_down),
    cmocka_unit_test_setup_teardown(small_responses_never_wait, set_up, tear_down),
    cmocka_unit_test_setup_teardown(beyond_the_cap_one_goes_on_and_the_others_pause, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(the_one_paused_longest_goes_on_first, set_up, tear_down),
    cmocka_unit_test_setup_teardown(outcomes_that_wait_for_the_server_take_room_too, set_up,
                                    tear_down),
};

UNIT_TEST_MAIN(tests)
