// watch - cuts connections that hold a thread of civetweb for nothing.
#include "gateway/watch.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define RESERVE_SHARE 32  // one place in so many is kept for those who come next
#define RESERVE_MIN   2
#define ROUND_MS      1000
#define CROWDED_MS    200  // of a round
#define MIN_IDLE_MS   100  // one that has just come is not idle yet

struct watch_place {
    pthread_mutex_t lock;
    bool busy;
    bool was_late;
    watch_deed deed;      // of the deadline
    int64_t deadline_us;  // 0: none
    socket_peer peer;     // 0: not known
    int64_t taken_us;     // when its connection was opened
};

struct watch {
    pthread_t thread;
    pthread_mutex_t lock;  // guards stopping; never held together with a place's lock
    pthread_cond_t wake;
    pthread_cond_t calmer;  // a request ended while somebody waits for that
    bool stopping;
    atomic_bool quiescing;
    atomic_size_t busy;  // requests at work
    atomic_int port;
    atomic_size_t open;
    atomic_size_t joined;
    size_t count;
    watch_place places[];
};

static size_t reserve_of(const watch *w)
{
    size_t share = w->count / RESERVE_SHARE;
    return share > RESERVE_MIN ? share : RESERVE_MIN;
}

bool watch_is_crowded(const watch *w)
{
    return atomic_load_explicit(&w->open, memory_order_relaxed) + reserve_of(w) > w->count;
}

void watch_listens(watch *w, int port)
{
    atomic_store(&w->port, port);
}

watch_place *watch_join(watch *w)
{
    size_t index = atomic_fetch_add(&w->joined, 1);
    return index < w->count ? &w->places[index] : NULL;
}

void watch_opened(watch *w, watch_place *place, socket_peer peer)
{
    (void) pthread_mutex_lock(&place->lock);
    place->peer = peer;
    place->taken_us = clock_mono_us(clock_system());
    (void) pthread_mutex_unlock(&place->lock);
    (void) atomic_fetch_add(&w->open, 1);
    if (watch_is_crowded(w)) {
        (void) pthread_cond_signal(&w->wake);
    }
}

void watch_closed(watch *w)
{
    (void) atomic_fetch_sub(&w->open, 1);
}

void watch_busy(watch *w, watch_place *place, socket_peer peer)
{
    (void) atomic_fetch_add(&w->busy, 1);
    (void) pthread_mutex_lock(&place->lock);
    place->busy = true;
    place->was_late = false;
    place->peer = peer;
    (void) pthread_mutex_unlock(&place->lock);
}

void watch_idle(watch *w, watch_place *place)
{
    (void) pthread_mutex_lock(&place->lock);
    place->busy = false;
    place->deadline_us = 0;
    (void) pthread_mutex_unlock(&place->lock);
    (void) atomic_fetch_sub(&w->busy, 1);
    if (atomic_load(&w->quiescing)) {
        (void) pthread_mutex_lock(&w->lock);
        (void) pthread_cond_signal(&w->calmer);
        (void) pthread_mutex_unlock(&w->lock);
    }
}

