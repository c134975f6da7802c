// departures - clients that go while their requests wait at the server.
//
// A place, from departures_enter to departures_leave, which may come at any time:
//
//    NEW --> SOUGHT --> WATCHED --> TOLD --> GONE
//     |         `-----> LOST          runs `gone`
//     `----------------> WATCHED  its thread's connection was found before
#include "gateway/departures.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#define MOMENT_US   100000  // who waits longer is worth a look at all open files
#define LOOK_SHARE  20      // looking takes one part in so many of the time at most
#define MOST_EVENTS 64

struct departures {
    pthread_t thread;
    int epoll, bell;  // the bell wakes the thread
    atomic_int port;
    pthread_mutex_t lock;  // of what follows, and of all places
    pthread_cond_t told;   // a `gone` has returned
    bool stopping;
    bool asleep;             // the thread waits for the bell, or for a client to go
    departure_place *fresh;  // NEW and SOUGHT, in order of arrival
    departure_place **by_fd;
    size_t fd_count;
    int64_t rest_until_us;  // the thread's own: no look before
};

static void ring(const departures *d)
{
    const uint64_t one = 1;
    while (write(d->bell, &one, sizeof one) < 0 && errno == EINTR) {
        // It is nearly always taken at once.
    }
}

// ---- those whose sockets are known ----

static bool grow(departures *d, size_t count)
{
    if (count <= d->fd_count) {
        return true;
    }
    size_t room = count < 1024 ? 1024 : count * 2;
    departure_place **by_fd = realloc(d->by_fd, room * sizeof(departure_place *));
    if (by_fd == NULL) {
        return false;
    }
    for (size_t i = d->fd_count; i < room; i++) {
        by_fd[i] = NULL;
    }
    d->by_fd = by_fd;
    d->fd_count = room;
    return true;
}

static void watch_fd(departures *d, departure_place *place)
{
    struct epoll_event event = {.events = EPOLLRDHUP, .data.fd = place->fd};
    place->state = DEPARTURE_LOST;
    if (grow(d, (size_t) place->fd + 1) &&
        epoll_ctl(d->epoll, EPOLL_CTL_ADD, place->fd, &event) == 0) {
        d->by_fd[place->fd] = place;
        place->state = DEPARTURE_WATCHED;
    }
}

static void unwatch_fd(departures *d, departure_place *place)
{
    (void) epoll_ctl(d->epoll, EPOLL_CTL_DEL, place->fd, NULL);
    d->by_fd[place->fd] = NULL;
}

// ---- what the threads of requests do ----

bool departures_knows(const departure_place *place, socket_peer peer)
{
    return place->found && place->peer == peer && sockets_is_peer(place->fd, peer);
}

void departures_enter(departures *d, departure_place *place, socket_peer peer, departure_fn *gone,
                      void *data)
{
    place->found = departures_knows(place, peer);
    place->peer = peer;
    place->gone = gone;
    place->data = data;
    (void) pthread_mutex_lock(&d->lock);
    if (place->found) {
        watch_fd(d, place);
    } else {
        place->state = DEPARTURE_NEW;
        place->since_us = clock_mono_us(clock_system());
        DL_APPEND(d->fresh, place);
        if (d->asleep) {
            d->asleep = false;
            ring(d);
        }
    }
    (void) pthread_mutex_unlock(&d->lock);
}

bool departures_leave(departures *d, departure_place *place)
{
    (void) pthread_mutex_lock(&d->lock);
    while (place->state == DEPARTURE_TOLD) {
        (void) pthread_cond_wait(&d->told, &d->lock);
    }
    bool gone = place->state == DEPARTURE_GONE;
    if (place->state == DEPARTURE_WATCHED) {
        unwatch_fd(d, place);
    } else if (place->state == DEPARTURE_NEW || place->state == DEPARTURE_SOUGHT) {
        DL_DELETE(d->fresh, place);
    }
    place->state = DEPARTURE_NONE;
    (void) pthread_mutex_unlock(&d->lock);
    return gone;
}

// ---- looking sockets up ----

static int compare_peers(const void *a, const void *b)
{
    const socket_info *left = a;
    const socket_info *right = b;
    return (left->peer > right->peer) - (left->peer < right->peer);
}

// The connections of those that are sought now are open at least until they leave.
static void mark_sought(departures *d)
{
    departure_place *place;
    (void) pthread_mutex_lock(&d->lock);
    DL_FOREACH(d->fresh, place)
    {
        place->state = DEPARTURE_SOUGHT;
    }
    (void) pthread_mutex_unlock(&d->lock);
}

