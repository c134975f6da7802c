// due - what the clock brings: scheduled jobs become ready, late ones expire, finished ones are
// purged; and what is done in steps.
#include "engine/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "job/rules.h"

// Jobs of a step, and steps of a round, so that nobody waits for a long one.
#define STEP  200
#define STEPS 16

// The more jobs go at once, the more of them stand side by side in the store.
#define PURGE_STEP  512
#define PURGE_STEPS 6

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
    for (size_t i = 0; i < count; i++) {
        wait_tell(e, &rows[i]);
        feed_note_job(e, &before[i], &rows[i]);
    }
}

// Read anew: the one before may have handed its turn on to this one.
static bool expire_one(engine *e, int64_t seq)
{
    job_row row;
    return engine_check(e, e->store->ops->load(e->store, &seq, 1, &row)) && finish_expired(e, &row);
}

static void expire(engine *e)
{
    job_row rows[STEP];
    size_t count;
    if (!engine_check(e, e->store->ops->expiring(e->store, e->now_us, STEP, rows, &count)))
        return;
    for (size_t i = 0; i < count; i++)
        if (!expire_one(e, rows[i].seq))
            return;
}

static void purge(engine *e)
{
    job_row rows[PURGE_STEP];
    size_t count;
    if (!engine_check(e, e->store->ops->due(e->store, JOB_LANE_FINISHED, e->now_us, PURGE_STEP,
                                            rows, &count)) ||
        count == 0 || !engine_write(e))
        return;
    if (!engine_check(e, e->store->ops->remove(e->store, rows, count)))
        return;
    upkeep_space_later(e);
    for (size_t i = 0; i < count; i++)
        feed_note_removed(e, &rows[i]);
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
    if (e->trouble != NULL || !engine_check(e, e->store->ops->next_due(e->store, lane, &next)))
        return INT64_MAX;
    return next;
}

void due_run(engine *e)
{
    for (int i = 0; i < STEPS && lane_next(e, JOB_LANE_SCHEDULED) <= e->now_us; i++)
        promote(e);
    for (int i = 0; i < PURGE_STEPS && lane_next(e, JOB_LANE_FINISHED) <= e->now_us; i++)
        purge(e);
    if (next_expiry(e) <= e->now_us)
        expire(e);
    if (lane_next(e, JOB_LANE_SETTLING) <= e->now_us)
        settle_run(e);
    ranks_run(e);
    hold_release_queues(e);
}

#define RETRY_US 1000000

// The wall clock may jump forward while the engine sleeps: it looks again now and then.
#define LONGEST_SLEEP_US 5000000

// Between rounds a store that can not be read must not fail the next one, which may do without.
static bool peek(engine *e, job_lane lane, int64_t *ret)
{
    AUTO(status) failure = e->store->ops->next_due(e->store, lane, ret);
    if (failure != NULL)
        log_error("store_read_failed", LOG_STATUS(failure));
    return failure == NULL;
}

static bool peek_expiry(engine *e, int64_t *ret)
{
    AUTO(status) failure = e->store->ops->next_expiry(e->store, ret);
    if (failure != NULL)
        log_error("store_read_failed", LOG_STATUS(failure));
    return failure == NULL;
}

int64_t due_next(engine *e)
{
    int64_t scheduled, finished, settling, expiry;
    if (!peek(e, JOB_LANE_SCHEDULED, &scheduled) || !peek(e, JOB_LANE_FINISHED, &finished) ||
        !peek(e, JOB_LANE_SETTLING, &settling) || !peek_expiry(e, &expiry))
        return e->mono_us + RETRY_US;
    int64_t next =
        clock_earlier(clock_earlier(scheduled, finished), clock_earlier(settling, expiry));
    if (e->releasing || e->ranking)
        next = 0;
    if (next == INT64_MAX)
        return e->mono_us + 3600 * 1000000LL;
    int64_t wait = next > e->now_us ? next - e->now_us : 0;
    return e->mono_us + (wait < LONGEST_SLEEP_US ? wait : LONGEST_SLEEP_US);
}
