// hold - READY jobs whose concurrency key is full stand aside, so that nobody has to step over
// them.
#include "engine/internal.h"

// Jobs let go in a round when a queue's limit has changed.
#define STEP 200

bool hold_needed(engine *e, const job_queue *q, const job_row *row)
{
    if (q->settings.max_per_key == QUEUE_NO_LIMIT || uuid_is_nil(&row->concurrency_key))
        return false;
    return limits_key_running(e, &row->concurrency_key) >= (size_t) q->settings.max_per_key;
}

static bool set_held(engine *e, const job_row *before, bool held)
{
    job_row row = *before;
    row.held = held;
    e->offer = e->offer || !held;
    return engine_write(e) && engine_check(e, e->store->ops->save(e->store, before, &row, 1));
}

bool hold(engine *e, const job_row *before)
{
    return set_held(e, before, true);
}

bool hold_release_key(engine *e, const job_row *ended)
{
    job_row row;
    size_t count = 0;
    const job_queue *q = queue_of(e, ended->route);
    if (q == NULL || uuid_is_nil(&ended->concurrency_key) ||
        q->settings.max_per_key == QUEUE_NO_LIMIT || hold_needed(e, q, ended))
        return true;
    if (!engine_check(e, e->store->ops->held(e->store, &ended->concurrency_key, 1, &row, &count)))
        return false;
    return count == 0 || set_held(e, &row, false);
}

static bool release_route(engine *e, int32_t route, size_t *room)
{
    job_row rows[STEP];
    size_t count;
    if (!engine_check(e, e->store->ops->held_of_route(e->store, route, *room, rows, &count)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!set_held(e, &rows[i], false))
            return false;
    *room -= count;
    return true;
}

void hold_release_queues(engine *e)
{
    job_queue *q, *next;
    if (!e->releasing)
        return;
    size_t room = STEP;
    HASH_ITER(hh, e->queues, q, next)
    {
        for (size_t i = 0; q->releasing && room > 0 && i < q->route_count; i++)
            if (!release_route(e, q->routes[i], &room))
                return;
        if (room > 0)
            q->releasing = false;
    }
    e->releasing = room == 0;
}
