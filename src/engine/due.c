// due - what the clock brings: scheduled jobs become ready, finished ones are purged.
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
        rows[i] = before[i];
        if (!engine_check(e, job_promote(&rows[i], e->now_us)))
            return;
    }
    engine_check(e, e->store->ops->save(e->store, before, rows, count));
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
}

// The wall clock may jump forward while the engine sleeps: it looks again now and then.
#define LONGEST_SLEEP_US 5000000

int64_t due_next(engine *e)
{
    int64_t scheduled = lane_next(e, JOB_LANE_SCHEDULED),
            finished = lane_next(e, JOB_LANE_FINISHED);
    int64_t next = scheduled < finished ? scheduled : finished;
    if (next == INT64_MAX)
        return e->mono_us + 3600 * 1000000LL;
    int64_t wait = next > e->now_us ? next - e->now_us : 0;
    return e->mono_us + (wait < LONGEST_SLEEP_US ? wait : LONGEST_SLEEP_US);
}
