// push - outcomes into the pipeline: in order, one batch at a time, again after a break.
#include "worker/internal.h"

#include "base/log.h"

#include <stddef.h>

#define PATIENCE_US 5000000  // a batch pushed that long ago should be acknowledged
#define RETRY_US    100000
#define RENEW_US    50000    // from a break to the next connection
#define REFUSED_US  1000000  // when the connection broke before there was one

static worker_link *of_connected(handover_item *item)
{
    return (worker_link *) (void *) ((char *) item - offsetof(worker_link, connected_item));
}

static worker_link *of_broken(handover_item *item)
{
    return (worker_link *) (void *) ((char *) item - offsetof(worker_link, broken_item));
}

static worker_link *of_sent(handover_item *item)
{
    return (worker_link *) (void *) ((char *) item - offsetof(worker_link, sent_item));
}

// What was under way when the old connection broke may be lost. A server that was away is told at
// once what runs.
static void on_connected(handover_item *item)
{
    worker_link *l = of_connected(item);
    l->link_seen = true;
    l->stranded = false;
    l->linked_us = worker_now(l->w);
    heartbeat_plan_want(&l->beats, 0);
    outbox_rewind(&l->source.outbox);
}

static void on_broken(handover_item *item)
{
    worker_link *l = of_broken(item);
    pipeline_drop(l->pipeline);
    l->parted_us = l->link_seen ? worker_now(l->w) : l->parted_us;
    l->renew_us = worker_now(l->w) + (l->link_seen ? RENEW_US : REFUSED_US);
    l->link_seen = false;
    l->told = false;
}

static void on_sent(handover_item *item)
{
    worker_link *l = of_sent(item);
    if (l->sent_taken) {
        outbox_pushed(&l->source.outbox, l->pushing, worker_now(l->w));
    }
    l->pushing = 0;
}

static void tell_connected(void *data)
{
    worker_link *l = (worker_link *) data;
    handover_post(&l->w->inbox, &l->connected_item);
}

static void tell_broken(void *data)
{
    worker_link *l = (worker_link *) data;
    handover_post(&l->w->inbox, &l->broken_item);
}

static void tell_sent(void *data, bool taken)
{
    worker_link *l = (worker_link *) data;
    l->sent_taken = taken;
    handover_post(&l->w->inbox, &l->sent_item);
}

status *push_open(worker_link *l)
{
    l->connected_item.run = on_connected;
    l->broken_item.run = on_broken;
    l->sent_item.run = on_sent;
    l->parted_us = worker_now(l->w);
    pipeline_events events = {
        .connected = tell_connected, .broken = tell_broken, .sent = tell_sent, .data = l};
    status *failure = pipeline_open(&events, &l->w->options.tls, &l->pipeline);
    if (failure != NULL || !l->learns) {
        return failure != NULL ? failure : push_dial(l);
    }
    l->renew_us = worker_now(l->w);
    return NULL;
}

status *push_dial(worker_link *l)
{
    return pipeline_dial(l->pipeline, l->results_url);
}

static void renew(worker_link *l, int64_t now_us)
{
    if (l->renew_us == 0 || l->learns) {
        return;
    }
    if (now_us >= l->renew_us) {
        AUTO(status) failure = push_dial(l);
        l->renew_us = failure == NULL ? 0 : now_us + REFUSED_US;
    }
    if (l->renew_us != 0) {
        worker_wake_at(l->w, l->renew_us);
    }
}

static void seal(worker_link *l, int64_t now_us)
{
    attempt_source *source = &l->source;
    int64_t ripe_us = outbox_ripe_us(&source->outbox, source->running, l->sealed_us);
    if (now_us < ripe_us) {
        worker_wake_at(l->w, ripe_us);
    } else if (source->outbox.open != NULL) {
        outbox_seal(&source->outbox);
        l->sealed_us = now_us;
    }
}

// While a batch is under way the next one grows: the busier, the larger.
void push_turn(worker_link *l, int64_t now_us)
{
    renew(l, now_us);
    if (l->pushing != 0 || l->renew_us != 0 || !l->link_seen) {
        return;
    }
    if (l->source.outbox.cursor == NULL) {
        seal(l, now_us);
    }
    const outbox_batch *batch = l->source.outbox.cursor;
    if (batch == NULL) {
        return;
    }
    if (pipeline_send(l->pipeline, buf_slice(&batch->bytes))) {
        l->pushing = batch->sequence;
    } else {
        worker_wake_at(l->w, now_us + RETRY_US);
    }
}

// What was acknowledged when it was asked is so no more, or what never was: a copy of the server's
// store was restored, say. It would wait for ever for batches that are gone.
static bool counts_otherwise(const worker_link *l, const worker_call *call, int64_t acked)
{
    return acked < call->sequence || acked > l->source.outbox.last_sequence;
}

void push_check(worker_link *l, const worker_call *call, int64_t acked)
{
    outbox *o = &l->source.outbox;
    if (!outbox_overdue(o, call->sent_us, PATIENCE_US)) {
        return;
    }
    log_info("outcomes_pushed_again", LOG_INT("from", o->oldest->sequence));
    if (counts_otherwise(l, call, acked)) {
        log_warn("outcomes_numbered_anew", LOG_STR("url", l->rpc_url), LOG_INT("behind", acked));
        outbox_renumber(o, acked);
    } else {
        outbox_rewind(o);
    }
}
