// lease - asks the server for jobs, and takes the answers.
#include "worker/internal.h"

#include "base/log.h"
#include "worker/answer.h"

#include <stdlib.h>
#include <utlist.h>

#define CALL_TIMEOUT_MS (LEASE_WAIT_US / 1000 + 10000)

static worker_call *take_call(worker *w)
{
    worker_call *call = w->vacant_leases;
    if (call != NULL) {
        LL_DELETE(w->vacant_leases, call);
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call != NULL) {
        call->w = w;
    }
    return call;
}

void lease_close(worker *w)
{
    while (w->vacant_leases != NULL) {
        worker_call *call = w->vacant_leases;
        LL_DELETE(w->vacant_leases, call);
        free(call);
    }
}

static void take_jobs(worker *w, const answer *said, int64_t now_us)
{
    for (size_t i = 0; i < said->job_count; i++) {
        const answer_job *job = &said->jobs[i];
        slice bytes = {.bytes = said->bytes.bytes + job->offset, .size = job->size};
        if (w->phase == WORKER_RUNNING) {
            attempts_start(&w->attempts, &job->ref, bytes, now_us);
        } else {
            attempts_release(&w->attempts, &job->ref);
        }
    }
    if (said->job_count > 0 && w->expiry_us > now_us + w->lease_us) {
        w->expiry_us = now_us + w->lease_us;
    }
}

static void take_answer(worker *w, const worker_call *call, const answer *said)
{
    int64_t now_us = worker_now(w);
    heartbeat_lease_lasts(w, said->lease_us);
    outbox_acked(&w->outbox, said->acked_outcome_sequence);
    bool news = said->job_count > 0 || said->stop_count > 0;
    lease_plan_answered(&w->plan, call->sequence, news, now_us);
    take_jobs(w, said, now_us);
    for (size_t i = 0; i < said->stop_count; i++) {
        attempts_drop(&w->attempts, &said->stops[i]);
    }
}

static void on_answer(handover_item *item)
{
    worker_call *call = (worker_call *) (void *) item;  // its first member
    worker *w = call->w;
    AUTO(answer) said = TAKE(call->answer);
    if (said != NULL) {
        take_answer(w, call, said);
    } else {
        log_debug("lease_failed", LOG_STR("code", status_code_name((status_code) call->code)));
        lease_plan_failed(&w->plan, call->sequence, worker_random(w), worker_now(w));
        worker_suspect_link(w, call->code);
    }
    call->under_way = false;
    LL_PREPEND(w->vacant_leases, call);
}

static void on_done(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    worker_call *call = (worker_call *) data;
    call->answer =
        reply == NULL ? NULL : answer_from_lease((const Errand__V1__LeaseResponse *) reply);
    call->code = error != NULL ? error->code : STATUS_RESOURCE_EXHAUSTED;
    handover_post(&call->w->inbox, &call->item);
}

static void send_lease(worker *w, worker_call *call, int64_t sequence, int32_t max_jobs)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    wait.seconds = LEASE_WAIT_US / 1000000;
    Errand__V1__LeaseRequest request = ERRAND__V1__LEASE_REQUEST__INIT;
    request.worker = &w->self;
    request.max_jobs = max_jobs;
    request.wait = &wait;
    request.lease_sequence = sequence;
    call->item.run = on_answer;
    call->sequence = sequence;
    call->under_way = true;
    errand_call_options options = {.timeout_ms = CALL_TIMEOUT_MS, .once = true};
    errand_start(w->client, &errand__v1__worker_service__descriptor, "Lease", &request.base,
                 &options, on_done, call);
}

// At a cap no more is leased: the results that are there have to get rid of first.
static bool is_accepting(const worker *w)
{
    return w->phase == WORKER_RUNNING && w->outbox.bytes < w->options.max_unacked_bytes &&
           attempts_held(&w->attempts) < w->options.max_held_bytes;
}

void lease_turn(worker *w, int64_t now_us)
{
    if (w->phase >= WORKER_REPORTING) {
        return;
    }
    lease_wish wish = {
        .concurrency = w->attempts.slot_count,
        .free = attempts_free(&w->attempts),
        .accepting = is_accepting(w),
    };
    int64_t sequence = 0;
    int32_t max_jobs = 0;
    int64_t wake_us = INT64_MAX;
    worker_call *call = take_call(w);
    if (call == NULL) {
        worker_wake_at(w, now_us + 1000000);
        return;
    }
    if (lease_plan_next(&w->plan, &wish, now_us, &sequence, &max_jobs, &wake_us)) {
        send_lease(w, call, sequence, max_jobs);
    } else {
        LL_PREPEND(w->vacant_leases, call);
        worker_wake_at(w, wake_us);
    }
}
