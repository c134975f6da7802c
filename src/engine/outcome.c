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

static void reject(engine *e, engine_outcomes *o, session *s, const engine_outcome *outcome)
{
    engine_rejection rejection = {
        .ref = outcome->ref,
        .code = STATUS_FAILED_PRECONDITION,
        .message = "the lease is void: it ended, or was never this worker's",
    };
    if (!o->report)
        session_reject(e, s, &rejection);
    else if (o->rejected != NULL)
        o->rejected[o->rejected_count++] = rejection;
}

static void apply_all(engine *e, engine_outcomes *o, session *s)
{
    if (o->report)
        o->rejected = arena_alloc(o->memory, o->count * sizeof *o->rejected);
    for (size_t i = 0; i < o->count; i++) {
        lease *l = lease_find(e, &o->outcomes[i].ref, &o->worker_id);
        if (l == NULL)
            reject(e, o, s, &o->outcomes[i]);
        else if (apply_one(e, l, &o->outcomes[i]))
            o->accepted++;
        else
            return;
    }
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
    bool early = o->sequence > s->acked + 1;
    if (early && o->report)
        failure = status_bad_field("outcome_sequence", "found %lld, expected %lld",
                                   (long long) o->sequence, (long long) s->acked + 1);
    if (!repeated && !early)
        apply_all(e, o, s);
    o->acked_outcome_sequence = s->acked;
    engine_refuse(e, &o->command, failure);
}
