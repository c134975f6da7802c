// park - commands that wait: found by ticket, ended by their deadline.
#include "engine/internal.h"

#include <stddef.h>
#include <stdlib.h>

static status *went_away(void)
{
    return status_new(STATUS_CANCELLED, "the caller went away");
}

// A caller that goes while its command is on the way here is remembered for as long as that may
// take. Tickets are handed out in order, so a newer one takes the place of a much older one.
static uint64_t *gone_slot(engine *e, uint64_t ticket)
{
    return &e->gone[ticket % GONE_TICKETS];
}

parked *park(engine *e, engine_command *command, uint64_t ticket, int64_t deadline_us,
             timer_fire_fn *late)
{
    if (ticket != 0 && *gone_slot(e, ticket) == ticket) {
        engine_refuse(e, command, went_away());
        return NULL;
    }
    parked *p = calloc(1, sizeof *p);
    bool room = p != NULL && timers_reserve(&e->timers, 1);
    if (room) {
        *p = (parked){.ticket = ticket, .command = command, .deadline.fire = late};
        HASH_ADD(hh, e->tickets, ticket, sizeof p->ticket, p);
        room = p->hh.tbl != NULL;
    }
    if (!room) {
        free(p);
        engine_refuse(e, command, no_memory());
        return NULL;
    }
    timers_set(&e->timers, &p->deadline, deadline_us);
    return p;
}

engine_command *unpark(engine *e, parked *p)
{
    engine_command *command = p->command;
    timers_clear(&e->timers, &p->deadline);
    HASH_DEL(e->tickets, p);
    free(p);
    return command;
}

parked *park_of(timer *t)
{
    return (parked *) ((char *) t - offsetof(parked, deadline));
}

static void refuse(engine *e, parked *p, status *failure)
{
    if (p->command->verb == ENGINE_WAIT)
        wait_leave(e, p);
    else if (p->command->verb == ENGINE_FEED)
        feed_leave(e, p);
    else
        assign_leave(e, p);
    engine_refuse(e, unpark(e, p), failure);
}

void park_gone(engine *e, uint64_t ticket)
{
    parked *p = NULL;
    HASH_FIND(hh, e->tickets, &ticket, sizeof ticket, p);
    if (p != NULL)
        refuse(e, p, went_away());
    else
        *gone_slot(e, ticket) = ticket;
}

void park_hurry(engine *e, uint64_t ticket)
{
    parked *p = NULL;
    HASH_FIND(hh, e->tickets, &ticket, sizeof ticket, p);
    if (p != NULL)
        timers_set(&e->timers, &p->deadline, e->mono_us);
}

void park_refuse_all(engine *e)
{
    parked *p, *next;
    HASH_ITER(hh, e->tickets, p, next)
    refuse(e, p, status_new(STATUS_UNAVAILABLE, "the server is stopping"));
}
