// engine_model_clock - the clocks of the model: they go on between steps or as a round begins, the
// wall clock is set forward and back, and the server is started anew.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_CLOCK_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_CLOCK_H

#include "unit/engine_model_waits.h"

#define HOUR (3600 * SECOND)

// So far both clocks go on, and the wall clock is set by so much besides.
typedef struct model_time {
    int64_t us, jump_us;
} model_time;

static atomic_int rounds_to_go;
static model_time coming;

static inline void clocks_pass(model_time t)
{
    erig_pass(t.us);
    atomic_fetch_add(&erig.wall_us, t.jump_us);
}

// The time may pass as the engine begins the round after the next.
static inline int64_t model_wall(void *data)
{
    (void) data;
    erig_hold_here();
    if (atomic_load(&rounds_to_go) > 0 && atomic_fetch_sub(&rounds_to_go, 1) == 1)
        clocks_pass(coming);
    return atomic_load(&erig.wall_us);
}

// The wall clock is set to some time before or behind what the engine takes it for.
static inline int64_t any_jump(void)
{
    int64_t to = model.now_us - (int64_t) any(2 * HOUR);
    if (chance(50))
        to = model.now_us + (int64_t) any(chance(15) ? 26 * HOUR : 20 * SECOND);
    return to - model.wall_us;
}

static inline model_time any_pass(void)
{
    uint64_t what = any(100);
    model_time t = {0};
    if (what >= 55)
        t.us = 1 + (int64_t) any(what < 95 ? 3 * SECOND : 50 * SECOND);
    if (chance(3))
        t.jump_us = any_jump();
    return t;
}

// Wall time follows jumps forward; set back, it goes on at the pace of the monotonic clock.
static inline int64_t model_now_after(model_time t)
{
    int64_t now_us = model.now_us + t.us, wall_us = model.wall_us + t.us + t.jump_us;
    return wall_us > now_us ? wall_us : now_us;
}

static inline void model_pass(model_time t)
{
    model.now_us = model_now_after(t);
    model.wall_us += t.us + t.jump_us;
    model.mono_us += t.us;
}

// ---- a restart ----

static inline void model_inherit(model_job *j)
{
    int64_t ran_us = model.now_us > j->start_us ? model.now_us - j->start_us : 0;
    j->confirmed = false;
    j->former = true;
    j->progress = 0;
    j->expires_us = model.mono_us + LEASE_US;
    j->voided_us = model.mono_us + j->timeout_us + GRACE_US - ran_us;
    if (j->voided_us < j->expires_us)
        j->voided_us = j->expires_us;
}

static inline void model_load_queue(model_queue *q)
{
    int64_t age_us = model.now_us > q->stored_us ? model.now_us - q->stored_us : 0;
    q->tokens = q->stored_tokens;
    q->tokens_us = model.mono_us - age_us;
    q->start_count = 0;  // the wall clock may have been set meanwhile
    q->held_back_us = 0;
    q->probing = false;
}

static inline void model_restart(void)
{
    MODEL_EACH(j)
    if (j->state == JOB_RUNNING)
        model_inherit(j);
    for (int i = 0; i < MODEL_WORKERS; i++) {
        model.workers[i].asking = NULL;
        model.workers[i].revoked_count = 0;
        model.workers[i].untold = false;
    }
    for (int i = 0; i < MODEL_QUEUES; i++)
        model_load_queue(&model.queues[i]);
    memset(model.waits, 0, sizeof model.waits);
    model.settled_seq = 0;
}

// Never less than what was stored. The store knows more times than the model, so this one is the
// engine's.
static inline void model_wake(model_time t)
{
    model.mono_us += t.us;
    model.wall_us += t.us + t.jump_us;
    (void) pthread_mutex_lock(&erig.engine->rounds);
    int64_t now_us = erig.engine->now_us;
    (void) pthread_mutex_unlock(&erig.engine->rounds);
    assert_true(now_us >= model.wall_us);
    assert_true(now_us <= (model.now_us >= model.wall_us ? model.now_us + 1 : model.wall_us));
    MODEL_EACH(j)
    assert_true(j->create_us <= now_us && j->start_us <= now_us && j->finish_us <= now_us);
    model.now_us = now_us;
}

#endif
