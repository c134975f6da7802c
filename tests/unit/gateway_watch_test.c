// gateway_watch - connections that hold a place for nothing, over real sockets.
#include "gateway/watch.h"
#include "unit/gateway_peers.h"
#include "unit/unit_test.h"

#include "base/clock.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#define PLACES     8
#define PATIENCE_S 60

typedef struct connection {
    peer_pair ends;
    watch_place *place;
} connection;

static struct {
    watch *watch;
    int listener;
    connection all[PLACES];
} rig;

static int start(void **state)
{
    (void) state;
    rig.listener = peers_listen();
    assert_null(watch_start(PLACES, &rig.watch));
    for (size_t i = 0; i < PLACES; i++) {
        rig.all[i] = (connection){{-1, -1, 0}, watch_join(rig.watch)};
        assert_non_null(rig.all[i].place);
    }
    assert_null(watch_join(rig.watch));
    watch_listens(rig.watch, peers_port(rig.listener));
    return 0;
}

static int stop(void **state)
{
    (void) state;
    watch_stop(rig.watch);
    for (size_t i = 0; i < PLACES; i++) {
        peers_close(&rig.all[i].ends);
    }
    close(rig.listener);
    return 0;
}

static void come(connection *c)
{
    c->ends = peers_connect(rig.listener);
}

static void open_all(void)
{
    for (size_t i = 0; i < PLACES; i++) {
        come(&rig.all[i]);
    }
    for (size_t i = 0; i < PLACES; i++) {
        watch_opened(rig.watch, rig.all[i].place, rig.all[i].ends.peer);
    }
}

static bool is_cut(const connection *c)
{
    struct pollfd asked = {.fd = c->ends.server, .events = POLLRDHUP};
    return poll(&asked, 1, 0) == 1 && (asked.revents & POLLRDHUP) != 0;
}

static size_t count_cut(void)
{
    size_t count = 0;
    for (size_t i = 0; i < PLACES; i++) {
        count += is_cut(&rig.all[i]);
    }
    return count;
}

static void wait_for_cuts(size_t wanted)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    int64_t end_us = clock_mono_us(clock_system()) + PATIENCE_S * INT64_C(1000000);
    while (count_cut() < wanted && clock_mono_us(clock_system()) < end_us) {
        nanosleep(&pause, NULL);
    }
    assert_true(count_cut() >= wanted);
}

// ---- tests ----

static void idle_connections_are_cut_when_places_run_out(void **state)
{
    (void) state;
    open_all();
    assert_true(watch_is_crowded(rig.watch));
    wait_for_cuts(PLACES / 2);
}

// The first two have said nothing for longest.
static void a_request_at_work_and_bytes_that_wait_are_not_idle(void **state)
{
    (void) state;
    const connection *busy = &rig.all[0], *waiting = &rig.all[1];
    for (size_t i = 0; i < PLACES; i++) {
        come(&rig.all[i]);
    }
    assert_int_equal(send(waiting->ends.client, "G", 1, 0), 1);
    watch_busy(rig.watch, busy->place, busy->ends.peer);
    for (size_t i = 0; i < PLACES; i++) {
        if (i != 0) {
            watch_opened(rig.watch, rig.all[i].place, rig.all[i].ends.peer);
        }
    }
    wait_for_cuts(PLACES / 2);
    assert_false(is_cut(waiting));
    assert_false(is_cut(busy));
    watch_idle(rig.watch, busy->place);
}

static void what_is_late_is_cut_and_told(void **state)
{
    (void) state;
    const connection *late = &rig.all[0];
    come(&rig.all[0]);
    watch_opened(rig.watch, late->place, late->ends.peer);
    assert_false(watch_is_crowded(rig.watch));
    watch_busy(rig.watch, late->place, late->ends.peer);
    watch_set_deadline(late->place, WATCH_READING, clock_mono_us(clock_system()));
    wait_for_cuts(1);
    assert_true(watch_was_late(late->place));
    watch_idle(rig.watch, late->place);
}

static void all_but_those_at_work_go_when_it_quiesces(void **state)
{
    (void) state;
    const connection *busy = &rig.all[PLACES - 1];
    open_all();
    watch_busy(rig.watch, busy->place, busy->ends.peer);
    watch_quiesce(rig.watch);
    assert_int_equal(count_cut(), PLACES - 1);
    assert_false(is_cut(busy));
    watch_idle(rig.watch, busy->place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(idle_connections_are_cut_when_places_run_out, start, stop),
    cmocka_unit_test_setup_teardown(a_request_at_work_and_bytes_that_wait_are_not_idle, start,
                                    stop),
    cmocka_unit_test_setup_teardown(what_is_late_is_cut_and_told, start, stop),
    cmocka_unit_test_setup_teardown(all_but_those_at_work_go_when_it_quiesces, start, stop),
};

UNIT_TEST_MAIN(tests)
