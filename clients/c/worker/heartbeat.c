// heartbeat - renews the leases, and sees them run out when that fails.
#include "worker/internal.h"

#include "base/log.h"
#include "worker/answer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define PROGRESS_US 1000000  // between heartbeats made because there is progress to tell
#define URGENT_US   200000   // between heartbeats made because outcomes pile up

static worker_link *of_heartbeat(worker_call *call)
{
    return (worker_link *) (void *) ((char *) call - offsetof(worker_link, heartbeat));
}

void heartbeat_lease_lasts(worker_link *l, int64_t lease_us)
{
    if (lease_us <= 0 || lease_us == l->lease_us) {
        return;
    }
    l->lease_us = l->beats.lease_us = lease_us;
    l->expiry_us = 0;
}

static void take_answer(worker_link *l, const worker_call *call, const answer *said)
{
    heartbeat_lease_lasts(l, said->lease_us);
    if (l->unreachable) {
        log_info("server_reachable", LOG_STR("url", l->rpc_url));
    }
    l->unreachable = false;
    l->renewed_us = call->sent_us;
    heartbeat_plan_answered(&l->beats);
    if (call->sent_us < l->linked_us) {  // it does not show that the server is there again
        heartbeat_plan_want(&l->beats, 0);
    }
    outbox_acked(&l->source.outbox, said->acked_outcome_sequence);
    push_check(l, call, said->acked_outcome_sequence);
    for (size_t i = 0; i < said->stop_count; i++) {
        attempts_drop(&l->w->attempts, &said->stops[i]);
    }
}

// A server that can be reached may refuse, for a wrong token for instance.
static void tell_failure(const worker_link *l, const worker_call *call)
{
    bool is_away = call->code == STATUS_UNAVAILABLE || call->code == STATUS_DEADLINE_EXCEEDED;
    log_warn(is_away ? "server_unreachable" : "server_refuses", LOG_STR("url", l->rpc_url),
             LOG_STR("code", status_code_name((status_code) call->code)),
             LOG_STR("why", call->why));
}

static void on_answer(handover_item *item)
{
    worker_call *call = (worker_call *) (void *) item;  // its first member
    worker_link *l = of_heartbeat(call);
    AUTO(answer) said = TAKE(call->answer);
    call->under_way = false;
    if (said != NULL) {
        take_answer(l, call, said);
        return;
    }
    if (!l->unreachable && call->code != STATUS_CANCELLED) {
        tell_failure(l, call);
    }
    l->unreachable = true;
    l->hungry = l->told = false;
    heartbeat_plan_failed(&l->beats, worker_now(l->w));
    worker_suspect_link(l, call->code);
}

static void on_done(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    worker_call *call = (worker_call *) data;
    call->answer =
        reply == NULL ? NULL : answer_from_heartbeat((const Errand__V1__HeartbeatResponse *) reply);
    call->code = error != NULL ? error->code : STATUS_RESOURCE_EXHAUSTED;
    (void) snprintf(call->why, sizeof call->why, "%s",
                    error != NULL ? error->message : "out of memory");
    handover_post(&call->link->w->inbox, &call->item);
}

// A running job as a heartbeat names it.
typedef struct named_job {
    Errand__V1__RunningJob job;
    Errand__V1__Progress progress;
} named_job;

static void name_job(const lease_ref *ref, named_job *ret)
{
    errand__v1__running_job__init(&ret->job);
    ret->job.job_id = (char *) (uintptr_t) ref->job_id;
    ret->job.token.len = ref->token_size;
    ret->job.token.data = (uint8_t *) (uintptr_t) ref->token;
}

static void name_attempt(const attempt *a, named_job *ret)
{
    name_job(&a->ref, ret);
    if (a->done == 0 && a->total == 0 && a->message[0] == '\0') {
        return;
    }
    errand__v1__progress__init(&ret->progress);
    ret->progress.done = a->done;
    ret->progress.total = a->total;
    ret->progress.message = (char *) (uintptr_t) a->message;
    ret->job.progress = &ret->progress;
}

