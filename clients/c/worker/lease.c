// lease - asks the server for jobs, and takes the answers.
#include "worker/internal.h"

#include "base/log.h"
#include "worker/answer.h"
#include "worker/share.h"

#include <stdlib.h>
#include <utlist.h>

#define CALL_TIMEOUT_MS (LEASE_WAIT_US / 1000 + 10000)
#define HUNGRY_US       200000  // a server that has jobs does not take longer to answer

static worker_call *take_call(worker_link *l)
{
    worker_call *call = l->vacant_leases;
    if (call != NULL) {
        LL_DELETE(l->vacant_leases, call);
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call != NULL) {
        call->link = l;
    }
    return call;
}

void lease_close(worker_link *l)
{
    while (l->vacant_leases != NULL) {
        worker_call *call = l->vacant_leases;
        LL_DELETE(l->vacant_leases, call);
        free(call);
    }
}

static void take_jobs(worker_link *l, const answer *said, int64_t now_us)
{
    if (said->job_count > 0) {
        l->served = ++l->w->jobs_served;
    }
    for (size_t i = 0; i < said->job_count; i++) {
        answer_job *job = &said->jobs[i];
        if (l->w->phase == WORKER_RUNNING) {
            attempts_start(&l->w->attempts, &l->source, &job->ref, job->job, &job->memory, now_us);
        } else {
            attempts_release(&l->source, &job->ref);
        }
    }
    if (said->job_count > 0 && l->expiry_us > now_us + l->lease_us) {
        l->expiry_us = now_us + l->lease_us;
    }
}

static void take_answer(worker_link *l, const worker_call *call, const answer *said)
{
    int64_t now_us = worker_now(l->w);
    heartbeat_lease_lasts(l, said->lease_us);
    outbox_acked(&l->source.outbox, said->acked_outcome_sequence);
    bool news = said->job_count > 0 || said->stop_count > 0;
    lease_plan_answered(&l->plan, call->sequence, news, now_us);
    l->hungry = call->max_jobs > 0 && said->job_count >= (size_t) call->max_jobs;
    take_jobs(l, said, now_us);
    for (size_t i = 0; i < said->stop_count; i++) {
        attempts_drop(&l->w->attempts, &said->stops[i]);
    }
}

static void on_answer(handover_item *item)
{
    worker_call *call = (worker_call *) (void *) item;  // its first member
    worker_link *l = call->link;
    AUTO(answer) said = TAKE(call->answer);
    if (said != NULL) {
        take_answer(l, call, said);
    } else {
        log_debug("lease_failed", LOG_STR("code", status_code_name((status_code) call->code)));
        lease_plan_failed(&l->plan, call->sequence, worker_random(l->w), worker_now(l->w));
        worker_suspect_link(l, call->code);
    }
    call->under_way = false;
    l->asking -= call->max_jobs > 0;
    LL_PREPEND(l->vacant_leases, call);
}

static void on_done(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    worker_call *call = (worker_call *) data;
    call->answer = reply == NULL ? NULL
                                 : answer_from_lease((const Errand__V1__LeaseResponse *) reply,
                                                     &call->link->w->attempts.pool);
    call->code = error != NULL ? error->code : STATUS_RESOURCE_EXHAUSTED;
    handover_post(&call->link->w->inbox, &call->item);
}

static void send_lease(worker_link *l, worker_call *call, int64_t sequence, int32_t max_jobs)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    wait.seconds = LEASE_WAIT_US / 1000000;
    Errand__V1__LeaseRequest request = ERRAND__V1__LEASE_REQUEST__INIT;
    request.worker = &l->self;
    request.max_jobs = max_jobs;
    request.wait = &wait;
    request.lease_sequence = sequence;
    call->item.run = on_answer;
    call->sequence = sequence;
    call->max_jobs = max_jobs;
    call->under_way = true;
    l->asking += max_jobs > 0;
    errand_call_options options = {.timeout_ms = CALL_TIMEOUT_MS, .once = true};
    errand_start(l->client, &errand__v1__worker_service__descriptor, "Lease", &request.base,
                 &options, on_done, call);
}

// At a cap no more is leased: the results that are there have to get rid of first.
static bool is_accepting(const worker_link *l)
{
    return l->w->phase == WORKER_RUNNING &&
           l->source.outbox.bytes < l->w->options.max_unacked_bytes &&
           attempts_held(&l->w->attempts) < l->w->options.max_held_bytes;
}

static bool is_hungry(const worker_link *l, int64_t now_us)
{
    const lease_plan *plan = &l->plan;
    bool waits = plan->under_way && plan->max_jobs > 0 && now_us >= plan->sent_us + HUNGRY_US;
    return l->hungry && !waits && !l->unreachable;
}

// A server that has not its part is asked for one job even while all slots are taken: that one
// waits for the next slot, so that no server stands back for the others. When it is known to have
// jobs there is nothing to find out.
static bool may_ask_ahead(const worker_link *l)
{
    const worker *w = l->w;
    if (w->link_count < 2 || l->source.waiting > 0 || l->hungry) {
        return false;
    }
    int32_t part = w->attempts.slot_count / (int32_t) w->link_count;
    return l->source.running < (part > 1 ? part : 1);
}

static int32_t share(const worker_link *l, int64_t now_us)
{
    const worker *w = l->w;
    share_claim claims[WORKER_MAX_SERVERS];
    for (size_t i = 0; i < w->link_count; i++) {
        const worker_link *other = &w->links[i];
        claims[i] = (share_claim){other->source.running, is_hungry(other, now_us), other->served};
    }
    int32_t own =
        share_of(claims, w->link_count, (size_t) (l - w->links), attempts_free(&w->attempts));
    return own == 0 && may_ask_ahead(l) ? 1 : own;
}

// A Lease that is answered after the worker has gone would keep its jobs until they run out. At
// the end one for no jobs takes its place, and the answers are waited for, if there is a server.
bool lease_may_bring_jobs(const worker_link *l, int64_t now_us)
{
    bool answers = (l->renewed_us > 0 || l->link_seen) && !l->unreachable;
    return l->asking > 0 && answers && now_us < l->w->leave_end_us;
}

void lease_turn(worker_link *l, int64_t now_us)
{
    if (l->w->phase >= WORKER_REPORTING && !(l->plan.under_way && l->plan.max_jobs > 0)) {
        return;
    }
    l->hungry = l->hungry || l->source.turned_away;
    l->source.turned_away = false;
    lease_wish wish = {
        .concurrency = l->w->attempts.slot_count,
        .free = share(l, now_us),
        .accepting = is_accepting(l),
        .leaving = l->w->phase != WORKER_RUNNING,
    };
    int64_t sequence = 0;
    int32_t max_jobs = 0;
    int64_t wake_us = INT64_MAX;
    worker_call *call = take_call(l);
    if (call == NULL) {
        worker_wake_at(l->w, now_us + 1000000);
        return;
    }
    if (is_hungry(l, now_us) && l->plan.under_way) {
        worker_wake_at(l->w, l->plan.sent_us + HUNGRY_US);  // it leaves its part to the others then
    }
    if (lease_plan_next(&l->plan, &wish, now_us, &sequence, &max_jobs, &wake_us)) {
        send_lease(l, call, sequence, max_jobs);
    } else {
        LL_PREPEND(l->vacant_leases, call);
        worker_wake_at(l->w, wake_us);
    }
}
