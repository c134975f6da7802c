// engine_life - what is said to the engine of the rig about queues and the life of jobs.
#ifndef ERRAND_TESTS_UNIT_ENGINE_LIFE_H
#define ERRAND_TESTS_UNIT_ENGINE_LIFE_H

#include "unit/engine_calls.h"

#define LONG (60 * SECOND)

// ---- jobs ----

static inline call *control_post(engine_control_type type, const uuid *id, int64_t request)
{
    call *c = erig_call(ENGINE_CONTROL);
    c->control.type = type;
    c->control.id = *id;
    c->control.request = request;
    return erig_post(c);
}

static inline job_row control(engine_control_type type, const uuid *id)
{
    return erig_fine(control_post(type, id, 0))->control.row;
}

static inline int64_t control_many(engine_control_type type, const job_row *rows, size_t count)
{
    call *c = erig_call(ENGINE_CONTROL_MANY);
    c->many.type = type;
    c->many.rows = rows;
    c->many.count = count;
    return erig_fine(erig_post(c))->many.done;
}

// A job of queue "q" and kind "k", not stored yet.
static inline engine_new_job fresh_job(void)
{
    Errand__V1__Job job = job_for("q", "k");
    return new_job(&job);
}

static inline job_row submit_keyed(const char *key)
{
    engine_new_job job = fresh_job();
    job.row.concurrency_key = job_key("q", key);
    return submit_new(job);
}

static inline engine_new_job job_after(const uuid *after, size_t count)
{
    engine_new_job job = fresh_job();
    job.after = after;
    job.row.blockers = (int32_t) count;
    return job;
}

static inline job_row submit_after(const job_row *other)
{
    return submit_new(job_after(&other->id, 1));
}

static inline const engine_explain *explain(const uuid *id)
{
    call *c = erig_call(ENGINE_EXPLAIN);
    c->explain.id = *id;
    return &erig_fine(erig_post(c))->explain;
}

// ---- queues ----

static inline queue_settings no_limits(void)
{
    queue_settings settings;
    queue_settings_init(&settings);
    return settings;
}

static inline call *queue_call(const char *name, const queue_settings *wanted, unsigned mask)
{
    call *c = erig_call(ENGINE_QUEUE);
    c->queue.name = name;
    c->queue.mask = mask;
    if (wanted) {
        Errand__V1__Queue *message = arena_alloc(c->memory, sizeof *message);
        errand__v1__queue__init(message);
        assert_true(queue_settings_fill(wanted, c->memory, message));
        c->queue.wanted = message;
    }
    return c;
}

static inline const engine_queue_info *queue_change(const char *name, queue_settings settings)
{
    return &erig_fine(erig_post(queue_call(name, &settings, QUEUE_ALL_FIELDS)))->queue.info;
}

static inline const engine_queue_info *queue_get(const char *name)
{
    return &erig_fine(erig_post(queue_call(name, NULL, 0)))->queue.info;
}

static inline void queue_pause(const char *name, bool paused)
{
    queue_settings settings = no_limits();
    settings.paused = paused;
    erig_fine(erig_post(queue_call(name, &settings, QUEUE_PAUSED)));
}

static inline void queue_max_per_key(const char *name, int64_t limit)
{
    queue_settings settings = no_limits();
    settings.max_per_key = limit;
    queue_change(name, settings);
}

// Jobs that the worker gets at once, at most that many.
static inline size_t lease_count(uint8_t worker, int64_t sequence, int32_t most)
{
    return lease_now(worker, sequence, most)->assignment_count;
}

static inline void assert_leased(const engine_lease *got, const job_row *job)
{
    assert_int_equal(got->assignment_count, 1);
    assert_true(uuid_equal(&got->assignments[0].row.id, &job->id));
}

#endif
