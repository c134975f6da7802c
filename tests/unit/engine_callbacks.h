// engine_callbacks - jobs of the rig that are called back for, and their callbacks.
#ifndef ERRAND_TESTS_UNIT_ENGINE_CALLBACKS_H
#define ERRAND_TESTS_UNIT_ENGINE_CALLBACKS_H

#include "unit/engine_life.h"

static inline Errand__V1__Callback *callback_on(const Errand__V1__Job__State *states, size_t count)
{
    Errand__V1__Callback *callback = arena_alloc(erig.memory, sizeof *callback);
    errand__v1__callback__init(callback);
    callback->url = text("http://localhost/sink");
    callback->on = (Errand__V1__Job__State *) (uintptr_t) states;
    callback->n_on = count;
    return callback;
}

static inline engine_new_job job_with(Errand__V1__Callback *callback)
{
    Errand__V1__Job job = job_for("q", "k");
    job.callback = callback;
    return new_job(&job);
}

static inline job_row submit_wanting_callback(void)
{
    return submit_new(job_with(callback_on(NULL, 0)));
}

// All jobs but this one.
static inline size_t callbacks_of(const job_row *parent, store_job **ret)
{
    store_job *all;
    size_t count = read_all(&all), found = 0;
    *ret = arena_alloc(erig.memory, (count + 1) * sizeof **ret);
    for (size_t i = 0; i < count; i++)
        if (all[i].row.parent_seq == parent->seq)
            (*ret)[found++] = all[i];
    return found;
}

// The job has succeeded; returns its callback.
static inline store_job finish_and_find(job_row *parent)
{
    store_job *found;
    *parent = lease_one(1, 1);
    report(1, 1, success(parent));
    assert_int_equal(callbacks_of(parent, &found), 1);
    return found[0];
}

static inline const engine_lease *lease_callback(uint8_t worker)
{
    call *c = serving(lease_call(worker, 1, 1, 0), JOB_CALLBACK_QUEUE, NULL);
    return &erig_fine(erig_post(c))->lease;
}

#endif