// One block: the pointers, then the messages.
static Errand__V1__RunningJob **name_running(const worker_link *l, size_t *ret_count)
{
    size_t waiting = l->source.outbox.ref_count, count = 0;
    size_t room = (size_t) l->source.running + waiting;
    const lease_ref **refs = calloc(waiting + 1, sizeof *refs);
    Errand__V1__RunningJob **named =
        calloc(1, (room + 1) * (sizeof(Errand__V1__RunningJob *) + sizeof(named_job)));
    if (refs == NULL || named == NULL) {
        free(refs);
        free(named);
        return NULL;
    }
    named_job *jobs = (named_job *) (void *) (named + room + 1);
    const attempt *a;
    outbox_refs(&l->source.outbox, refs);
    for (; count < waiting; count++) {
        name_job(refs[count], &jobs[count]);
    }
    DL_FOREACH(l->w->attempts.running, a)
    {
        if (a->source == &l->source) {
            name_attempt(a, &jobs[count++]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        named[i] = &jobs[i].job;
    }
    free(refs);
    *ret_count = count;
    return named;
}

static void send_heartbeat(worker_link *l, int64_t now_us)
{
    Errand__V1__HeartbeatRequest request = ERRAND__V1__HEARTBEAT_REQUEST__INIT;
    request.worker = &l->self;
    request.lease_sequence = l->plan.answered;
    request.running = name_running(l, &request.n_running);
    if (request.running == NULL) {
        heartbeat_plan_failed(&l->beats, now_us);
        return;
    }
    l->source.progressed = false;
    heartbeat_plan_sent(&l->beats, now_us);
    worker_call *call = &l->heartbeat;
    call->link = l;
    call->item.run = on_answer;
    call->sent_us = now_us;
    call->sequence = l->source.outbox.acked;
    call->under_way = true;
    errand_call_options options = {.timeout_ms = l->lease_us / 3000 + 1, .once = true};
    errand_start(l->client, &errand__v1__worker_service__descriptor, "Heartbeat", &request.base,
                 &options, on_done, call);
    free(request.running);
}

static bool is_urgent(const worker_link *l)
{
    return l->source.outbox.bytes >= l->w->options.max_unacked_bytes / 2;
}

// Nothing is held, and the server knows that it lives by the Lease that is parked there.
static bool is_idle(const worker_link *l)
{
    return l->source.running == 0 && outbox_is_empty(&l->source.outbox) && l->plan.under_way;
}

static int64_t due_us(worker_link *l, int64_t now_us)
{
    int64_t due = heartbeat_plan_due(&l->beats, is_idle(l), now_us);
    if (l->beats.failed) {
        return due;
    }
    if (is_urgent(l) && l->beats.sent_us + URGENT_US < due) {
        due = l->beats.sent_us + URGENT_US;
    }
    if (l->source.progressed && l->beats.sent_us + PROGRESS_US < due) {
        due = l->beats.sent_us + PROGRESS_US;
    }
    return due;
}

static void see_leases_run_out(worker_link *l, int64_t now_us)
{
    if (l->source.running > 0 && now_us >= l->expiry_us) {
        l->expiry_us =
            attempts_drop_expired(&l->w->attempts, &l->source, l->renewed_us, l->lease_us, now_us);
    }
    if (l->source.running > 0) {
        worker_wake_at(l->w, l->expiry_us);
    }
}

void heartbeat_turn(worker_link *l, int64_t now_us)
{
    see_leases_run_out(l, now_us);
    if (l->heartbeat.under_way || l->w->phase >= WORKER_REPORTING) {
        return;
    }
    int64_t due = due_us(l, now_us);
    if (now_us >= due) {
        send_heartbeat(l, now_us);
    } else {
        worker_wake_at(l->w, due);
    }
}
