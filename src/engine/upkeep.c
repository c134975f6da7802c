// upkeep - housekeeping that nobody waits for: space given back, workers forgotten.
#include "engine/internal.h"

#include "base/log.h"

#include <stddef.h>

#define HOUR_US (3600 * 1000000LL)

// Between two steps, so that commands find the store free.
#define STEP_PAUSE_US 20000

// A worker that has reported nothing for so long starts anew when it comes back.
#define WORKER_MEMORY_US (24 * HOUR_US)

// Workers that are still there are not forgotten.
static void see_workers(engine *e)
{
    session *s, *next;
    HASH_ITER(hh, e->sessions, s, next)
    if (s->stored && !s->unknown && e->now_us - s->heard_us < 2 * HOUR_US)
        session_save_ack(e, s);
}

static void hourly(void *context, timer *t)
{
    engine *e = context;
    if (engine_rests(e)) {
        timers_set(&e->timers, t, e->retry_us);
        return;
    }
    timers_set(&e->timers, t, e->mono_us + HOUR_US);
    see_workers(e);
    if (engine_write(e))
        engine_check(e, e->store->ops->forget_workers(e->store, e->now_us - WORKER_MEMORY_US));
}

void upkeep_start(engine *e)
{
    e->slack_us = e->mono_us;
    e->hourly.fire = hourly;
    if (timers_reserve(&e->timers, 1))
        timers_set(&e->timers, &e->hourly, e->mono_us + HOUR_US);
}

void upkeep_space_later(engine *e)
{
    if (e->slack_us == INT64_MAX)
        e->slack_us = e->mono_us + STEP_PAUSE_US;
}

void upkeep_space(engine *e)
{
    bool more = false;
    if (e->mono_us < e->slack_us)
        return;
    status *failure = e->store->ops->maintain(e->store, &more);
    if (failure != NULL)
        log_warn("upkeep_failed", LOG_STATUS(failure));
    status_free(failure);
    e->slack_us = more ? e->mono_us + STEP_PAUSE_US : INT64_MAX;
}
