// watch - cuts connections that hold a thread of civetweb for nothing.
//
// civetweb does not tell the socket of a connection, so it is found by the peer's address among the
// open files of the process. That happens only when something has to be cut, and is safe because
// the place is locked meanwhile: its thread can not leave the connection, so the socket is still
// open.
#include "gateway/watch.h"

#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define RESERVE_SHARE 32  // one place in so many is kept for those who come next
#define RESERVE_MIN   2
#define ROUND_SECONDS 1

typedef enum place_state { PLACE_FREE, PLACE_IDLE, PLACE_BUSY } place_state;

struct watch_place {
    pthread_mutex_t lock;
    place_state state;
    int64_t since_us;
    int64_t deadline_us;  // 0: none
    bool was_cut;
    in_addr_t address;  // of the peer, in network order
    in_port_t port;
};

struct watch {
    pthread_t thread;
    pthread_mutex_t lock;  // guards stopping; never held together with a place's lock
    pthread_cond_t wake;
    bool stopping;
    atomic_size_t open;
    atomic_size_t joined;
    size_t count;
    watch_place places[];
};

static int64_t now_us(void)
{
    return clock_mono_us(clock_system());
}

static size_t reserve_of(const watch *w)
{
    size_t share = w->count / RESERVE_SHARE;
    return share > RESERVE_MIN ? share : RESERVE_MIN;
}

size_t watch_open_count(const watch *w)
{
    return atomic_load_explicit(&w->open, memory_order_relaxed);
}

bool watch_is_crowded(const watch *w)
{
    return watch_open_count(w) + reserve_of(w) > w->count;
}

watch_place *watch_join(watch *w)
{
    size_t index = atomic_fetch_add(&w->joined, 1);
    return index < w->count ? &w->places[index] : NULL;
}

void watch_opened(watch *w, watch_place *place, const char *address, int port)
{
    (void) pthread_mutex_lock(&place->lock);
    place->state = PLACE_IDLE;
    place->since_us = now_us();
    place->deadline_us = 0;
    place->was_cut = false;
    place->address = inet_addr(address);
    place->port = htons((in_port_t) port);
    (void) pthread_mutex_unlock(&place->lock);
    (void) atomic_fetch_add(&w->open, 1);
    if (watch_is_crowded(w)) {
        (void) pthread_cond_signal(&w->wake);
    }
}

static void set_state(watch_place *place, place_state state)
{
    (void) pthread_mutex_lock(&place->lock);
    place->state = state;
    place->since_us = now_us();
    (void) pthread_mutex_unlock(&place->lock);
}

void watch_idle(watch_place *place)
{
    set_state(place, PLACE_IDLE);
}

void watch_busy(watch_place *place)
{
    set_state(place, PLACE_BUSY);
}

void watch_closed(watch *w, watch_place *place)
{
    set_state(place, PLACE_FREE);
    (void) atomic_fetch_sub(&w->open, 1);
}

void watch_set_deadline(watch_place *place, int64_t deadline_us)
{
    (void) pthread_mutex_lock(&place->lock);
    place->deadline_us = deadline_us;
    (void) pthread_mutex_unlock(&place->lock);
}

bool watch_was_cut(watch_place *place)
{
    (void) pthread_mutex_lock(&place->lock);
    bool was_cut = place->was_cut;
    (void) pthread_mutex_unlock(&place->lock);
    return was_cut;
}

// ---- finding and shutting sockets ----

// Whether the socket is the one: by its peer, or for a NULL place a listening one on the port.
static bool is_wanted(int fd, const watch_place *place, in_port_t listen_port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (place != NULL) {
        return getpeername(fd, (struct sockaddr *) &address, &size) == 0 &&
               address.sin_family == AF_INET && address.sin_port == place->port &&
               address.sin_addr.s_addr == place->address;
    }
    int listening = 0;
    socklen_t flag_size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &flag_size) == 0 &&
           listening != 0 && getsockname(fd, (struct sockaddr *) &address, &size) == 0 &&
           address.sin_family == AF_INET && address.sin_port == listen_port;
}

