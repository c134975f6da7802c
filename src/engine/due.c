// due - what the clock brings: scheduled jobs become ready, late ones expire, finished ones are
// purged; and what is done in steps.
#include "engine/internal.h"

#include "job/rules.h"

// Steps of a round, so that nobody waits for a long one.
#define STEP 200

static void promote(engine *e)
{
    job_row before[STEP], rows[STEP];
    size_t count;
    if (!engine_check(
            e, e->store->ops->due(e->store, JOB_LANE_SCHEDULED, e->now_us, STEP, before, &count)) ||
        count == 0 || !engine_write(e))
        return;
    for (size_t i = 0; i < count; i++) {
        const job_queue *q = queue_of(e, before[i].route);
        rows[i] = before[i];
        rows[i].aging_us = q != NULL ? q->settings.aging_us : 0;
        if (!engine_check(e, job_promote(&rows[i], e->now_us)))
            return;
    }
    if (!engine_check(e, e->store->ops->save(e->store, before, rows, count)))
        return;
    e->offer = true;
    for (size_t i = 0; i < count; i++)
        wait_tell(e, &rows[i]);
}

static void expire(engine *e)
{
    job_row rows[STEP];
    size_t count;
    if (!engine_check(e, e->store->ops->expiring(e->store, e->now_us, STEP, rows, &count)))
        return;
    for (size_t i = 0; i < count; i++)
        if (!finish_expired(e, &rows[i]))
            return;
}

static void purge(engine *e)
{
    job_row rows[STEP];
    size_t count;
    if (!engine_check(
            e, e->store->ops->due(e->store, JOB_LANE_FINISHED, e->now_us, STEP, rows, &count)) ||
        count == 0 || !engine_write(e))
        return;
    if (engine_check(e, e->store->ops->remove(e->store, rows, count)))
        upkeep_space_later(e);
}

static int64_t next_expiry(engine *e)
{
    int64_t next = INT64_MAX;
    if (!engine_check(e, e->store->ops->next_expiry(e->store, &next)))
        return INT64_MAX;
    return next;
}

static int64_t lane_next(engine *e, job_lane lane)
{
    int64_t next = INT64_MAX;
    if (!engine_check(e, e->store->ops->next_due(e->store, lane, &next)))
        return INT64_MAX;
    return next;
}

void due_run(engine *e)
{
    if (lane_next(e, JOB_LANE_SCHEDULED) <= e->now_us)
        promote(e);
    if (lane_next(e, JOB_LANE_FINISHED) <= e->now_us)
        purge(e);
    if (next_expiry(e) <= e->now_us)
        expire(e);
    if (lane_next(e, JOB_LANE_SETTLING) <= e->now_us)
        settle_run(e);
    hold_release_queues(e);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// The wall clock may jump forward while the engine sleeps: it looks again now and then.
#define LONGEST_SLEEP_US 5000000

int64_t due_next(engine *e)
{
    int64_t next = earlier(lane_next(e, JOB_LANE_SCHEDULED), lane_next(e, JOB_LANE_FINISHED));
    next = earlier(next, earlier(next_expiry(e), lane_next(e, JOB_LANE_SETTLING)));
    if (e->releasing)
        next = 0;
    if (next == INT64_MAX)
        return e->mono_us + 3600 * 1000000LL;
    int64_t wait = next > e->now_us ? next - e->now_us : 0;
    return e->mono_us + (wait < LONGEST_SLEEP_US ? wait : LONGEST_SLEEP_US);
}
