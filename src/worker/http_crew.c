// http_crew - threads that make transfers: all but those of the first group of an http_loop.
//
// What goes to and fro, all of it notes that are part of the transfer:
//
//   home ── BEGIN ──> thread ── ENDED ──> home: over
//     │                 ├─── PROGRESSED ──> home
//     │                 ├─── ASKED ───────> home ── GRANTED ──> thread
//     └─── CANCEL ──> thread ── RELEASED ─> home: over
//
// A transfer that was cancelled may have ended meanwhile: ENDED counts for nothing then, RELEASED
// will come. One that has asked does not say that it has ended before it was answered. So at `over`
// no note of it is on its way.
#include "worker/http_crew.h"

#include "worker/http_loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <utlist.h>

#define BEGUN_AT_ONCE 16  // transfers, between two looks at the sockets

typedef struct http_lane {
    http_crew *crew;
    bool is_set_up;  // the loop is there
    bool runs;       // on its thread
    pthread_t thread;
    uv_loop_t loop;
    handover inbox;
    handover_item quit;
    http_loop *transfers;
    http_transfer *arrived;  // a list: not begun yet
    uv_idle_t begins;        // runs while there are any
} http_lane;

struct http_crew {
    http_crew_options options;
    handover home;
    size_t lane_count;  // in use
    http_lane lanes[HTTP_CREW_THREADS];
};

static http_transfer *of_note(handover_item *item)
{
    return ((http_note *) (void *) item)->transfer;
}

static void tell_home(http_transfer *t, http_note_kind kind)
{
    handover_post(&t->lane->crew->home, &t->notes[kind].item);
}

static void tell_lane(http_transfer *t, http_note_kind kind)
{
    handover_post(&t->lane->inbox, &t->notes[kind].item);
}

// ---- on a thread of the crew ----

static void end(http_transfer *t)
{
    t->has_ended = true;
    if (!t->has_asked) {
        tell_home(t, HTTP_NOTE_ENDED);
    }
}

static void begin(http_transfer *t)
{
    t->has_begun = true;
    status *failure = http_request_apply(t);
    if (failure == NULL) {
        failure = http_loop_add(t->lane->transfers, t->easy, t->group);
    }
    if (failure != NULL) {
        http_response_refuse(t, failure);
        end(t);
    }
}

static http_transfer *take_arrived(http_lane *lane)
{
    http_transfer *t = lane->arrived;
    if (t != NULL) {
        DL_DELETE2(lane->arrived, t, arrived_prev, arrived_next);
    }
    return t;
}

// They come in hundreds. The first of them are to be under way before the last has begun.
static void begin_some(uv_idle_t *begins)
{
    http_lane *lane = (http_lane *) begins->data;
    http_transfer *t = NULL;
    for (int i = 0; i < BEGUN_AT_ONCE && (t = take_arrived(lane)) != NULL; i++) {
        begin(t);
    }
    if (lane->arrived == NULL) {
        (void) uv_idle_stop(begins);
    }
}

static void on_begin(handover_item *item)
{
    http_transfer *t = of_note(item);
    DL_APPEND2(t->lane->arrived, t, arrived_prev, arrived_next);
    (void) uv_idle_start(&t->lane->begins, begin_some);
}

static void on_done(void *data, CURL *easy, CURLcode result)
{
    (void) data;
    http_transfer *t = http_transfer_of(easy);
    http_response_collect(t, result);
    end(t);
}

static void on_cancel(handover_item *item)
{
    http_transfer *t = of_note(item);
    if (!t->has_begun) {
        DL_DELETE2(t->lane->arrived, t, arrived_prev, arrived_next);
    } else if (!t->has_ended) {
        http_loop_remove(t->lane->transfers, t->easy, t->group);
    }
    tell_home(t, HTTP_NOTE_RELEASED);
}

static void on_granted(handover_item *item)
{
    http_transfer *t = of_note(item);
    t->has_asked = false;
    t->granted_bytes = t->asked_bytes;
    if (t->has_ended) {
        tell_home(t, HTTP_NOTE_ENDED);
    } else {
        (void) curl_easy_pause(t->easy, CURLPAUSE_CONT);
    }
}

// It asks for more than it needs now, in proportion, so that it does not rest with every step.
static bool may_grow(http_transfer *t, size_t size)
{
    if (size <= t->granted_bytes) {
        return true;
    }
    if (!t->has_asked) {
        size_t more = size / 2 > ROOM_FREE_BYTES ? size / 2 : ROOM_FREE_BYTES;
        size_t most = http_max_body(t);
        t->asked_bytes = more < most - size ? size + more : most;
        t->has_asked = true;
        tell_home(t, HTTP_NOTE_ASKED);
    }
    return false;
}

static void tell_progress(http_transfer *t, int64_t done, int64_t total)
{
    atomic_store(&t->told_done, done);
    atomic_store(&t->told_total, total);
    tell_home(t, HTTP_NOTE_PROGRESSED);
}

static const http_side lane_side = {.may_grow = may_grow, .tell_progress = tell_progress};

// ---- at home ----

static void on_ended(handover_item *item)
{
    http_transfer *t = of_note(item);
    const http_crew_options *options = &t->lane->crew->options;
    if (!t->is_cancelled) {
        options->ops->over(options->data, t);
    }
}

static void on_released(handover_item *item)
{
    http_transfer *t = of_note(item);
    const http_crew_options *options = &t->lane->crew->options;
    options->ops->over(options->data, t);
}

