// explain - what the engine knows of why a job does not run.
#include "engine/internal.h"

static int64_t wall_of(const engine *e, int64_t mono_us)
{
    return e->now_us + (mono_us - e->mono_us);
}

static bool serves(engine *e, const session *s, int32_t route)
{
    const job_route *r = supply_route(e, route);
    return r != NULL && session_serves(s, r);
}

// One that does not ask just now may ask again at any time, unless it runs all that it can.
static bool has_room(const session *s)
{
    if (s->parked != NULL)
        return ((const engine_lease *) s->parked->command)->max_jobs > 0;
    return s->concurrency <= 0 || s->lease_count < (size_t) s->concurrency;
}

static void look_at_workers(engine *e, engine_explain *ret)
{
    session *s, *next;
    HASH_ITER(hh, e->sessions, s, next)
    {
        if (e->now_us - s->heard_us > 2 * e->options.lease_us && s->parked == NULL)
            continue;
        if (!serves(e, s, ret->row.route))
            continue;
        ret->has_worker = true;
        ret->has_room = ret->has_room || has_room(s);
    }
}

static void look_at_queue(engine *e, job_queue *q, engine_explain *ret)
{
    ret->settings = q->settings;
    ret->queue_running = (int64_t) q->running;
    ret->probing = q->settings.hold_on_retry_after && q->probing;
    ret->starts_a_second = q->starts_a_second;
    if (q->settings.hold_on_retry_after && e->mono_us < q->held_back_us)
        ret->held_back_us = wall_of(e, q->held_back_us);
    if (q->settings.rate_count == 0)
        return;
    bucket_refill(&q->tokens, &q->settings, e->mono_us);
    int64_t next_us = bucket_next_us(&q->tokens, &q->settings, e->mono_us);
    if (next_us > e->mono_us)
        ret->next_token_us = wall_of(e, next_us);
}

void explain_apply(engine *e, engine_explain *command)
{
    queue_settings_init(&command->settings);
    if (engine_check(e, e->store->ops->find(e->store, &command->id, 1, &command->row))) {
        bool there = command->row.seq != 0 && !job_row_is_gone(&command->row);
        job_queue *q = there ? queue_of(e, command->row.route) : NULL;
        if (!there)
            command->command.failure = no_job(&command->id);
        if (q != NULL) {
            look_at_queue(e, q, command);
            command->key_running = (int64_t) limits_key_running(e, &command->row.concurrency_key);
            look_at_workers(e, command);
        }
    }
    engine_answer(e, &command->command);
}
