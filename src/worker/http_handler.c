// http_handler - runs jobs of kind `http`: a pool of transfers.
//
// Those of the first group run on the worker's own thread: so what is little costs no hand-over.
// The other groups have threads of their own, a crew.
#include "worker/http_handler.h"

#include "worker/http_crew.h"
#include "worker/http_hosts.h"
#include "worker/http_loop.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define KEPT_BODY_BYTES ROOM_FREE_BYTES  // a longer buffer is freed with the transfer

typedef struct http_pool {
    http_loop *loop;
    http_crew *crew;
    http_transfer *vacant;
    http_hosts hosts;
    room room;
    bool allow_private;
    const atomic_bool *private_withdrawn;
} http_pool;

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    (void) curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void transfer_free(http_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    buf_fini(&t->body);
    free(t);
}

static http_transfer *transfer_take(http_pool *pool)
{
    http_transfer *t = pool->vacant;
    if (t != NULL) {
        pool->vacant = t->next;
        return t;
    }
    t = calloc(1, sizeof *t);
    if (t == NULL || (t->easy = curl_easy_init()) == NULL) {
        free(t);
        return NULL;
    }
    buf_init(&t->body, 0);
    t->allow_private = pool->allow_private;
    t->private_withdrawn = pool->private_withdrawn;
    t->room = &pool->room;
    return t;
}

static void transfer_put(http_pool *pool, http_transfer *t)
{
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    t->attempt = NULL;
    t->memory = NULL;
    t->request = NULL;
    t->lane = NULL;
    if (t->body.capacity > KEPT_BODY_BYTES) {
        buf_fini(&t->body);
    }
    t->next = pool->vacant;
    pool->vacant = t;
}

static void refuse(attempt *a, status *failure)
{
    attempt_failure told = {.code = failure->code, .retryable = true, .message = failure->message};
    attempt_fail(a, &told);
    status_free(failure);
}

// ---- on the worker's own thread ----

static bool may_grow(http_transfer *t, size_t size)
{
    return room_take(t->room, &t->place, size);
}

static void tell_progress(http_transfer *t, int64_t done, int64_t total)
{
    attempt_progress(t->attempt, done, total, NULL);
}

static const http_side own_side = {.may_grow = may_grow, .tell_progress = tell_progress};

static bool begin_here(http_pool *pool, http_transfer *t)
{
    t->side = &own_side;
    status *failure = http_request_apply(t);
    if (failure == NULL) {
        failure = http_loop_add(pool->loop, t->easy, t->group);
    }
    if (failure != NULL) {
        refuse(t->attempt, failure);
    }
    return failure == NULL;
}

// ---- beginning and ending ----

static bool begin(http_pool *pool, http_transfer *t)
{
    return (t->group > 0 && http_crew_begin(pool->crew, t)) || begin_here(pool, t);
}

// Takes out a transfer that has ended or was never begun, and begins the one that waits for it.
static void leave(http_pool *pool, http_transfer *t)
{
    while (t != NULL) {
        http_transfer *next = http_hosts_leave(&pool->hosts, t);
        transfer_put(pool, t);
        t = next == NULL || begin(pool, next) ? NULL : next;
    }
}

static void finish(http_pool *pool, http_transfer *t)
{
    room_leave(&pool->room, &t->place);
    http_response_report(t);
    leave(pool, t);
}

static void on_done(void *data, CURL *easy, CURLcode result)
{
    http_transfer *t = http_transfer_of(easy);
    http_response_collect(t, result);
    finish((http_pool *) data, t);
}

// ---- what the crew says ----

static void on_over(void *data, http_transfer *t)
{
    http_pool *pool = (http_pool *) data;
    if (t->attempt != NULL) {
        finish(pool, t);
        return;
    }
    room_leave(&pool->room, &t->place);
    t->place.owner->lingering--;
    arena_free(t->memory);
    leave(pool, t);
}

static void on_asked(void *data, http_transfer *t, size_t size)
{
    http_pool *pool = (http_pool *) data;
    if (room_take(&pool->room, &t->place, size)) {
        http_crew_grant(t);
    }
}