static struct timespec time_after_ms(int64_t ms)
{
    struct timespec until;
    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

void watch_wait(watch *w, size_t most, int64_t timeout_ms)
{
    const struct timespec until = time_after_ms(timeout_ms);
    int error = 0;
    (void) pthread_mutex_lock(&w->lock);
    while (atomic_load(&w->busy) > most && error == 0) {
        error = pthread_cond_timedwait(&w->calmer, &w->lock, &until);
    }
    (void) pthread_mutex_unlock(&w->lock);
}

void watch_set_deadline(watch_place *place, watch_deed deed, int64_t deadline_us)
{
    (void) pthread_mutex_lock(&place->lock);
    place->deed = deed;
    place->deadline_us = deadline_us;
    (void) pthread_mutex_unlock(&place->lock);
}

bool watch_was_late(watch_place *place)
{
    (void) pthread_mutex_lock(&place->lock);
    bool was_late = place->was_late;
    (void) pthread_mutex_unlock(&place->lock);
    return was_late;
}

// ---- those past their deadline ----

static void cut_peer(const watch *w, socket_peer peer, watch_deed deed)
{
    socket_info *sockets = NULL;
    size_t count = 0;
    (void) sockets_list(atomic_load(&w->port), &sockets, &count);
    for (size_t i = 0; i < count; i++) {
        if (sockets[i].peer == peer) {
            sockets_cut(&sockets[i], deed == WATCH_WRITING);
        }
    }
    free(sockets);
}

static void cut_late(watch *w)
{
    int64_t now_us = clock_mono_us(clock_system());
    for (size_t i = 0; i < w->count; i++) {
        watch_place *place = &w->places[i];
        (void) pthread_mutex_lock(&place->lock);
        if (place->deadline_us != 0 && place->deadline_us <= now_us) {
            // Under the lock, so that the place's thread can not go on to another connection.
            place->was_late = true;
            place->deadline_us = 0;
            cut_peer(w, place->peer, place->deed);
        }
        (void) pthread_mutex_unlock(&place->lock);
    }
}

// ---- idle ones ----

static int compare_peers(const void *a, const void *b)
{
    const socket_peer *left = a;
    const socket_peer *right = b;
    return (*left > *right) - (*left < *right);
}

static int compare_idle(const void *a, const void *b)
{
    const socket_info *left = a;
    const socket_info *right = b;
    return (left->idle_ms < right->idle_ms) - (left->idle_ms > right->idle_ms);
}

// The peers whose requests are at work, or that were taken less than so long ago, in order.
static size_t list_busy(watch *w, uint32_t min_idle_ms, socket_peer *peers)
{
    int64_t fresh_us = clock_mono_us(clock_system()) - (int64_t) min_idle_ms * 1000;
    size_t count = 0;
    for (size_t i = 0; i < w->count; i++) {
        watch_place *place = &w->places[i];
        (void) pthread_mutex_lock(&place->lock);
        if (place->busy || place->taken_us > fresh_us) {
            peers[count++] = place->peer;
        }
        (void) pthread_mutex_unlock(&place->lock);
    }
    qsort(peers, count, sizeof *peers, compare_peers);
    return count;
}

// Cuts so many that `keep` connections stay, if enough are idle for that long. What has come
// already can still be read after a cut.
static void cut_longest_idle(watch *w, size_t keep, uint32_t min_idle_ms)
{
    socket_info *sockets = NULL;
    size_t count = 0;
    socket_peer *busy = calloc(w->count, sizeof *busy);
    if (busy != NULL && sockets_list(atomic_load(&w->port), &sockets, &count)) {
        size_t busy_count = list_busy(w, min_idle_ms, busy);
        if (count > 0) {
            qsort(sockets, count, sizeof *sockets, compare_idle);
        }
        size_t most = count > keep ? count - keep : 0;
        for (size_t i = 0; i < count && most > 0 && sockets[i].idle_ms >= min_idle_ms; i++) {
            if ((!sockets[i].has_unread || min_idle_ms == 0) &&
                bsearch(&sockets[i].peer, busy, busy_count, sizeof *busy, compare_peers) == NULL) {
                sockets_cut(&sockets[i], false);
                most--;
            }
        }
    }
    free(sockets);
    free(busy);
}

void watch_quiesce(watch *w)
{
    atomic_store(&w->quiescing, true);
    sockets_stop_listening(atomic_load(&w->port));
    cut_longest_idle(w, 0, 0);
}

// ---- the thread ----

static bool sleep_a_round(watch *w)
{
    const struct timespec until = time_after_ms(watch_is_crowded(w) ? CROWDED_MS : ROUND_MS);
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
        if (watch_is_crowded(w)) {
            cut_longest_idle(w, w->count - 2 * reserve_of(w), MIN_IDLE_MS);
        }
    }
    return NULL;
}

static int init_conditions(watch *w)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error == 0) {
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = pthread_cond_init(&w->wake, &attributes);
        if (error == 0) {
            error = pthread_cond_init(&w->calmer, &attributes);
        }
        (void) pthread_condattr_destroy(&attributes);
    }
    return error;
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
    int error = init_conditions(w);
    if (error == 0) {
        error = pthread_create(&w->thread, NULL, run, w);
    }
    if (error != 0) {
        free(w);
        return status_errno(error, "watching connections");
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
    (void) pthread_cond_destroy(&w->calmer);
    for (size_t i = 0; i < w->count; i++) {
        (void) pthread_mutex_destroy(&w->places[i].lock);
    }
    (void) pthread_mutex_destroy(&w->lock);
    free(w);
}
