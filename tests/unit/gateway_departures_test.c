// gateway_departures - clients that go while their requests wait, over real connections.
#include "gateway/departures.h"
#include "unit/unit_test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 30

static struct {
    departures *departures;
    int listener, port;
    sem_t told;
} rig;

typedef struct connection {
    int client, server;
    socket_peer peer;  // the client, as the server sees it
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
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rig.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(rig.listener, (struct sockaddr *) &address, size), 0);
    assert_int_equal(listen(rig.listener, 512), 0);
    assert_int_equal(getsockname(rig.listener, (struct sockaddr *) &address, &size), 0);
    rig.port = ntohs(address.sin_port);
    sem_init(&rig.told, 0, 0);
    assert_null(departures_start(&rig.departures));
    departures_listens(rig.departures, rig.port);
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
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t) rig.port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(c->client, (struct sockaddr *) &address, size), 0);
    c->server = accept(rig.listener, (struct sockaddr *) &address, &size);
    assert_true(c->server >= 0);
    c->peer = socket_peer_of(address.sin_addr.s_addr, address.sin_port);
}

static void end(connection *c)
{
    close(c->client);
    close(c->server);
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
    departures_enter(rig.departures, &c->place, c->peer, on_gone, gone);
}

static bool leave(connection *c)
{
    return departures_leave(rig.departures, &c->place);
}

// ---- one client ----

static void a_client_that_closes_is_told_once(void **state)
{
    (void) state;
    connection c = {.client = -1};
    atomic_int gone = 0;
    come(&c);
    enter(&c, &gone);
    close(c.client);
    await_told();
    assert_true(leave(&c));
    assert_int_equal(atomic_load(&gone), 1);
    close(c.server);
}

static void a_client_that_will_send_no_more_has_gone(void **state)
{
    (void) state;
    connection c = {.client = -1};
    atomic_int gone = 0;
    come(&c);
    enter(&c, &gone);
    shutdown(c.client, SHUT_WR);
    await_told();
    assert_true(leave(&c));
    end(&c);
}

static void a_client_that_went_before_is_told_too(void **state)
{
    (void) state;
    connection c = {.client = -1};
    atomic_int gone = 0;
    come(&c);
    close(c.client);
    for (int i = 0; i < 2; i++) {  // the second time its socket is known
        enter(&c, &gone);
        await_told();
        assert_true(leave(&c));
    }
    assert_int_equal(atomic_load(&gone), 2);
    close(c.server);
}

static void a_client_that_stays_is_not_told(void **state)
{
    (void) state;
    connection c = {.client = -1}, other = {.client = -1};
    atomic_int gone = 0, other_gone = 0;
    come(&c);
    come(&other);
    assert_int_equal(send(c.client, "more", 4, 0), 4);
    enter(&c, &gone);
    enter(&other, &other_gone);
    close(other.client);
    await_told();
    assert_false(leave(&c));
    assert_true(leave(&other));
    assert_int_equal(atomic_load(&gone), 0);
    end(&c);
    close(other.server);
}

static void what_was_left_is_not_told(void **state)
{
    (void) state;
    connection c = {.client = -1}, next = {.client = -1};
    atomic_int gone = 0, next_gone = 0;
    come(&c);
    enter(&c, &gone);
    assert_false(leave(&c));
    end(&c);
    // The place is used again, for a connection whose file has the same number.
    come(&next);
    next.place = c.place;
    enter(&next, &next_gone);
    close(next.client);
    await_told();
    assert_true(leave(&next));
    assert_int_equal(atomic_load(&gone), 0);
    assert_int_equal(atomic_load(&next_gone), 1);
    close(next.server);
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
    connection c = {.client = -1};
    atomic_int gone = 0;
    come(&c);
    departures_enter(rig.departures, &c.place, c.peer, slow_gone, &gone);
    close(c.client);
    await_told();
    assert_true(leave(&c));
    assert_int_equal(atomic_load(&gone), 1);
    close(c.server);
}

// ---- many ----

enum { THREADS = 8, TURNS = 60 };

static void *come_and_go(void *data)
{
    unsigned seed = (unsigned) (uintptr_t) data;
    departure_place place = {DEPARTURE_NONE};
    for (int i = 0; i < TURNS; i++) {
        connection c = {.client = -1};
        static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
        atomic_int gone = 0;
        pthread_mutex_lock(&one);  // so that client and server belong together
        come(&c);
        pthread_mutex_unlock(&one);
        bool goes = rand_r(&seed) % 2 == 0;
        departures_enter(rig.departures, &place, c.peer, on_gone, &gone);
        if (goes) {
            close(c.client);
        }
        for (int k = 0; goes && i % 4 == 0 && k < PATIENCE_S * 1000 && !atomic_load(&gone); k++) {
            sleep_ms(1);
        }
        bool told = departures_leave(rig.departures, &place);
        assert_true(!told || goes);
        assert_true(told || !goes || i % 4 != 0);
        assert_int_equal(atomic_load(&gone), told);
        if (!goes) {
            close(c.client);
        }
        close(c.server);
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
