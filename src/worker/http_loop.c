// http_loop - a curl multi handle driven by a libuv loop: thousands of transfers in one thread.
//
// curl tells which sockets to watch and when to be called at the latest. It stops watching a kept
// connection after each transfer and starts again with the next; so the poll handle of a descriptor
// is kept, stopped, until the loop closes.
#include "worker/http_loop.h"

#include <stdbool.h>
#include <stdlib.h>

struct http_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    uv_poll_t **polls;  // by descriptor; NULL: never watched
    size_t poll_count;
    http_done_fn *done;
    void *data;
};

static void finish_ended(http_loop *h)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(h->multi, &left); message != NULL;
         message = curl_multi_info_read(h->multi, &left)) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        (void) curl_multi_remove_handle(h->multi, easy);
        h->done(h->data, easy, result);
    }
}

static void on_timer(uv_timer_t *timer)
{
    http_loop *h = (http_loop *) timer->data;
    int running = 0;
    (void) curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_ended(h);
}

// Runs inside curl, which must not be entered again: a timeout of 0 waits for the loop, too.
static int set_timer(CURLM *multi, long timeout_ms, void *data)
{
    (void) multi;
    http_loop *h = (http_loop *) data;
    if (uv_is_closing((uv_handle_t *) &h->timer)) {
        return 0;
    }
    if (timeout_ms < 0) {
        return uv_timer_stop(&h->timer);
    }
    return uv_timer_start(&h->timer, on_timer, (uint64_t) timeout_ms, 0);
}

static void on_ready(uv_poll_t *poll, int failed, int events)
{
    http_loop *h = (http_loop *) poll->data;
    uv_os_fd_t fd = -1;
    if (uv_fileno((uv_handle_t *) poll, &fd) != 0) {
        return;
    }
    int flags = failed != 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    int running = 0;
    (void) curl_multi_socket_action(h->multi, fd, flags, &running);
    finish_ended(h);
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
        poll->data = h;
        h->polls[fd] = poll;
    }
    return h->polls[fd];
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    (void) easy;
    (void) socket_data;
    http_loop *h = (http_loop *) data;
    uv_poll_t *poll = poll_of(h, fd);
    if (poll == NULL) {
        return -1;
    }
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

static bool set_up(http_loop *h, size_t max_per_host, size_t max_idle)
{
    return curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long) max_per_host) ==
               CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long) max_idle) == CURLM_OK;
}

status *http_loop_open(uv_loop_t *loop, size_t max_per_host, size_t max_idle, http_done_fn *done,
                       void *data, http_loop **ret)
{
    http_loop *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    h->loop = loop;
    h->done = done;
    h->data = data;
    h->timer.data = h;
    h->multi = curl_multi_init();
    if (h->multi == NULL || !set_up(h, max_per_host, max_idle) ||
        uv_timer_init(loop, &h->timer) != 0) {
        (void) curl_multi_cleanup(h->multi);
        free(h);
        return status_new(STATUS_INTERNAL, "libcurl can not be set up");
    }
    h->timer.data = h;
    *ret = h;
    return NULL;
}

status *http_loop_add(http_loop *h, CURL *easy)
{
    CURLMcode failed = curl_multi_add_handle(h->multi, easy);
    if (failed != CURLM_OK) {
        return status_new(STATUS_INTERNAL, "libcurl: %s", curl_multi_strerror(failed));
    }
    return NULL;
}

void http_loop_remove(http_loop *h, CURL *easy)
{
    (void) curl_multi_remove_handle(h->multi, easy);
}

void http_loop_close(http_loop *h)
{
    if (h == NULL) {
        return;
    }
    (void) curl_multi_cleanup(h->multi);
    for (size_t i = 0; i < h->poll_count; i++) {
        free(h->polls[i]);
    }
    free(h->polls);
    free(h);
}
