// report - outcomes that go out with Report, oldest batch first: what is not acknowledged at the
// end of a drain, and all while the server can be reached, but not its pipeline.
#include "worker/internal.h"

#include "base/log.h"
#include "worker/answer.h"

#include <stddef.h>

#define CALL_TIMEOUT_MS 5000
#define RETRY_US        200000
#define STRANDED_US     5000000  // without a pipeline for so long

static worker_link *of_report(worker_call *call)
{
    return (worker_link *) (void *) ((char *) call - offsetof(worker_link, report));
}

static void on_answer(handover_item *item)
{
    worker_call *call = (worker_call *) (void *) item;  // its first member
    worker_link *l = of_report(call);
    AUTO(answer) said = TAKE(call->answer);
    call->under_way = false;
    if (said != NULL) {
        outbox_acked(&l->source.outbox, said->acked_outcome_sequence);
    }
    l->report_due_us = said != NULL && l->source.outbox.oldest != NULL &&
                               l->source.outbox.oldest->sequence > call->sequence
                           ? 0
                           : worker_now(l->w) + RETRY_US;
}

static void on_done(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    worker_call *call = (worker_call *) data;
    call->answer =
        reply == NULL ? NULL : answer_from_report((const Errand__V1__ReportResponse *) reply);
    call->code = error != NULL ? error->code : STATUS_RESOURCE_EXHAUSTED;
    handover_post(&call->link->w->inbox, &call->item);
}

static void send_report(worker_link *l, const outbox_batch *batch)
{
    Errand__V1__OutcomeBatch *request =
        errand__v1__outcome_batch__unpack(NULL, batch->bytes.size, batch->bytes.bytes);
    if (request == NULL) {
        l->report_due_us = worker_now(l->w) + RETRY_US;
        return;
    }
    worker_call *call = &l->report;
    call->link = l;
    call->item.run = on_answer;
    call->sequence = batch->sequence;
    call->under_way = true;
    errand_call_options options = {.timeout_ms = CALL_TIMEOUT_MS, .once = true};
    errand_start(l->client, &errand__v1__worker_service__descriptor, "Report", &request->base,
                 &options, on_done, call);
    errand__v1__outcome_batch__free_unpacked(request, NULL);
}

static void report_oldest(worker_link *l, int64_t now_us)
{
    if (now_us < l->report_due_us) {
        worker_wake_at(l->w, l->report_due_us);
    } else {
        send_report(l, l->source.outbox.oldest);
    }
}

// A firewall, say, lets calls pass and outcomes not.
static void report_stranded(worker_link *l, int64_t now_us)
{
    outbox *o = &l->source.outbox;
    if (l->link_seen || l->unreachable || outbox_is_empty(o)) {
        return;
    }
    if (now_us < l->parted_us + STRANDED_US) {
        worker_wake_at(l->w, l->parted_us + STRANDED_US);
        return;
    }
    if (!l->stranded) {
        l->stranded = true;
        log_warn("results_not_reachable",
                 LOG_STR("url", l->results_url != NULL ? l->results_url : ""),
                 LOG_STR("meanwhile", "outcomes go with Report"));
    }
    if (o->oldest == NULL) {
        outbox_seal(o);
    }
    if (o->oldest != NULL) {
        report_oldest(l, now_us);
    }
}

static void report_rest(worker_link *l, int64_t now_us)
{
    outbox_seal(&l->source.outbox);
    bool late = now_us >= l->w->phase_end_us, expects = lease_may_bring_jobs(l, now_us);
    if (late || (outbox_is_empty(&l->source.outbox) && l->w->attempts.lingering == 0 && !expects)) {
        if (!outbox_is_empty(&l->source.outbox)) {
            log_warn("outcomes_not_acknowledged",
                     LOG_INT("count", (int64_t) l->source.outbox.ref_count));
        }
        l->reported = true;
        return;
    }
    worker_wake_at(l->w, expects ? l->w->leave_end_us : l->w->phase_end_us);
    if (!outbox_is_empty(&l->source.outbox)) {
        report_oldest(l, now_us);
    }
}

void report_turn(worker_link *l, int64_t now_us)
{
    if (l->report.under_way || l->reported) {
        return;
    }
    if (l->w->phase == WORKER_REPORTING) {
        report_rest(l, now_us);
    } else {
        report_stranded(l, now_us);
    }
}
