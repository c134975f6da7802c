// gateway_departures - clients that go while their requests wait, over real connections.
#include "gateway/departures.h"
#include "unit/gateway_peers.h"
#include "unit/unit_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE_S 30

static struct {
    departures *departures;
    int listener;
    sem_t told;
} rig;

typedef struct connection {
    peer_pair ends;
    departure_place place;
} connection;

static void sleep_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static int start(void **state)
{
    (void) state;
    rig.listener = peers_listen();
    sem_init(&rig.told, 0, 0);
    assert_null(departures_start(&rig.departures));
    departures_listens(rig.departures, peers_port(rig.listener));
    return 0;
}

static int stop(void **state)
{
    (void) state;
    departures_stop(rig.departures);
    sem_destroy(&rig.told);
    close(rig.listener);
    return 0;
}

static void come(connection *c)
{
    c->ends = peers_connect(rig.listener);
}

static void end(connection *c)
{
    peers_close(&c->ends);
}

static void on_gone(void *data)
{
    atomic_fetch_add((atomic_int *) data, 1);
    sem_post(&rig.told);
}

static void await_told(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    assert_int_equal(sem_timedwait(&rig.told, &until), 0);
}

static void enter(connection *c, atomic_int *gone)
{
    departures_enter(rig.departures, &c->place, c->ends.peer, on_gone, gone);
}

static bool leave(connection *c)
{
    return departures_leave(rig.departures, &c->place);
}

// ---- one client ----

static void a_client_that_closes_is_told_once(void **state)
{
    (void) state;
    connection c = {.ends = {-1, -1, 0}};
    atomic_int gone = 0;
    come(&c);
    enter(&c, &gone);
    close(c.ends.client);
    await_told();
    assert_true(leave(&c));
    assert_int_equal(atomic_load(&gone), 1);
    close(c.ends.server);
}

static void a_client_that_will_send_no_more_has_gone(void **state)
{
    (void) state;
    connection c = {.ends = {-1, -1, 0}};
    atomic_int gone = 0;
    come(&c);
    enter(&c, &gone);
    shutdown(c.ends.client, SHUT_WR);
    await_told();
    assert_true(leave(&c));
    end(&c);
}

static void a_client_that_went_before_is_told_too(void **state)
{
    (void) state;
    connection c = {.ends = {-1, -1, 0}};
    atomic_int gone = 0;
    come(&c);
    close(c.ends.client);
    for (int i = 0; i < 2; i++) {  // the second time its socket is known
        enter(&c, &gone);
        await_told();
        assert_true(leave(&c));
    }
    assert_int_equal(atomic_load(&gone), 2);
    close(c.ends.server);
}

static void a_client_that_stays_is_not_told(void **state)
{
    (void) state;
    connection c = {.ends = {-1, -1, 0}}, other = {.ends = {-1, -1, 0}};
    atomic_int gone = 0, other_gone = 0;
    come(&c);
    come(&other);
    assert_int_equal(send(c.ends.client, "more", 4, 0), 4);
    enter(&c, &gone);
    enter(&other, &other_gone);
    close(other.ends.client);
    await_told();
    assert_false(leave(&c));
    assert_true(leave(&other));
    assert_int_equal(atomic_load(&gone), 0);
    end(&c);
    close(other.ends.server);
}

static void what_was_left_is_not_told(void **state)
{
    (void) state;
    connection c = {.ends = {-1, -1, 0}}, next = {.ends = {-1, -1, 0}};
    atomic_int gone = 0, next_gone = 0;
    come(&c);
    enter(&c, &gone);
    assert_false(leave(&c));
    end(&c);
    // The place is used again, for a connection whose file has the same number.
    come(&next);
    next.place = c.place;
    enter(&next, &next_gone);
    close(next.ends.client);
    await_told();
    assert_true(leave(&next));
    assert_int_equal(atomic_load(&gone), 0);
    assert_int_equal(atomic_load(&next_gone), 1);
    close(next.ends.server);
}

// ---- leaving while it is told ----

static void slow_gone(void *data)
{
    sem_post(&rig.told);
    sleep_ms(20);
    atomic_store((atomic_int *) data, 1);
}

static void leaving_waits_for_what_is_being_told(void **state)
{
    (void) state;
    connection c = {.ends = {-1, -1, 0}};
    atomic_int gone = 0;
    come(&c);
    departures_enter(rig.departures, &c.place, c.ends.peer, slow_gone, &gone);
    close(c.ends.client);
    await_told();
    assert_true(leave(&c));
    assert_int_equal(atomic_load(&gone), 1);
    close(c.ends.server);
}

// ---- many ----

enum { THREADS = 8, TURNS = 60 };

static void *come_and_go(void *data)
{
    unsigned seed = (unsigned) (uintptr_t) data;
    departure_place place = {DEPARTURE_NONE};
    for (int i = 0; i < TURNS; i++) {
        connection c = {.ends = {-1, -1, 0}};
        static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
        atomic_int gone = 0;
        pthread_mutex_lock(&one);  // so that client and server belong together
        come(&c);
        pthread_mutex_unlock(&one);
        bool goes = rand_r(&seed) % 2 == 0;
        departures_enter(rig.departures, &place, c.ends.peer, on_gone, &gone);
        if (goes) {
            close(c.ends.client);
        }
        for (int k = 0; goes && i % 4 == 0 && k < PATIENCE_S * 1000 && !atomic_load(&gone); k++) {
            sleep_ms(1);
        }
        bool told = departures_leave(rig.departures, &place);
        assert_true(!told || goes);
        assert_true(told || !goes || i % 4 != 0);
        assert_int_equal(atomic_load(&gone), told);
        if (!goes) {
            close(c.ends.client);
        }
        close(c.ends.server);
    }
    return NULL;
}

static void each_is_told_of_its_own_client(void **state)
{
    (void) state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *) (i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_client_that_closes_is_told_once, start, stop),
    cmocka_unit_test_setup_teardown(a_client_that_will_send_no_more_has_gone, start, stop),
    cmocka_unit_test_setup_teardown(a_client_that_went_before_is_told_too, start, stop),
    cmocka_unit_test_setup_teardown(a_client_that_stays_is_not_told, start, stop),
    cmocka_unit_test_setup_teardown(what_was_left_is_not_told, start, stop),
    cmocka_unit_test_setup_teardown(leaving_waits_for_what_is_being_told, start, stop),
    cmocka_unit_test_setup_teardown(each_is_told_of_its_own_client, start, stop),
};

UNIT_TEST_MAIN(tests)
