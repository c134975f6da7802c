// explain - what the engine knows of why a job does not run.
#include "engine/internal.h"

static int64_t wall_of(const engine *e, int64_t mono_us)
{
    return e->now_us + (mono_us - e->mono_us);
}

static bool has_worker(engine *e, int32_t route)
{
    session *s, *next;
    const job_route *r = supply_route(e, route);
    HASH_ITER(hh, e->sessions, s, next)
    {
        if (e->now_us - s->heard_us > 2 * e->options.lease_us && s->parked == NULL)
            continue;
        if (r != NULL && session_serves(s, r))
            return true;
    }
    return false;
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
            command->has_worker = has_worker(e, command->row.route);
        }
    }
    engine_answer(e, &command->command);
}
