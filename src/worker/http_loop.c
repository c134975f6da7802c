// http_loop - curl multi handles driven by a libuv loop: thousands of transfers in one thread.
//
// curl tells which sockets to watch and when to be called at the latest. It stops watching a kept
// connection after each transfer and starts again with the next; so the poll handle of a descriptor
// is kept, stopped, until the loop closes.
#include "worker/http_loop.h"

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
    uv_poll_t **polls;                // by descriptor; NULL: never watched
    size_t poll_count;
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

static void on_ready(uv_poll_t *poll, int failed, int events)
{
    http_group *g = (http_group *) poll->data;
    uv_os_fd_t fd = -1;
    if (uv_fileno((uv_handle_t *) poll, &fd) != 0) {
        return;
    }
    int flags = failed != 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    int running = 0;
    (void) curl_multi_socket_action(g->multi, fd, flags, &running);
    finish_ended(g);
}

static bool reserve_polls(http_loop *h, size_t count)
{
    if (count <= h->poll_count) {
        return true;
    }
    size_t wanted = count * 2;
    uv_poll_t **polls = realloc(h->polls, wanted * sizeof(uv_poll_t *));
    if (polls == NULL) {
        return false;
    }
    for (size_t i = h->poll_count; i < wanted; i++) {
        polls[i] = NULL;
    }
    h->polls = polls;
    h->poll_count = wanted;
    return true;
}

static uv_poll_t *poll_of(http_loop *h, curl_socket_t fd)
{
    if (fd < 0 || !reserve_polls(h, (size_t) fd + 1)) {
        return NULL;
    }
    if (h->polls[fd] == NULL) {
        uv_poll_t *poll = malloc(sizeof *poll);
        if (poll == NULL || uv_poll_init_socket(h->loop, poll, fd) != 0) {
            free(poll);
            return NULL;
        }
        h->polls[fd] = poll;
    }
    return h->polls[fd];
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    (void) easy;
    (void) socket_data;
    http_group *g = (http_group *) data;
    uv_poll_t *poll = poll_of(g->whole, fd);
    if (poll == NULL) {
        return -1;
    }
    poll->data = g;
    if (uv_is_closing((uv_handle_t *) poll)) {
        return 0;
    }
    if (what == CURL_POLL_REMOVE) {
        return uv_poll_stop(poll);
    }
    int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    return uv_poll_start(poll, events, on_ready);
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
    for (size_t i = 0; i < h->poll_count; i++) {
        free(h->polls[i]);
    }
    free(h->polls);
    free(h);
}
