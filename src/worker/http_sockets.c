// http_sockets - watches the sockets of curl's multi handles on a libuv loop.
//
//                 watch              event              event, still wanted
//   not watched ────────> armed ONCE ─────> not watched ───────────────────> armed STEADILY
//        ^                   │ ^              │    ^                              │    │
//        └── not wanted ─────┘ └──── watch ───┘    └───────── not wanted ─────────┘    │
//                              └──────────────────── watch ────────────────────────────┘
//
// One answer mostly comes with one event; only a transfer that goes on is worth watching steadily.
// What was armed once and is not wanted any more is left as it is: its event is not heard. curl
// closes some sockets without a word, and the system forgets those: so what is known of a
// descriptor is but a guess.
#include "worker/http_sockets.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64

typedef enum arming { ARMED_NOT, ARMED_ONCE, ARMED_STEADILY } arming;

typedef struct watched {
    void *owner;
    uint32_t wanted;  // EPOLLIN, EPOLLOUT; 0: nothing
    uint32_t turn;    // of the latest wish; what came for an earlier one is not heard
    arming state;
    bool known;  // to the system, as far as we know
} watched;

struct http_sockets {
    uv_loop_t *loop;
    http_ready_fn *ready;
    int epoll;      // -1: not yet
    bool has_poll;  // on the loop
    bool is_open;   // all of it is there
    uv_poll_t poll;
    watched *all;  // by descriptor
    size_t count;
    curl_socket_t current;  // whose event is being told; CURL_SOCKET_BAD: none
    bool asked;             // curl has said meanwhile what it wants of that one
};

// ---- the system ----

static bool arm(http_sockets *s, curl_socket_t fd, arming state)
{
    watched *w = &s->all[fd];
    struct epoll_event event = {
        .events = w->wanted | (state == ARMED_ONCE ? (uint32_t) EPOLLONESHOT : 0),
        .data.u64 = (uint64_t) w->turn << 32 | (uint32_t) fd,
    };
    int failed = epoll_ctl(s->epoll, w->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    if (failed != 0 && errno == (w->known ? ENOENT : EEXIST)) {
        failed = epoll_ctl(s->epoll, w->known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
    }
    w->known = failed == 0;
    w->state = failed == 0 ? state : ARMED_NOT;
    return failed == 0;
}

static void disarm(http_sockets *s, curl_socket_t fd)
{
    watched *w = &s->all[fd];
    if (w->state == ARMED_STEADILY) {
        (void) epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
        w->known = false;
    }
    w->state = ARMED_NOT;
}

// ---- events ----

// Of what is broken all that is wanted is ready: curl finds out why.
static int flags_of(const watched *w, uint32_t events)
{
    uint32_t ready = (events & (EPOLLERR | EPOLLHUP)) != 0 ? w->wanted : events;
    return ((ready & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
           ((ready & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
}

// What curl says of this socket meanwhile is carried out afterwards: mostly it lets go of it.
static void tell(http_sockets *s, curl_socket_t fd, uint32_t events)
{
    watched *w = &s->all[fd];
    if (w->state == ARMED_ONCE) {
        w->state = ARMED_NOT;
    }
    s->current = fd;
    s->asked = false;
    s->ready(w->owner, fd, flags_of(w, events));
    s->current = CURL_SOCKET_BAD;
    w = &s->all[fd];  // it may have moved
    if (w->wanted != 0 && w->state == ARMED_NOT &&
        !arm(s, fd, s->asked ? ARMED_ONCE : ARMED_STEADILY)) {
        s->ready(w->owner, fd, CURL_CSELECT_ERR);
    }
}

static void on_events(uv_poll_t *poll, int failed, int ready)
{
    (void) failed;
    (void) ready;
    http_sockets *s = (http_sockets *) poll->data;
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(s->epoll, events, EVENTS_AT_ONCE, 0);
    for (int i = 0; i < count; i++) {
        curl_socket_t fd = (curl_socket_t) (events[i].data.u64 & UINT32_MAX);
        if (s->all[fd].turn == (uint32_t) (events[i].data.u64 >> 32)) {
            tell(s, fd, events[i].events);
        }
    }
}

// ---- what curl wants ----

static bool reserve(http_sockets *s, size_t count)
{
    if (count <= s->count) {
        return true;
    }
    size_t wanted = count * 2;
    watched *all = realloc(s->all, wanted * sizeof *all);
    if (all == NULL) {
        return false;
    }
    for (size_t i = s->count; i < wanted; i++) {
        all[i] = (watched){0};
    }
    s->all = all;
    s->count = wanted;
    return true;
}

// What can not be had is tried again with the next socket.
static bool set_up(http_sockets *s)
{
    if (s->epoll < 0 && (s->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) {
        return false;
    }
    if (!s->has_poll && uv_poll_init(s->loop, &s->poll, s->epoll) != 0) {
        return false;
    }
    s->has_poll = true;
    s->poll.data = s;
    return uv_poll_start(&s->poll, UV_READABLE, on_events) == 0;
}

static uint32_t events_of(int what)
{
    uint32_t in = what == CURL_POLL_IN || what == CURL_POLL_INOUT ? EPOLLIN : 0;
    uint32_t out = what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? EPOLLOUT : 0;
    return in | out;
}

bool http_sockets_watch(http_sockets *s, curl_socket_t fd, int what, void *owner)
{
    s->is_open = s->is_open || set_up(s);
    if (fd < 0 || !s->is_open || !reserve(s, (size_t) fd + 1)) {
        return false;
    }
    watched *w = &s->all[fd];
    w->owner = owner;
    w->turn++;
    w->wanted = events_of(what);
    disarm(s, fd);
    s->asked = s->asked || fd == s->current;
    return w->wanted == 0 || fd == s->current || arm(s, fd, ARMED_ONCE);
}

// ---- life ----

status *http_sockets_open(uv_loop_t *loop, http_ready_fn *ready, http_sockets **ret)
{
    http_sockets *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    *s = (http_sockets){.loop = loop, .ready = ready, .epoll = -1, .current = CURL_SOCKET_BAD};
    *ret = s;
    return NULL;
}

void http_sockets_close(http_sockets *s)
{
    if (s == NULL) {
        return;
    }
    if (s->epoll >= 0) {
        (void) close(s->epoll);
    }
    free(s->all);
    free(s);
}
