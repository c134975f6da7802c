// report - the end of a drain: what is not acknowledged goes out with Report, oldest batch first.
#include "worker/internal.h"

#include "base/log.h"
#include "worker/answer.h"

#include <stddef.h>

#define CALL_TIMEOUT_MS 5000
#define RETRY_US        200000

static worker *of_report(worker_call *call)
{
    return (worker *) (void *) ((char *) call - offsetof(worker, report));
}

static void on_answer(handover_item *item)
{
    worker_call *call = (worker_call *) (void *) item;  // its first member
    worker *w = of_report(call);
    AUTO(answer) said = TAKE(call->answer);
    call->under_way = false;
    if (said != NULL) {
        outbox_acked(&w->outbox, said->acked_outcome_sequence);
    }
    w->report_due_us =
        said != NULL && w->outbox.oldest != NULL && w->outbox.oldest->sequence > call->sequence
            ? 0
            : worker_now(w) + RETRY_US;
}

static void on_done(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    worker_call *call = (worker_call *) data;
    call->answer =
        reply == NULL ? NULL : answer_from_report((const Errand__V1__ReportResponse *) reply);
    call->code = error != NULL ? error->code : STATUS_RESOURCE_EXHAUSTED;
    handover_post(&call->w->inbox, &call->item);
}

static void send_report(worker *w, const outbox_batch *batch)
{
    Errand__V1__OutcomeBatch *request =
        errand__v1__outcome_batch__unpack(NULL, batch->bytes.size, batch->bytes.bytes);
    if (request == NULL) {
        w->report_due_us = worker_now(w) + RETRY_US;
        return;
    }
    worker_call *call = &w->report;
    call->w = w;
    call->item.run = on_answer;
    call->sequence = batch->sequence;
    call->under_way = true;
    errand_call_options options = {.timeout_ms = CALL_TIMEOUT_MS, .once = true};
    errand_start(w->client, &errand__v1__worker_service__descriptor, "Report", &request->base,
                 &options, on_done, call);
    errand__v1__outcome_batch__free_unpacked(request, NULL);
}

void report_turn(worker *w, int64_t now_us)
{
    if (w->phase != WORKER_REPORTING || w->report.under_way) {
        return;
    }
    outbox_seal(&w->outbox);
    bool late = now_us >= w->phase_end_us;
    if (late || (outbox_is_empty(&w->outbox) && w->attempts.lingering == 0)) {
        if (!outbox_is_empty(&w->outbox)) {
            log_warn("outcomes_not_acknowledged", LOG_INT("count", (int64_t) w->outbox.ref_count));
        }
        w->phase = WORKER_DONE;
        return;
    }
    worker_wake_at(w, w->phase_end_us);
    if (outbox_is_empty(&w->outbox)) {
        return;
    }
    if (now_us < w->report_due_us) {
        worker_wake_at(w, w->report_due_us);
        return;
    }
    send_report(w, w->outbox.oldest);
}
