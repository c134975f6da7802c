// engine_model_waits - those who wait for the end of a job of the model, or watch its changes.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_WAITS_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_WAITS_H

#include "unit/engine_model_work.h"

static inline void judge_wait(model_command *command)
{
    call *c = command->call;
    const model_job *j = model_is_there(&c->wait.id) ? model_by_id(&c->wait.id) : NULL;
    int free_place = 0;
    while (model.waits[free_place].call != NULL)
        free_place++;
    model.waits[free_place] = (model_wait){.call = c, .seq = j != NULL ? j->seq : 0};
    model_wait *w = &model.waits[free_place];
    w->gone = j == NULL;
    w->over = j == NULL || model_is_over(j) || c->wait.deadline_us <= model.mono_us ||
              (c->wait.watch && j->revision > c->wait.revision);
    w->state = j != NULL ? j->state : (job_state) 0;
    w->revision = j != NULL ? j->revision : 0;
}

static inline model_command any_wait(void)
{
    uuid id = model_id(any_slot());
    call *c = erig_call(ENGINE_WAIT);
    const model_job *j = model_by_id(&id);
    c->wait.id = id;
    c->wait.ticket = engine_ticket(erig.engine);
    c->wait.deadline_us = atomic_load(&erig.mono_us) + (int64_t) any(20 * SECOND);
    c->wait.watch = chance(60);
    c->wait.revision = j != NULL ? j->revision + (int64_t) any(3) - 1 : 0;
    return (model_command){erig_post(c), 0, judge_wait};
}

static inline void judge_waits(void)
{
    for (int i = 0; i < MODEL_WAITS; i++) {
        model_wait *w = &model.waits[i];
        if (w->call == NULL)
            continue;
        assert_int_equal(erig_is_done(w->call), w->over);
        if (!w->over)
            continue;
        assert_int_equal(status_code_of(w->call->command.failure),
                         w->gone ? STATUS_NOT_FOUND : STATUS_OK);
        if (!w->gone && w->state != 0)
            assert_int_equal(w->call->wait.row.state, w->state);
        if (!w->gone && w->revision != 0)
            assert_int_equal(w->call->wait.row.revision, w->revision);
        *w = (model_wait){0};
    }
}

#endif
