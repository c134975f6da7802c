// lease - the jobs that run: who holds them, until when.
#include "engine/internal.h"

#include "base/log.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

engine_token engine_token_make(int64_t seq, int32_t attempt)
{
    engine_token token;
    for (int i = 0; i < 8; i++)
        token.bytes[i] = (uint8_t) ((uint64_t) seq >> (56 - 8 * i));
    for (int i = 0; i < 4; i++)
        token.bytes[8 + i] = (uint8_t) ((uint32_t) attempt >> (24 - 8 * i));
    return token;
}

lease *lease_by_seq(engine *e, int64_t seq)
{
    lease *l = NULL;
    HASH_FIND(hh, e->leases, &seq, sizeof seq, l);
    return l;
}

lease *lease_find(engine *e, const engine_lease_ref *ref, const uuid *worker)
{
    int64_t seq = 0;
    for (int i = 0; i < 8; i++)
        seq = (int64_t) ((uint64_t) seq << 8 | ref->token.bytes[i]);
    lease *l = lease_by_seq(e, seq);
    if (l == NULL)
        return NULL;
    engine_token token = engine_token_make(l->seq, l->row.attempt);
    bool same = memcmp(&token, &ref->token, sizeof token) == 0 &&
                uuid_equal(&l->row.id, &ref->id) && uuid_equal(&l->holder->id, worker);
    return same ? l : NULL;
}

bool lease_is_confirmed(const lease *l)
{
    return l->confirmed || l->row.lease_sequence < l->holder->confirmed_sequence;
}

static int64_t next_look(const lease *l)
{
    return l->expires_us < l->voided_us ? l->expires_us : l->voided_us;
}

static bool time_out(engine *e, lease *l)
{
    static char message[] = "the attempt took longer than attempt_timeout";
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    error.code = ERRAND__RPC__V1__CODE__DEADLINE_EXCEEDED;
    error.message = message;
    job_failure failure = {.retryable = true};
    return finish_failed(e, l, &failure, &error);
}

// The end of a lease whose time has come. After a refusal of the disk `recover` sets all timers
// anew.
static void run_out(engine *e, lease *l)
{
    if (l->former)
        (void) finish_released(e, l);
    else if (e->mono_us >= l->voided_us)
        (void) time_out(e, l);
    else
        (void) finish_lost(e, l);
}

// A renewal only moves expires_us; the timer finds out here that it came too early.
static void lease_clock(void *context, timer *t)
{
    engine *e = context;
    lease *l = (lease *) ((char *) t - offsetof(lease, clock));
    if (e->mono_us < next_look(l))
        timers_set(&e->timers, &l->clock, next_look(l));
    else if (engine_rests(e))
        timers_set(&e->timers, &l->clock, e->retry_us);
    else
        run_out(e, l);
}

lease *lease_open(engine *e, session *holder, const job_row *row)
{
    lease *l = calloc(1, sizeof *l);
    if (l == NULL || !timers_reserve(&e->timers, 1)) {
        free(l);
        return NULL;
    }
    l->seq = row->seq;
    l->row = *row;
    l->holder = holder;
    l->clock.fire = lease_clock;
    l->expires_us = e->mono_us + e->options.lease_us;
    int64_t running_us = e->now_us > row->start_us ? e->now_us - row->start_us : 0;
    l->voided_us = e->mono_us + row->policy.attempt_timeout_us + e->options.grace_us - running_us;
    HASH_ADD(hh, e->leases, seq, sizeof l->seq, l);
    if (l->hh.tbl == NULL) {
        free(l);
        return NULL;
    }
    limits_opened(e, row);
    DL_APPEND(holder->leases, l);
    holder->lease_count++;
    timers_set(&e->timers, &l->clock, next_look(l));
    return l;
}

bool lease_is_own(const engine *e, const uuid *worker)
{
    for (size_t i = 0; i < e->options.own_worker_count; i++) {
        if (uuid_equal(&e->options.own_workers[i], worker))
            return true;
    }
    return false;
}

// A lease that ends because the server was away counts against nobody. The own worker of the run
// before is gone: its jobs go to others at once. A remote one may have finished meanwhile: it has a
// full lease to say so.
void lease_inherit(engine *e, lease *l)
{
    l->former = l->row.start_us <= e->start_us;
    l->orphan = l->former && lease_is_own(e, &l->holder->id);
    if (l->voided_us < l->expires_us)
        l->voided_us = l->expires_us;
    if (l->orphan)
        l->expires_us = e->mono_us > e->retry_us ? e->mono_us : e->retry_us;
    timers_set(&e->timers, &l->clock, next_look(l));
}

void lease_end(engine *e, lease *l)
{
    timers_clear(&e->timers, &l->clock);
    DL_DELETE(l->holder->leases, l);
    l->holder->lease_count--;
    HASH_DEL(e->leases, l);
    limits_closed(e, &l->row);
    free(l);
}

void lease_free_all(engine *e)
{
    lease *l, *next;
    HASH_ITER(hh, e->leases, l, next)
    lease_end(e, l);
}