// Shuts down for reading only: an answer may still be on its way.
static void shut_socket(const watch_place *place, in_port_t listen_port)
{
    DIR *files = opendir("/proc/self/fd");
    if (files == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(files); entry != NULL; entry = readdir(files)) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);
        if (end != entry->d_name && is_wanted((int) fd, place, listen_port)) {
            (void) shutdown((int) fd, SHUT_RD);
        }
    }
    (void) closedir(files);
}

static void cut(watch_place *place)
{
    place->was_cut = true;
    place->deadline_us = 0;
    shut_socket(place, 0);
}

static void cut_late(watch *w)
{
    int64_t now = now_us();
    for (size_t i = 0; i < w->count; i++) {
        watch_place *place = &w->places[i];
        (void) pthread_mutex_lock(&place->lock);
        if (place->deadline_us != 0 && place->deadline_us <= now) {
            cut(place);
        }
        (void) pthread_mutex_unlock(&place->lock);
    }
}

// The connection that has been idle for longest; NULL when none is.
static watch_place *find_oldest_idle(watch *w)
{
    watch_place *oldest = NULL;
    int64_t oldest_us = INT64_MAX;
    for (size_t i = 0; i < w->count; i++) {
        watch_place *place = &w->places[i];
        (void) pthread_mutex_lock(&place->lock);
        if (place->state == PLACE_IDLE && !place->was_cut && place->since_us < oldest_us) {
            oldest = place;
            oldest_us = place->since_us;
        }
        (void) pthread_mutex_unlock(&place->lock);
    }
    return oldest;
}

static bool cut_if_idle(watch_place *place)
{
    (void) pthread_mutex_lock(&place->lock);
    bool idle = place->state == PLACE_IDLE && !place->was_cut;
    if (idle) {
        cut(place);
    }
    (void) pthread_mutex_unlock(&place->lock);
    return idle;
}

// Makes room for a reserve of new connections. Those cut already leave in a moment.
static void cut_crowd(watch *w)
{
    for (size_t i = reserve_of(w); i > 0 && watch_is_crowded(w); i--) {
        watch_place *place = find_oldest_idle(w);
        if (place == NULL) {
            return;
        }
        (void) cut_if_idle(place);
    }
}

void watch_cut_idle(watch *w, int port)
{
    shut_socket(NULL, htons((in_port_t) port));
    for (size_t i = 0; i < w->count; i++) {
        (void) cut_if_idle(&w->places[i]);
    }
}

// ---- the thread ----

static bool sleep_a_round(watch *w)
{
    struct timespec until;
    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ROUND_SECONDS;
    (void) pthread_mutex_lock(&w->lock);
    if (!w->stopping) {
        (void) pthread_cond_timedwait(&w->wake, &w->lock, &until);
    }
    bool go_on = !w->stopping;
    (void) pthread_mutex_unlock(&w->lock);
    return go_on;
}

static void *run(void *data)
{
    watch *w = data;
    while (sleep_a_round(w)) {
        cut_late(w);
        cut_crowd(w);
    }
    return NULL;
}

static status *init_wake(watch *w)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error == 0) {
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = pthread_cond_init(&w->wake, &attributes);
        (void) pthread_condattr_destroy(&attributes);
    }
    return error != 0 ? status_errno(error, "watching connections") : NULL;
}

status *watch_start(size_t places, watch **ret)
{
    watch *w = calloc(1, sizeof *w + places * sizeof w->places[0]);
    if (w == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    w->count = places;
    (void) pthread_mutex_init(&w->lock, NULL);
    for (size_t i = 0; i < places; i++) {
        (void) pthread_mutex_init(&w->places[i].lock, NULL);
    }
    status *failure = init_wake(w);
    int error = failure == NULL ? pthread_create(&w->thread, NULL, run, w) : 0;
    if (error != 0) {
        failure = status_errno(error, "watching connections");
    }
    if (failure != NULL) {
        free(w);
        return failure;
    }
    *ret = w;
    return NULL;
}

void watch_stop(watch *w)
{
    if (w == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void) pthread_cond_signal(&w->wake);
    (void) pthread_mutex_unlock(&w->lock);
    (void) pthread_join(w->thread, NULL);
    (void) pthread_cond_destroy(&w->wake);
    for (size_t i = 0; i < w->count; i++) {
        (void) pthread_mutex_destroy(&w->places[i].lock);
    }
    (void) pthread_mutex_destroy(&w->lock);
    free(w);
}
