// http_loop - curl multi handles driven by a libuv loop: thousands of transfers in one thread.
//
// curl tells which sockets to watch and when to be called at the latest.
#include "worker/http_loop.h"

#include "worker/http_sockets.h"

#include <stdbool.h>
#include <stdlib.h>

typedef struct http_group {
    http_loop *whole;
    CURLM *multi;
    uv_timer_t timer;
} http_group;

struct http_loop {
    uv_loop_t *loop;
    http_group *groups[HTTP_GROUPS];  // NULL: none of its transfers has begun yet
    http_sockets *sockets;
    size_t max_per_host, max_idle;
    http_done_fn *done;
    void *data;
};

static void finish_ended(http_group *g)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(g->multi, &left); message != NULL;
         message = curl_multi_info_read(g->multi, &left)) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        (void) curl_multi_remove_handle(g->multi, easy);
        g->whole->done(g->whole->data, easy, result);
    }
}

static void on_timer(uv_timer_t *timer)
{
    http_group *g = (http_group *) timer->data;
    int running = 0;
    (void) curl_multi_socket_action(g->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_ended(g);
}

// Runs inside curl, which must not be entered again: a timeout of 0 waits for the loop, too.
static int set_timer(CURLM *multi, long timeout_ms, void *data)
{
    (void) multi;
    http_group *g = (http_group *) data;
    if (uv_is_closing((uv_handle_t *) &g->timer)) {
        return 0;
    }
    if (timeout_ms < 0) {
        return uv_timer_stop(&g->timer);
    }
    return uv_timer_start(&g->timer, on_timer, (uint64_t) timeout_ms, 0);
}

static void on_ready(void *owner, curl_socket_t fd, int flags)
{
    http_group *g = (http_group *) owner;
    int running = 0;
    (void) curl_multi_socket_action(g->multi, fd, flags, &running);
    finish_ended(g);
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    (void) easy;
    (void) socket_data;
    http_group *g = (http_group *) data;
    return http_sockets_watch(g->whole->sockets, fd, what, g) ? 0 : -1;
}

// ---- groups ----

// Most hosts have all their connections in the first one.
static size_t idle_in(const http_loop *h, unsigned number)
{
    size_t share = h->max_idle / 8;
    if (number == 0) {
        return h->max_idle;
    }
    return share > HTTP_GROUP_TRANSFERS ? share : HTTP_GROUP_TRANSFERS;
}

static bool set_up(http_group *g, size_t max_idle)
{
    long max_per_host = (long) g->whole->max_per_host;
    return curl_multi_setopt(g->multi, CURLMOPT_SOCKETFUNCTION, watch) == CURLM_OK &&
           curl_multi_setopt(g->multi, CURLMOPT_SOCKETDATA, g) == CURLM_OK &&
           curl_multi_setopt(g->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(g->multi, CURLMOPT_TIMERDATA, g) == CURLM_OK &&
           curl_multi_setopt(g->multi, CURLMOPT_MAX_HOST_CONNECTIONS, max_per_host) == CURLM_OK &&
           curl_multi_setopt(g->multi, CURLMOPT_MAXCONNECTS, (long) max_idle) == CURLM_OK;
}

static status *group_of(http_loop *h, unsigned number, http_group **ret)
{
    if (h->groups[number] != NULL) {
        *ret = h->groups[number];
        return NULL;
    }
    http_group *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    g->whole = h;
    g->multi = curl_multi_init();
    if (g->multi == NULL || !set_up(g, idle_in(h, number)) ||
        uv_timer_init(h->loop, &g->timer) != 0) {
        (void) curl_multi_cleanup(g->multi);
        free(g);
        return status_new(STATUS_INTERNAL, "libcurl can not be set up");
    }
    g->timer.data = g;
    *ret = h->groups[number] = g;
    return NULL;
}

// ---- life ----

status *http_loop_open(uv_loop_t *loop, size_t max_per_host, size_t max_idle, http_done_fn *done,
                       void *data, http_loop **ret)
{
    http_loop *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    *h = (http_loop){
        .loop = loop,
        .max_per_host = max_per_host,
        .max_idle = max_idle,
        .done = done,
        .data = data,
    };
    status *failure = http_sockets_open(loop, on_ready, &h->sockets);
    if (failure != NULL) {
        free(h);
        return failure;
    }
    *ret = h;
    return NULL;
}

status *http_loop_add(http_loop *h, CURL *easy, unsigned group)
{
    http_group *g = NULL;
    status *failure = group_of(h, group, &g);
    if (failure != NULL) {
        return failure;
    }
    CURLMcode failed = curl_multi_add_handle(g->multi, easy);
    if (failed != CURLM_OK) {
        return status_new(STATUS_INTERNAL, "libcurl: %s", curl_multi_strerror(failed));
    }
    return NULL;
}

void http_loop_remove(http_loop *h, CURL *easy, unsigned group)
{
    (void) curl_multi_remove_handle(h->groups[group]->multi, easy);
}

void http_loop_close(http_loop *h)
{
    if (h == NULL) {
        return;
    }
    for (size_t i = 0; i < HTTP_GROUPS; i++) {
        if (h->groups[i] != NULL) {
            (void) curl_multi_cleanup(h->groups[i]->multi);
            free(h->groups[i]);
        }
    }
    http_sockets_close(h->sockets);
    free(h);
}
