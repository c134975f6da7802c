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
    if (s != NULL && s->parked == p)
        s->parked = NULL;
    DL_DELETE(e->idle, p);
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
    DL_FOREACH_SAFE(e->idle, p, next)
    answer_parked(e, p);
}

// ---- jobs for those that are parked ----

void assign_ready(engine *e)
{
    parked *p, *next;
    if (e->idle == NULL || !e->offer)
        return;
    e->offer = false;
    DL_FOREACH_SAFE(e->idle, p, next)
    {
        engine_lease *command = lease_command(p);
        session *s = session_find(e, &command->worker_id);
        if (e->trouble != NULL) {
            e->offer = true;
            return;
        }
        if (s == NULL || command->max_jobs == 0)
            continue;
        take(e, s, command);
        if (command->assignment_count > 0)
            answer_parked(e, p);
    }
}

// ---- the call ----

static bool is_repeated(const lease *l, const engine_lease *command)
{
    return l->row.lease_sequence == command->lease_sequence && !l->orphan;
}

// The same call again: the same jobs again.
static bool repeat(engine *e, session *s, engine_lease *command)
{
    lease *l;
    size_t count = 0;
    DL_FOREACH(s->leases, l)
    count += is_repeated(l, command);
    if (count == 0)
        return false;
    command->assignments = arena_alloc(command->memory, count * sizeof *command->assignments);
    if (command->assignments == NULL)
        return false;
    DL_FOREACH(s->leases, l)
    {
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
    lease *l;
    DL_FOREACH(s->leases, l)
    {
        if (l->row.lease_sequence < lease_sequence)
            l->confirmed = true;
    }
}

static void park_lease(engine *e, session *s, engine_lease *command)
{
    parked *p = park(e, &command->command, command->ticket, command->deadline_us, assign_late);
    if (p == NULL)
        return;
    s->parked = p;
    DL_APPEND(e->idle, p);
}

void assign_apply(engine *e, engine_lease *command)
{
    status *failure = NULL;
    session *s = session_touch(e, &command->worker_id, &failure);
    if (s == NULL || !session_describe(s, command->worker)) {
        engine_refuse(e, &command->command, s == NULL ? failure : no_memory());
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
