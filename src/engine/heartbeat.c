// heartbeat - a worker tells what it runs: those leases are renewed, the missing ones given back.
#include "engine/internal.h"

static void renew(engine *e, session *s, engine_heartbeat *h)
{
    for (size_t i = 0; i < h->running_count; i++) {
        lease *l = lease_find(e, &h->running[i], &h->worker_id);
        if (l == NULL) {
            h->lost[h->lost_count++] = h->running[i];
            continue;
        }
        // A worker that runs a job has seen the assignment.
        l->confirmed = true;
        l->former = false;
        l->seen = s->heartbeats;
        l->expires_us = e->mono_us + e->options.lease_us;
    }
}

// The heartbeat was made before the worker saw later assignments: those are not missing.
static bool is_missing(const session *s, const engine_heartbeat *h, const lease *l)
{
    return l->confirmed && l->seen != s->heartbeats &&
           (h->lease_sequence == 0 || l->row.lease_sequence <= h->lease_sequence);
}

static void give_back_missing(engine *e, session *s, const engine_heartbeat *h)
{
    lease *l, *next;
    DL_FOREACH_SAFE(s->leases, l, next)
    {
        if (is_missing(s, h, l) && !finish_released(e, l))
            return;
    }
}

void heartbeat_apply(engine *e, engine_heartbeat *h)
{
    status *failure = NULL;
    session *s = session_touch(e, &h->worker_id, &failure);
    if (s == NULL) {
        engine_refuse(e, &h->command, failure);
        return;
    }
    h->lost = arena_alloc(h->memory, (h->running_count + 1) * sizeof *h->lost);
    if (h->lost == NULL || !session_notices(s, h->memory, &h->notices)) {
        engine_refuse(e, &h->command, no_memory());
        return;
    }
    s->heartbeats++;
    renew(e, s, h);
    if (!engine_rests(e))
        give_back_missing(e, s, h);
    engine_answer(e, &h->command);
}
