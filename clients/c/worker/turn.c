// turn - what a worker does each time before its loop waits, and the phases from start to end.
#include "worker/internal.h"

#include "base/log.h"

#include <malloc.h>

#define REPORT_US         10000000  // for the Reports at the end
#define REPORT_HASTILY_US 2000000
#define LEAVE_US          2000000              // for the answers to Leases that asked for jobs
#define TRIM_BYTES        ((size_t) 32 << 20)  // after so much was held, memory is given back
#define TRIM_US           1000000              // once it was quiet for that long

static void on_wake(uv_timer_t *timer)
{
    ((worker *) timer->data)->wake_us = INT64_MAX;  // the turn comes before the loop waits again
}

void worker_wake_at(worker *w, int64_t at_us)
{
    if (at_us >= w->wake_us) {
        return;
    }
    w->wake_us = at_us;
    uv_update_time(&w->loop);
    int64_t left_us = at_us - worker_now(w);
    uint64_t left_ms = left_us <= 0 ? 0 : (uint64_t) (left_us + 999) / 1000;
    (void) uv_timer_start(&w->wake, on_wake, left_ms, 0);
}

void worker_suspect_link(worker_link *l, int code)
{
    if (code == STATUS_DEADLINE_EXCEEDED && l->client != NULL) {
        errand_client_reconnect(l->client);
    }
}

static void begin_draining(worker *w, int64_t now_us)
{
    log_info("worker_drains", LOG_STR("worker", worker_id(w)),
             LOG_INT("running", w->attempts.used));
    w->phase = WORKER_DRAINING;
    w->phase_end_us = now_us + w->options.drain_timeout_us;
}

static void begin_reporting(worker *w, int64_t now_us, bool hastily)
{
    attempts_release_running(&w->attempts);
    w->phase = WORKER_REPORTING;
    w->phase_end_us = now_us + (hastily ? REPORT_HASTILY_US : REPORT_US);
    w->leave_end_us = now_us + LEAVE_US;
}

static void phase_turn(worker *w, int64_t now_us)
{
    bool hastily = atomic_load(&w->stop_wanted);
    if (w->phase == WORKER_RUNNING && (hastily || atomic_load(&w->drain_wanted))) {
        begin_draining(w, now_us);
    }
    if (w->phase == WORKER_DRAINING) {
        if (hastily || w->attempts.used == 0 || now_us >= w->phase_end_us) {
            begin_reporting(w, now_us, hastily);
        } else {
            worker_wake_at(w, w->phase_end_us);
        }
    }
}

// What was freed in small pieces stays with the process unless it is told to give it back.
static void trim_turn(worker *w, int64_t now_us)
{
    size_t held = attempts_held(&w->attempts);
    w->peak_bytes = held > w->peak_bytes ? held : w->peak_bytes;
    if (w->peak_bytes < TRIM_BYTES || held > TRIM_BYTES / 8) {
        w->trim_us = now_us + TRIM_US;
    } else if (now_us < w->trim_us) {
        worker_wake_at(w, w->trim_us);
    } else {
#ifdef __GLIBC__
        (void) malloc_trim(0);
#endif
        w->peak_bytes = 0;
    }
}

static void tell_connected(worker_link *l)
{
    const worker_options *options = &l->w->options;
    bool answers = !l->unreachable && l->renewed_us >= l->linked_us;
    if (!l->told && l->link_seen && answers) {
        l->told = true;
        if (options->connected != NULL) {
            options->connected(options->data, l->rpc_url);
        }
    }
}

static void link_turn(worker_link *l, int64_t now_us)
{
    heartbeat_turn(l, now_us);
    learn_turn(l, now_us);
    push_turn(l, now_us);
    tell_connected(l);
    lease_turn(l, now_us);
    report_turn(l, now_us);
}

static bool has_reported(const worker *w)
{
    for (size_t i = 0; i < w->link_count; i++) {
        if (!w->links[i].reported) {
            return false;
        }
    }
    return true;
}

static void on_turn(uv_prepare_t *turn)
{
    worker *w = (worker *) turn->data;
    int64_t now_us = worker_now(w);
    phase_turn(w, now_us);
    worker_wake_at(w, attempts_turn(&w->attempts, now_us));
    for (size_t i = 0; i < w->link_count; i++) {
        link_turn(&w->links[i], now_us);
    }
    trim_turn(w, now_us);
    if (has_reported(w)) {
        uv_stop(&w->loop);
    }
}

static void on_poke(handover_item *item)
{
    (void) item;  // the turn that follows looks at the flags
}

status *turn_open(worker *w)
{
    int failed = uv_loop_init(&w->loop);
    if (failed != 0) {
        return status_new(STATUS_INTERNAL, "event loop: %s", uv_strerror(failed));
    }
    w->loop.data = w;  // the loop is there
    failed = handover_init(&w->inbox, &w->loop);
    if (failed == 0) {
        failed = uv_prepare_init(&w->loop, &w->turn);
    }
    if (failed == 0) {
        failed = uv_timer_init(&w->loop, &w->wake);
    }
    w->turn.data = w;
    w->wake.data = w;
    w->poke.run = on_poke;
    w->wake_us = INT64_MAX;
    if (failed == 0) {
        failed = uv_prepare_start(&w->turn, on_turn);
    }
    return failed == 0 ? NULL : status_new(STATUS_INTERNAL, "event loop: %s", uv_strerror(failed));
}
