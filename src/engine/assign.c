// assign - jobs handed to workers: parked Lease calls, and the answers to them.
#include "engine/internal.h"

#include "base/log.h"
#include "job/rules.h"

#include <stdlib.h>

static engine_lease *lease_command(const parked *p)
{
    return (engine_lease *) p->command;
}

static void answer(engine *e, engine_lease *command)
{
    session *s = session_find(e, &command->worker_id);
    if (s != NULL && !session_notices(e, s, command->memory, &command->notices))
        engine_refuse(e, &command->command, no_memory());
    else
        engine_answer(e, &command->command);
}

void assign_leave(engine *e, parked *p)
{
    session *s = session_find(e, &lease_command(p)->worker_id);
    if (s != NULL && s->parked == p) {
        idle_leave(e, s);
        s->parked = NULL;
    }
    DL_DELETE(e->leasing, p);
}

static void answer_parked(engine *e, parked *p)
{
    assign_leave(e, p);
    answer(e, (engine_lease *) unpark(e, p));
}

void assign_tell(engine *e, session *s)
{
    if (s->parked != NULL)
        answer_parked(e, s->parked);
}

static void assign_late(void *context, timer *t)
{
    answer_parked(context, park_of(t));
}

void assign_release_parked(engine *e)
{
    parked *p, *next;
    DL_FOREACH_SAFE(e->leasing, p, next)
    answer_parked(e, p);
}

// ---- jobs for those that are parked ----

static void again(void *context, timer *t)
{
    (void) t;
    supply_forget(context);
}

void assign_again(engine *e)
{
    e->again.fire = again;
    if (timers_reserve(&e->timers, 1))
        timers_set(&e->timers, &e->again, e->mono_us);
    else
        supply_forget(e);
}

// True when the worker got jobs, and is parked no longer.
static bool assign_to(engine *e, session *s)
{
    parked *p = s->parked;
    engine_lease *command = lease_command(p);
    take(e, s, command);
    if (e->trouble != NULL || command->assignment_count == 0)
        return false;
    answer_parked(e, p);
    return true;
}

// Everybody tries: for when the jobs that wait are not those that were offered.
static void assign_to_all(engine *e)
{
    parked *p, *next;
    DL_FOREACH_SAFE(e->leasing, p, next)
    {
        session *s = session_find(e, &lease_command(p)->worker_id);
        if (e->trouble != NULL || e->full)
            return;
        if (s != NULL && s->waits)
            (void) assign_to(e, s);
    }
}

// Each time the one that waits longest of those who serve what was offered. Who gets nothing has
// found that it is gone, or held back.
static void assign_offers(engine *e)
{
    session *s;
    while (e->trouble == NULL && !e->full && (s = idle_next(e)) != NULL)
        if (!assign_to(e, s))
            idle_decline(e);
    idle_withdraw(e);
}

// Jobs wait that nobody was offered: too many ran, or memory was short.
static bool is_left_over(engine *e)
{
    bool left = e->full && HASH_COUNT(e->leases) < e->options.max_leases;
    e->full = e->full && !left;
    return left;
}

void assign_ready(engine *e)
{
    supply_refresh(e);
    bool all = is_left_over(e) || !idle_offer(e);
    if (all) {
        idle_withdraw(e);
        assign_to_all(e);
    } else {
        assign_offers(e);
    }
    if (e->trouble != NULL)
        supply_forget(e);
}

// ---- the call ----

// The first lease of a worker that its latest call handed out, or a later one: leases stand in the
// order of the calls.
static lease *first_of_call(const session *s, int64_t lease_sequence)
{
    lease *first = NULL, *l = s->leases != NULL ? s->leases->prev : NULL;
    while (l != NULL && l != first && l->row.lease_sequence >= lease_sequence) {
        first = l;
        l = l == s->leases ? NULL : l->prev;
    }
    return first;
}

static bool is_repeated(const lease *l, const engine_lease *command)
{
    return l->row.lease_sequence == command->lease_sequence && !l->orphan;
}

// The same call again: the same jobs again.
static bool repeat(engine *e, session *s, engine_lease *command)
{
    size_t count = 0;
    lease *first = first_of_call(s, command->lease_sequence);
    for (const lease *l = first; l != NULL; l = l->next)
        count += is_repeated(l, command);
    if (count == 0)
        return false;
    command->assignments = arena_alloc(command->memory, count * sizeof *command->assignments);
    if (command->assignments == NULL)
        return false;
    for (const lease *l = first; l != NULL; l = l->next) {
        if (!is_repeated(l, command))
            continue;
        status *failure = take_fill(e, &l->row, command->memory,
                                    &command->assignments[command->assignment_count]);
        if (failure == NULL)
            command->assignment_count++;
        else if (is_damage(failure))
            status_free(failure);  // it ends when its lease does
        else
            engine_check(e, failure);
    }
    return true;
}

static void confirm(session *s, int64_t lease_sequence)
{
    if (s->confirmed_sequence < lease_sequence)
        s->confirmed_sequence = lease_sequence;
}

static void park_lease(engine *e, session *s, engine_lease *command)
{
    parked *p = park(e, &command->command, command->ticket, command->deadline_us, assign_late);
    if (p == NULL)
        return;
    s->parked = p;
    DL_APPEND(e->leasing, p);
    if (command->max_jobs > 0)
        idle_enter(e, s);
}

void assign_apply(engine *e, engine_lease *command)
{
    status *failure = NULL;
    session *s = session_touch(e, &command->worker_id, &failure);
    if (s != NULL)
        failure = session_describe(e, s, command->worker);
    if (s == NULL || failure != NULL) {
        engine_refuse(e, &command->command, failure);
        return;
    }
    if (command->lease_sequence == 1)
        s->unknown = false;  // a worker's first call: it has reported nothing yet
    session_meet(s, command->worker);
    assign_tell(e, s);  // a newer Lease answers the older one
    confirm(s, command->lease_sequence);
    bool repeated = repeat(e, s, command);
    bool stale = command->lease_sequence < s->lease_sequence;
    if (!repeated && !stale && command->max_jobs > 0 && !atomic_load(&e->draining))
        take(e, s, command);
    if (repeated || stale || s->untold || command->assignment_count > 0 ||
        command->deadline_us <= e->mono_us || atomic_load(&e->draining))
        answer(e, command);
    else
        park_lease(e, s, command);
}
