// ranks - the aging of a queue has changed: its READY jobs take their new places in line, a step in
// a round.
//
// A job's place is fixed when it becomes READY. Places by strict priority and places by age do not
// compare: whoever kept an old one would come before or behind all others.
#include "engine/internal.h"

// Jobs looked at in a round; looking where there is none counts as some.
#define STEP      200
#define LOOK_COST 2

void ranks_look_again(engine *e, job_queue *q)
{
    q->ranking = e->ranking = true;
    q->rank_index = 0;
    q->rank_held = false;
    q->rank_from = INT64_MIN;
    q->rank_seq = 0;
}

void ranks_renew(engine *e, job_row *row)
{
    const job_queue *q = queue_of(e, row->route);
    if (q != NULL)
        row->aging_us = q->settings.aging_us;
}

// Goes on behind the job that was looked at last. One that moves further back is met again, which
// is harmless.
static bool read_page(engine *e, const job_queue *q, size_t room, job_row *ret, size_t *ret_count)
{
    const store_ops *ops = e->store->ops;
    int32_t route = q->routes[q->rank_index]->number;
    if (q->rank_held)
        return engine_check(e,
                            ops->held_of_route(e->store, route, q->rank_seq, room, ret, ret_count));
    const store_place last = {q->rank_from, q->rank_seq};
    return engine_check(e, ops->lane_behind(e->store, route, &last, room, ret, ret_count));
}

static bool move_page(engine *e, const job_queue *q, const job_row *rows, size_t count)
{
    job_row before[STEP], after[STEP];
    size_t moved = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].aging_us == q->settings.aging_us)
            continue;
        before[moved] = after[moved] = rows[i];
        after[moved++].aging_us = q->settings.aging_us;
    }
    return moved == 0 || (engine_write(e) &&
                          engine_check(e, e->store->ops->save(e->store, before, after, moved)));
}

// The jobs in line, then those that stand aside; then the next route.
static void next_part(job_queue *q)
{
    q->rank_index += q->rank_held ? 1 : 0;
    q->rank_held = !q->rank_held;
    q->rank_from = INT64_MIN;
    q->rank_seq = 0;
}

static bool step_queue(engine *e, job_queue *q, size_t *room)
{
    job_row rows[STEP];
    size_t count;
    if (!read_page(e, q, *room, rows, &count) || !move_page(e, q, rows, count))
        return false;
    size_t cost = count + LOOK_COST;
    *room -= cost < *room ? cost : *room;
    if (count == 0) {
        next_part(q);
        return true;
    }
    q->rank_from = job_row_rank(&rows[count - 1]);
    q->rank_seq = rows[count - 1].seq;
    return true;
}

// Those that stand aside do it behind the first of their key and kind, which may be another one
// now.
static void end_ranking(engine *e, job_queue *q)
{
    q->ranking = false;
    if (q->settings.max_per_key != QUEUE_NO_LIMIT)
        hold_look_again(e, q);
}

void ranks_run(engine *e)
{
    job_queue *q, *next;
    size_t room = STEP;
    if (!e->ranking)
        return;
    HASH_ITER(hh, e->queues, q, next)
    {
        while (q->ranking && q->rank_index < q->route_count && room > 0)
            if (!step_queue(e, q, &room))
                return;
        if (q->rank_index < q->route_count && q->ranking)
            return;  // in the next round
        if (q->ranking)
            end_ranking(e, q);
    }
    e->ranking = false;
}