static void on_progressed(void *data, http_transfer *t, int64_t done, int64_t total)
{
    (void) data;
    attempt_progress(t->attempt, done, total, NULL);
}

static const http_crew_ops crew_ops = {
    .over = on_over, .asked = on_asked, .progressed = on_progressed};

// What it has waited for is delivered at once. One that was given up is about to be over.
static void resume(room_place *place)
{
    http_transfer *t = (http_transfer *) (void *) ((char *) place - offsetof(http_transfer, place));
    if (t->lane == NULL) {
        (void) curl_easy_pause(t->easy, CURLPAUSE_CONT);
    } else if (t->attempt != NULL && room_take(t->room, place, t->asked_bytes)) {
        http_crew_grant(t);
    }
}

// ---- the handler ----

static status *open_loops(http_pool *pool, const http_settings *wanted, size_t concurrency,
                          uv_loop_t *loop)
{
    const http_crew_options options = {.max_per_host = wanted->max_per_host,
                                       .max_idle = concurrency,
                                       .ops = &crew_ops,
                                       .data = pool};
    status *failure =
        http_loop_open(loop, wanted->max_per_host, concurrency, on_done, pool, &pool->loop);
    return failure != NULL ? failure : http_crew_open(loop, &options, &pool->crew);
}

static status *pool_open(const void *settings, const worker_options *options, uv_loop_t *loop,
                         void **ret)
{
    const http_settings *wanted = (const http_settings *) settings;
    (void) pthread_once(&curl_once, init_curl);
    http_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    pool->allow_private = wanted->allow_private_addresses;
    pool->room.resume = resume;
    pool->private_withdrawn = wanted->private_withdrawn;
    pool->hosts.max = wanted->max_per_host;
    status *failure = open_loops(pool, wanted, (size_t) options->concurrency, loop);
    if (failure != NULL) {
        http_loop_close(pool->loop);
        free(pool);
        return failure;
    }
    *ret = pool;
    return NULL;
}

static void pool_close(void *handler)
{
    http_pool *pool = (http_pool *) handler;
    while (pool->vacant != NULL) {
        http_transfer *next = pool->vacant->next;
        transfer_free(pool->vacant);
        pool->vacant = next;
    }
    http_loop_close(pool->loop);
    http_crew_close(pool->crew);
    free(pool);
}

static void start(void *handler, attempt *a)
{
    http_pool *pool = (http_pool *) handler;
    if (a->job->input_case != ERRAND__V1__JOB__INPUT_HTTP) {
        attempt_failure failure = {.code = STATUS_INVALID_ARGUMENT,
                                   .message = "a job of kind http needs the field http"};
        attempt_fail(a, &failure);
        return;
    }
    http_transfer *t = transfer_take(pool);
    if (t == NULL) {
        refuse(a, status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
        return;
    }
    t->attempt = a;
    t->memory = a->memory;
    t->place.owner = a->owner;
    t->request = a->job->http;
    t->traceparent = a->job->traceparent;
    a->work = t;
    if (http_hosts_enter(&pool->hosts, t, t->request->url) && !begin(pool, t)) {
        leave(pool, t);
    }
}

// Its thread may be reading the request, or writing the result: they stay until it lets go.
static void give_up(http_transfer *t, attempt *a)
{
    t->attempt = NULL;
    a->memory = NULL;
    a->owner->lingering++;
    http_crew_cancel(t);
}

static void stop(void *handler, attempt *a)
{
    http_pool *pool = (http_pool *) handler;
    http_transfer *t = (http_transfer *) a->work;
    if (t->lane != NULL) {
        give_up(t, a);
        return;
    }
    if (!http_hosts_waits(t)) {
        http_loop_remove(pool->loop, t->easy, t->group);
        room_leave(&pool->room, &t->place);
    }
    leave(pool, t);
}

static void stop_crew(void *handler)
{
    http_crew_stop(((http_pool *) handler)->crew);
}

static void turn(void *handler)
{
    room_turn(&((http_pool *) handler)->room);
}

const handler_ops http_handler = {
    .open = pool_open,
    .start = start,
    .abort = stop,
    .turn = turn,
    .stop = stop_crew,
    .close = pool_close,
};
