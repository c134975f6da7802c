// http_handler - runs jobs of kind `http`: a pool of transfers over one http_loop.
#include "worker/http_handler.h"

#include "worker/http_hosts.h"
#include "worker/http_loop.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define KEPT_BODY_BYTES ROOM_FREE_BYTES  // a longer buffer is freed with the transfer

typedef struct http_pool {
    http_loop *loop;
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
    t->request = NULL;
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

static bool begin(http_pool *pool, http_transfer *t)
{
    status *failure = http_request_apply(t);
    if (failure == NULL) {
        failure = http_loop_add(pool->loop, t->easy, t->group);
    }
    if (failure != NULL) {
        refuse(t->attempt, failure);
    }
    return failure == NULL;
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

static void on_done(void *data, CURL *easy, CURLcode result)
{
    http_pool *pool = (http_pool *) data;
    char *transfer = NULL;
    (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    http_transfer *t = (http_transfer *) (void *) transfer;
    room_leave(&pool->room, &t->place);
    http_response_finish(t, result);
    leave(pool, t);
}

// What it has waited for is delivered at once.
static void resume(room_place *place)
{
    http_transfer *t = (http_transfer *) (void *) ((char *) place - offsetof(http_transfer, place));
    (void) curl_easy_pause(t->easy, CURLPAUSE_CONT);
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
    status *failure = http_loop_open(loop, wanted->max_per_host, (size_t) options->concurrency,
                                     on_done, pool, &pool->loop);
    if (failure != NULL) {
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
    t->place.owner = a->owner;
    t->request = a->job->http;
    t->traceparent = a->job->traceparent;
    a->work = t;
    if (http_hosts_enter(&pool->hosts, t, t->request->url) && !begin(pool, t)) {
        leave(pool, t);
    }
}

static void stop(void *handler, attempt *a)
{
    http_pool *pool = (http_pool *) handler;
    http_transfer *t = (http_transfer *) a->work;
    if (!http_hosts_waits(t)) {
        http_loop_remove(pool->loop, t->easy, t->group);
        room_leave(&pool->room, &t->place);
    }
    leave(pool, t);
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
    .close = pool_close,
};
