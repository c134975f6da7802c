// settle - when a job has ended: those that wait for it are told, a step in a round.
//
// An ended job with dependants stands in the lane SETTLING, and each step forgets the pairs that it
// has dealt with: after a crash the rest goes on from there. Those that have ended take turns, so
// that one with very many dependants does not hold up the others.
#include "engine/internal.h"

// Told in a round, and in a turn.
#define STEP 200
#define TURN 50

static bool tell(engine *e, const job_row *ended, const job_row *before)
{
    job_row row = *before;
    if (before->state != JOB_BLOCKED)
        return true;
    if (ended->state != JOB_SUCCEEDED)
        return finish_dependant(e, before, ended);
    const job_queue *q = queue_of(e, row.route);
    row.aging_us = q != NULL ? q->settings.aging_us : 0;
    return engine_check(e, job_unblock(&row, e->now_us)) && engine_save(e, before, &row);
}

static bool is_settled(engine *e, const job_row *ended)
{
    job_row row = *ended;
    if (job_row_is_gone(ended))
        return finish_forgotten(e, ended);
    row.has_dependants = false;
    return engine_check(e, e->store->ops->save(e->store, ended, &row, 1));
}

static bool next_behind(engine *e, int64_t seq, job_row *ret, size_t *ret_count)
{
    const store_place last = {.rank = 0, .seq = seq};
    return engine_check(
        e, e->store->ops->lane_behind(e->store, JOB_LANE_SETTLING, &last, 1, ret, ret_count));
}

// The ended job whose turn it is; false when there is none.
static bool next_ended(engine *e, job_row *ret)
{
    size_t count;
    if (!next_behind(e, e->settled_seq, ret, &count))
        return false;
    if (count == 0 && e->settled_seq > 0 && !next_behind(e, 0, ret, &count))
        return false;
    if (count > 0)
        e->settled_seq = ret->seq;
    return count > 0;
}

// Tells some of those that wait for one ended job; how many, or 0 when there is nothing to tell.
static size_t settle_one(engine *e)
{
    job_row ended, rows[TURN];
    size_t count;
    if (!next_ended(e, &ended) || !engine_write(e) ||
        !engine_check(e, e->store->ops->take_dependants(e->store, ended.seq, TURN, rows, &count)))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!tell(e, &ended, &rows[i]))
            return 0;
    if (count < TURN && !is_settled(e, &ended))
        return 0;
    return count + 1;
}

// A chain is told link by link: many of them in one round.
void settle_run(engine *e)
{
    size_t told = 1;
    for (size_t all = 0; all < STEP && told > 0; all += told)
        told = settle_one(e);
}
