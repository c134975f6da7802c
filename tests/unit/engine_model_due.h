// engine_model_due - what time brings in the model: leases run out, jobs become due, expire, are
// purged, and those that wait for others are told.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_DUE_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_DUE_H

#include "unit/engine_model.h"

static inline void model_run_out(void)
{
    MODEL_EACH(j)
    {
        if (j->state != JOB_RUNNING ||
            (model.mono_us < j->expires_us && model.mono_us < j->voided_us))
            continue;
        if (j->former)
            model_come_back(j);
        else if (model.mono_us >= j->voided_us)
            model_fail(j, true, 0);
        else
            model_lose(j);
    }
}

static inline bool model_is_late(const model_job *j)
{
    return !model_is_over(j) && j->attempt == 0 && j->expire_us != 0 &&
           j->expire_us <= model.now_us;
}

static inline bool model_is_purged(const model_job *j)
{
    return model_is_over(j) && !j->has_dependants && j->callbacks_open == 0 &&
           j->finish_us + j->retention_us <= model.now_us;
}

static inline model_job *model_settling_behind(int64_t seq)
{
    model_job *first = NULL;
    MODEL_EACH(j)
    if (model_is_over(j) && j->has_dependants && j->seq > seq &&
        (first == NULL || j->seq < first->seq))
        first = j;
    return first;
}

// The ended job whose dependants are told next: they take turns.
static inline model_job *model_settling(void)
{
    model_job *next = model_settling_behind(model.settled_seq);
    return next != NULL ? next : model_settling_behind(0);
}

static inline void model_unblock(model_job *j)
{
    j->aging_us = model.queues[j->queue].settings.aging_us;
    if (--j->blockers > 0)
        return;
    if (j->due_us < model.now_us)
        j->due_us = model.now_us;
    model_move(j, j->due_us > model.now_us ? JOB_SCHEDULED : JOB_READY);
}

static inline void model_settle(model_job *ended)
{
    model.settled_seq = ended->seq;
    MODEL_EACH(j)
    {
        if (!j->waits_for[model_slot(ended)])
            continue;
        j->waits_for[model_slot(ended)] = false;
        if (j->state != JOB_BLOCKED)
            continue;
        if (ended->state == JOB_SUCCEEDED)
            model_unblock(j);
        else
            model_end(j, JOB_CANCELLED);
    }
    ended->has_dependants = false;
    if (ended->removed)
        model_forget(ended);
}

static inline void model_promote(void)
{
    MODEL_EACH(j)
    {
        if (j->state != JOB_SCHEDULED || j->due_us > model.now_us)
            continue;
        j->aging_us = model.queues[j->queue].settings.aging_us;
        model_move(j, JOB_READY);
    }
}

// So few that they take new places in one round.
static inline void model_take_places(void)
{
    MODEL_EACH(j)
    if (j->state == JOB_READY)
        j->aging_us = model.queues[j->queue].settings.aging_us;
}

static inline void model_due(void)
{
    model_promote();
    MODEL_EACH(j)
    if (model_is_purged(j))
        model_forget(j);
    MODEL_EACH(j)
    if (model_is_late(j))
        model_end(j, JOB_EXPIRED);
    while (model_settling() != NULL)  // so few that they are told in one round
        model_settle(model_settling());
    model_take_places();
}

// Nothing more happens without a command, or without time going on.
static inline bool model_rests(void)
{
    bool rests = model_settling() == NULL;
    MODEL_EACH(j)
    rests = rests && !model_is_purged(j);
    return rests;
}

#endif