static void take_found(departures *d, const socket_info *sockets, size_t count)
{
    departure_place *place, *next;
    (void) pthread_mutex_lock(&d->lock);
    DL_FOREACH_SAFE(d->fresh, place, next)
    {
        if (place->state != DEPARTURE_SOUGHT) {
            continue;  // it came meanwhile
        }
        const socket_info wanted = {.peer = place->peer};
        const socket_info *found =
            count > 0 ? bsearch(&wanted, sockets, count, sizeof *sockets, compare_peers) : NULL;
        DL_DELETE(d->fresh, place);
        place->state = DEPARTURE_LOST;
        if (found != NULL) {
            place->fd = found->fd;
            place->found = true;
            watch_fd(d, place);
        }
    }
    (void) pthread_mutex_unlock(&d->lock);
}

static void look(departures *d)
{
    socket_info *sockets = NULL;
    size_t count = 0;
    int64_t start_us = clock_mono_us(clock_system());
    mark_sought(d);
    (void) sockets_list(atomic_load(&d->port), &sockets, &count);
    if (count > 0) {
        qsort(sockets, count, sizeof *sockets, compare_peers);
    }
    take_found(d, sockets, count);
    free(sockets);
    int64_t now_us = clock_mono_us(clock_system());
    d->rest_until_us = now_us + (now_us - start_us) * LOOK_SHARE;
}

// ---- the thread ----

static bool has_closed(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};
    return poll(&state, 1, 0) > 0;
}

// What was told of a file may be about an earlier connection that had its number.
static void take_event(departures *d, int fd)
{
    (void) pthread_mutex_lock(&d->lock);
    departure_place *place = d->by_fd[fd];
    if (place != NULL && has_closed(fd)) {
        unwatch_fd(d, place);
        place->state = DEPARTURE_TOLD;
        (void) pthread_mutex_unlock(&d->lock);
        place->gone(place->data);
        (void) pthread_mutex_lock(&d->lock);
        place->state = DEPARTURE_GONE;
        (void) pthread_cond_broadcast(&d->told);
    }
    (void) pthread_mutex_unlock(&d->lock);
}

static void take_bell(const departures *d)
{
    uint64_t count;
    while (read(d->bell, &count, sizeof count) < 0 && errno == EINTR) {
        // Once more.
    }
}

// When to look: INT64_MAX when there is nobody to look for.
static int64_t next_look(departures *d, bool *ret_stopping)
{
    (void) pthread_mutex_lock(&d->lock);
    int64_t next = d->fresh != NULL ? d->fresh->since_us + MOMENT_US : INT64_MAX;
    d->asleep = d->fresh == NULL;
    *ret_stopping = d->stopping;
    (void) pthread_mutex_unlock(&d->lock);
    return next != INT64_MAX && next < d->rest_until_us ? d->rest_until_us : next;
}

static int wait_ms(int64_t until_us)
{
    if (until_us == INT64_MAX) {
        return -1;
    }
    int64_t left_us = until_us - clock_mono_us(clock_system());
    return left_us > 0 ? (int) (left_us / 1000) + 1 : 0;
}

static void *run(void *data)
{
    departures *d = data;
    struct epoll_event events[MOST_EVENTS];
    bool stopping = false;
    int64_t next_us = next_look(d, &stopping);
    while (!stopping) {
        int count = epoll_wait(d->epoll, events, MOST_EVENTS, wait_ms(next_us));
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == d->bell) {
                take_bell(d);
            } else {
                take_event(d, events[i].data.fd);
            }
        }
        next_us = next_look(d, &stopping);
        if (!stopping && next_us <= clock_mono_us(clock_system())) {
            look(d);
            next_us = next_look(d, &stopping);
        }
    }
    return NULL;
}

// ---- start and stop ----

static void fini(departures *d)
{
    if (d->epoll >= 0) {
        (void) close(d->epoll);
    }
    if (d->bell >= 0) {
        (void) close(d->bell);
    }
    (void) pthread_cond_destroy(&d->told);
    (void) pthread_mutex_destroy(&d->lock);
    free(d->by_fd);
    free(d);
}

static int start_thread(departures *d)
{
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    d->bell = eventfd(0, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = d->bell};
    if (d->epoll < 0 || d->bell < 0 || epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->bell, &event) != 0) {
        return errno;
    }
    return pthread_create(&d->thread, NULL, run, d);
}

status *departures_start(departures **ret)
{
    departures *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void) pthread_mutex_init(&d->lock, NULL);
    (void) pthread_cond_init(&d->told, NULL);
    int error = start_thread(d);
    if (error != 0) {
        fini(d);
        return status_errno(error, "watching clients that wait");
    }
    *ret = d;
    return NULL;
}

void departures_listens(departures *d, int port)
{
    atomic_store(&d->port, port);
}

void departures_stop(departures *d)
{
    if (d == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&d->lock);
    d->stopping = true;
    ring(d);
    (void) pthread_mutex_unlock(&d->lock);
    (void) pthread_join(d->thread, NULL);
    fini(d);
}
