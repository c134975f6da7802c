// hold - READY jobs whose concurrency key is full stand aside, so that nobody has to step over
// them.
#include "engine/internal.h"

// Jobs looked at in a round when a queue's limit has changed.
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
    return engine_write(e) && engine_check(e, e->store->ops->save(e->store, before, &row, 1));
}

bool hold(engine *e, const job_row *before)
{
    return set_held(e, before, true);
}

// The first of each kind: a kind that no worker asks for keeps no other back.
static bool release_first(engine *e, const job_queue *q, const uuid *key)
{
    job_row row = {.route = 0};
    size_t left = q->route_count;
    do {
        if (!engine_check(e, e->store->ops->first_held(e->store, key, row.route, &row)))
            return false;
        if (row.seq != 0 && !set_held(e, &row, false))
            return false;
    } while (row.seq != 0 && --left > 0);
    return true;
}

bool hold_release_key(engine *e, const job_row *ended)
{
    const job_queue *q = queue_of(e, ended->route);
    if (q == NULL || uuid_is_nil(&ended->concurrency_key) ||
        q->settings.max_per_key == QUEUE_NO_LIMIT || hold_needed(e, q, ended))
        return true;
    return release_first(e, q, &ended->concurrency_key);
}

void hold_look_again(engine *e, job_queue *q)
{
    q->releasing = e->releasing = true;
    q->release_index = 0;
    q->release_seq = 0;
}

// Goes on in a route behind the job that was looked at last; those whose key is full stay.
static bool release_route(engine *e, job_queue *q, size_t *room)
{
    job_row rows[STEP];
    size_t count;
    int32_t route = q->routes[q->release_index]->number;
    if (!engine_check(
            e, e->store->ops->held_of_route(e->store, route, q->release_seq, *room, rows, &count)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!hold_needed(e, q, &rows[i]) && !set_held(e, &rows[i], false))
            return false;
    *room -= count;
    if (count > 0)
        q->release_seq = rows[count - 1].seq;
    return true;
}

// True when there is room for another queue.
static bool release_queue(engine *e, job_queue *q, size_t *room)
{
    for (; q->release_index < q->route_count; q->release_index++, q->release_seq = 0)
        if (!release_route(e, q, room) || *room == 0)
            return false;
    q->releasing = false;
    return true;
}

void hold_release_queues(engine *e)
{
    job_queue *q, *next;
    size_t room = STEP;
    if (!e->releasing)
        return;
    HASH_ITER(hh, e->queues, q, next)
    {
        if (q->releasing && !release_queue(e, q, &room))
            return;
    }
    e->releasing = false;
}