static void on_asked(handover_item *item)
{
    http_transfer *t = of_note(item);
    const http_crew_options *options = &t->lane->crew->options;
    if (!t->is_cancelled) {
        options->ops->asked(options->data, t, t->asked_bytes);
    }
}

static void on_progressed(handover_item *item)
{
    http_transfer *t = of_note(item);
    const http_crew_options *options = &t->lane->crew->options;
    if (!t->is_cancelled) {
        options->ops->progressed(options->data, t, atomic_load(&t->told_done),
                                 atomic_load(&t->told_total));
    }
}

// ---- the threads ----

static void on_quit(handover_item *item)
{
    http_lane *lane = (http_lane *) (void *) ((char *) item - offsetof(http_lane, quit));
    uv_stop(&lane->loop);
}

static void close_handle(uv_handle_t *handle, void *data)
{
    (void) data;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void close_lane(http_lane *lane)
{
    uv_walk(&lane->loop, close_handle, NULL);
    (void) uv_run(&lane->loop, UV_RUN_DEFAULT);
    http_loop_close(lane->transfers);
    lane->transfers = NULL;
    (void) uv_loop_close(&lane->loop);
}

// Signals are the main thread's; the threads that resolve names inherit the mask.
static void *run(void *data)
{
    http_lane *lane = (http_lane *) data;
    sigset_t all;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, NULL);
    (void) uv_run(&lane->loop, UV_RUN_DEFAULT);
    close_lane(lane);
    return NULL;
}

static bool open_loops(http_lane *lane)
{
    const http_crew_options *options = &lane->crew->options;
    AUTO(status) failure = http_loop_open(&lane->loop, options->max_per_host, options->max_idle,
                                          on_done, lane, &lane->transfers);
    lane->begins.data = lane;
    return failure == NULL && handover_init(&lane->inbox, &lane->loop) == 0 &&
           uv_idle_init(&lane->loop, &lane->begins) == 0;
}

static bool set_up(http_lane *lane)
{
    if (uv_loop_init(&lane->loop) != 0) {
        return false;
    }
    lane->quit.run = on_quit;
    bool whole = open_loops(lane);
    if (!whole) {
        close_lane(lane);
    }
    return whole;
}

// What can not be had is tried again with the next transfer.
static bool start_lane(http_lane *lane)
{
    lane->is_set_up = lane->is_set_up || set_up(lane);
    lane->runs =
        lane->runs || (lane->is_set_up && pthread_create(&lane->thread, NULL, run, lane) == 0);
    return lane->runs;
}

static void stop_lane(http_lane *lane)
{
    if (lane->runs) {
        (void) pthread_join(lane->thread, NULL);
    } else if (lane->is_set_up) {
        close_lane(lane);
    }
    lane->runs = lane->is_set_up = false;
}

// ---- life ----

static size_t count_lanes(void)
{
    size_t processors = uv_available_parallelism();
    return processors < HTTP_CREW_THREADS ? processors : HTTP_CREW_THREADS;
}

status *http_crew_open(uv_loop_t *home, const http_crew_options *options, http_crew **ret)
{
    http_crew *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    c->options = *options;
    c->lane_count = count_lanes();
    for (size_t i = 0; i < c->lane_count; i++) {
        c->lanes[i].crew = c;
    }
    int failed = handover_init(&c->home, home);
    if (failed != 0) {
        free(c);
        return status_new(STATUS_INTERNAL, "event loop: %s", uv_strerror(failed));
    }
    *ret = c;
    return NULL;
}

static void lend(http_transfer *t, http_lane *lane)
{
    static void (*const runs[HTTP_NOTE_COUNT])(handover_item * item) = {
        [HTTP_NOTE_BEGIN] = on_begin,           [HTTP_NOTE_CANCEL] = on_cancel,
        [HTTP_NOTE_GRANTED] = on_granted,       [HTTP_NOTE_ENDED] = on_ended,
        [HTTP_NOTE_RELEASED] = on_released,     [HTTP_NOTE_ASKED] = on_asked,
        [HTTP_NOTE_PROGRESSED] = on_progressed,
    };
    for (size_t i = 0; i < HTTP_NOTE_COUNT; i++) {
        t->notes[i].item.run = runs[i];
        t->notes[i].transfer = t;
    }
    t->lane = lane;
    t->side = &lane_side;
    t->is_cancelled = t->has_begun = t->has_ended = t->has_asked = false;
    t->granted_bytes = ROOM_FREE_BYTES;
}

bool http_crew_begin(http_crew *c, http_transfer *t)
{
    http_lane *lane = &c->lanes[t->group % c->lane_count];
    if (!start_lane(lane)) {
        return false;
    }
    lend(t, lane);
    tell_lane(t, HTTP_NOTE_BEGIN);
    return true;
}

void http_crew_cancel(http_transfer *t)
{
    t->is_cancelled = true;
    tell_lane(t, HTTP_NOTE_CANCEL);
}

void http_crew_grant(http_transfer *t)
{
    tell_lane(t, HTTP_NOTE_GRANTED);
}

void http_crew_stop(http_crew *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->lane_count; i++) {
        if (c->lanes[i].runs) {
            handover_post(&c->lanes[i].inbox, &c->lanes[i].quit);
        }
    }
    for (size_t i = 0; i < c->lane_count; i++) {
        stop_lane(&c->lanes[i]);
    }
    handover_run(&c->home);
}

void http_crew_close(http_crew *c)
{
    free(c);
}
