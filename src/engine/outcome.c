// outcome - what workers report: applied once, in order, and only under a valid lease.
#include "engine/internal.h"

#include "job/rules.h"

static bool apply_one(engine *e, lease *l, const engine_outcome *outcome)
{
    switch (outcome->type) {
    case ENGINE_SUCCESS:
        return finish_succeeded(e, l, outcome->result);
    case ENGINE_FAILURE: {
        job_failure failure = {.retryable = outcome->retryable,
                               .retry_after_us = outcome->retry_after_us};
        return finish_failed(e, l, &failure, outcome->error);
    }
    case ENGINE_RELEASED:
        return finish_released(e, l);
    }
    return true;
}

static void reject(engine *e, engine_outcomes *o, session *s, engine_rejection rejection)
{
    if (!o->report)
        session_reject(e, s, &rejection);
    else if (o->rejected != NULL)
        o->rejected[o->rejected_count++] = rejection;
}

static engine_rejection void_lease(const engine_outcome *outcome)
{
    return (engine_rejection){
        .ref = outcome->ref,
        .code = STATUS_FAILED_PRECONDITION,
        .message = "the lease is void: it ended, or was never this worker's",
    };
}

static engine_rejection unreadable(const engine_outcome *outcome)
{
    return (engine_rejection){
        .ref = outcome->ref,
        .code = outcome->refused,
        .message = "the outcome could not be read: the attempt has failed, and its error says why",
    };
}

// False when the store refused.
static bool take_one(engine *e, engine_outcomes *o, session *s, const engine_outcome *outcome)
{
    lease *l = lease_find(e, &outcome->ref, &o->worker_id);
    if (l == NULL) {
        reject(e, o, s, void_lease(outcome));
        return true;
    }
    if (outcome->refused != STATUS_OK)
        reject(e, o, s, unreadable(outcome));
    else
        o->accepted++;
    return apply_one(e, l, outcome);
}

static void apply_all(engine *e, engine_outcomes *o, session *s)
{
    if (o->report)
        o->rejected = arena_alloc(o->memory, o->count * sizeof *o->rejected);
    for (size_t i = 0; i < o->count; i++)
        if (!take_one(e, o, s, &o->outcomes[i]))
            return;
    if (o->sequence != 0) {
        s->acked = o->sequence;
        session_save_ack(e, s);
    }
}

void outcomes_apply(engine *e, engine_outcomes *o)
{
    status *failure = NULL;
    session *s = session_touch(e, &o->worker_id, &failure);
    if (s == NULL) {
        engine_refuse(e, &o->command, failure);
        return;
    }
    if (s->unknown && o->sequence > 0) {
        s->acked = o->sequence - 1;
        s->unknown = false;
    }
    bool repeated = o->sequence != 0 && o->sequence <= s->acked;
    bool early = o->sequence - 1 > s->acked;
    if (early && o->report)
        failure = status_bad_field("outcome_sequence", "found %lld, expected the one behind %lld",
                                   (long long) o->sequence, (long long) s->acked);
    if (!repeated && !early)
        apply_all(e, o, s);
    o->acked_outcome_sequence = s->acked;
    engine_refuse(e, &o->command, failure);
}
