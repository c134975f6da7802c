// push - outcomes into the pipeline: in order, one batch at a time, again after a break.
#include "worker/internal.h"

#include "base/log.h"

#include <stddef.h>

#define PATIENCE_US 5000000  // a batch pushed that long ago should be acknowledged
#define RETRY_US    100000
#define RENEW_US    50000    // from a break to the next connection
#define REFUSED_US  1000000  // when the connection broke before there was one

static worker *of_connected(handover_item *item)
{
    return (worker *) (void *) ((char *) item - offsetof(worker, connected_item));
}

static worker *of_broken(handover_item *item)
{
    return (worker *) (void *) ((char *) item - offsetof(worker, broken_item));
}

static worker *of_sent(handover_item *item)
{
    return (worker *) (void *) ((char *) item - offsetof(worker, sent_item));
}

// What was under way when the old connection broke may be lost.
static void on_connected(handover_item *item)
{
    worker *w = of_connected(item);
    w->link_seen = true;
    outbox_rewind(&w->outbox);
}

static void on_broken(handover_item *item)
{
    worker *w = of_broken(item);
    pipeline_drop(w->pipeline);
    w->renew_us = worker_now(w) + (w->link_seen ? RENEW_US : REFUSED_US);
    w->link_seen = false;
}

static void on_sent(handover_item *item)
{
    worker *w = of_sent(item);
    if (w->sent_taken) {
        outbox_pushed(&w->outbox, w->pushing, worker_now(w));
    }
    w->pushing = 0;
}

static void tell_connected(void *data)
{
    worker *w = (worker *) data;
    handover_post(&w->inbox, &w->connected_item);
}

static void tell_broken(void *data)
{
    worker *w = (worker *) data;
    handover_post(&w->inbox, &w->broken_item);
}

static void tell_sent(void *data, bool taken)
{
    worker *w = (worker *) data;
    w->sent_taken = taken;
    handover_post(&w->inbox, &w->sent_item);
}

status *push_open(worker *w)
{
    w->connected_item.run = on_connected;
    w->broken_item.run = on_broken;
    w->sent_item.run = on_sent;
    pipeline_events events = {
        .connected = tell_connected, .broken = tell_broken, .sent = tell_sent, .data = w};
    return pipeline_open(w->options.results_url, &events, &w->pipeline);
}

static void renew(worker *w, int64_t now_us)
{
    if (w->renew_us == 0) {
        return;
    }
    if (now_us >= w->renew_us) {
        AUTO(status) failure = pipeline_dial(w->pipeline);
        w->renew_us = failure == NULL ? 0 : now_us + REFUSED_US;
    }
    if (w->renew_us != 0) {
        worker_wake_at(w, w->renew_us);
    }
}

// While a batch is under way the next one grows: the busier, the larger.
void push_turn(worker *w, int64_t now_us)
{
    renew(w, now_us);
    if (w->pushing != 0 || w->renew_us != 0 || !w->link_seen) {
        return;
    }
    if (w->outbox.cursor == NULL) {
        outbox_seal(&w->outbox);
    }
    const outbox_batch *batch = w->outbox.cursor;
    if (batch == NULL) {
        return;
    }
    if (pipeline_send(w->pipeline, buf_slice(&batch->bytes))) {
        w->pushing = batch->sequence;
    } else {
        worker_wake_at(w, now_us + RETRY_US);
    }
}

void push_check(worker *w, int64_t asked_us)
{
    if (outbox_overdue(&w->outbox, asked_us, PATIENCE_US)) {
        log_info("outcomes_pushed_again", LOG_INT("from", w->outbox.oldest->sequence));
        outbox_rewind(&w->outbox);
    }
}
