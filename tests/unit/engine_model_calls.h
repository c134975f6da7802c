// engine_model_calls - random commands: each is posted to the engine, and judged against the model
// once it was answered.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_CALLS_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_CALLS_H

#include "unit/engine_model_take.h"

// A command under way.
typedef struct model_command {
    call *call;
    int worker;
    void (*judge)(struct model_command *c);
} model_command;

static inline int any_slot(void)
{
    return (int) any((uint64_t) model.world.ids);
}

// Callbacks too, if there are any.
static inline uuid any_id(void)
{
    int slot = MODEL_IDS + (int) any(MODEL_CALLBACKS);
    for (int i = 0; i < MODEL_CALLBACKS && !model.jobs[slot].there; i++)
        slot = slot + 1 < MODEL_JOBS ? slot + 1 : MODEL_IDS;
    return model_id(model.jobs[slot].there && chance(30) ? slot : any_slot());
}

// ---- submit ----

static inline uuid model_key(int queue, const char *kind, int key)
{
    char name[32];
    if (key == 0)
        return (uuid){{0}};
    snprintf(name, sizeof name, "%s%d", kind, key);
    return job_key(model_queue_names[queue], name);
}

static inline void any_relations(engine_new_job *job, arena *memory)
{
    uuid *after = arena_alloc(memory, 3 * sizeof *after);
    if (chance((uint64_t) model.world.after))
        job->row.blockers = (int32_t) (1 + any(3));
    for (int i = 0; i < job->row.blockers; i++)
        after[i] = model_id(any_slot());
    job->after = after;
}

static inline engine_new_job any_job(arena *memory)
{
    static const uint8_t hashes[2][JOB_HASH_BYTES] = {{1}, {2}};
    int queue = (int) any((uint64_t) model.world.queues);
    int key = chance(60) ? (int) any((uint64_t) model.world.keys + 1) : 0;
    int unique = chance(40) ? (int) any((uint64_t) model.world.uniques + 1) : 0;
    engine_new_job job = {
        .row = {.id = model_id(any_slot()),
                .priority = (int32_t) any(5) - 2,
                .due_us = chance(30) ? model.now_us + (int64_t) any(20 * SECOND) : 0,
                .expire_us = chance(20) ? model.now_us + model.coming_us + ROUND_US +
                                              (int64_t) any(30 * SECOND)
                                        : 0,
                .unique_key = model_key(queue, "u", unique),
                .concurrency_key = model_key(queue, "c", key),
                .policy = {.attempt_timeout_us = (int64_t) (5 + any(60)) * SECOND,
                           .retention_us = (int64_t) (1 + any(60)) * SECOND,
                           .multiplier = 1,
                           .max_attempts = 1 + (int32_t) any(3)}},
        .queue = model_queue_names[queue],
        .kind = model_kind_names[any(MODEL_KINDS - 1)],
        .delay_us = chance(15) ? (int64_t) any(20 * SECOND) : 0,
        .hash = hashes[chance(20)],
    };
    any_relations(&job, memory);
    any_callback(&job);
    return job;
}

// Which of the world's keys it is.
static inline int key_number(int queue, const char *kind, const uuid *key, int count)
{
    for (int i = 1; i <= count; i++) {
        uuid candidate = model_key(queue, kind, i);
        if (uuid_equal(&candidate, key))
            return i;
    }
    return 0;
}

static inline int64_t model_due_of(const engine_new_job *job)
{
    int64_t due_us = job->delay_us > 0 ? model.now_us + job->delay_us : job->row.due_us;
    return due_us > model.now_us ? due_us : model.now_us;
}

static inline model_job model_job_of(const engine_new_job *job)
{
    int queue = queue_number(job->queue);
    return (model_job){
        .there = true,
        .seq = job->row.seq,
        .queue = queue,
        .kind = kind_number(job->kind),
        .content = job->hash[0],
        .priority = job->row.priority,
        .max_attempts = job->row.policy.max_attempts,
        .due_us = model_due_of(job),
        .create_us = model.now_us,
        .revision = 1,
        .wants = model_wants(&job->spec),
        .expire_us = job->row.expire_us,
        .aging_us = model.queues[queue].settings.aging_us,
        .retention_us = job->row.policy.retention_us,
        .timeout_us = job->row.policy.attempt_timeout_us,
    };
}

static inline void judge_same(const engine_new_job *job, const model_job *existing, bool other)
{
    assert_int_equal(status_code_of(job->failure), STATUS_OK);
    assert_true(job->duplicate);
    assert_int_equal(job->other, other);
    assert_int_equal(job->row.seq, existing->seq);
    assert_int_equal(job->row.state, existing->state);
}

static inline bool model_is_full(int queue)
{
    int64_t most = model.queues[queue].settings.max_depth;
    return most != QUEUE_NO_LIMIT && (int64_t) model_depth(queue) >= most;
}

static inline void model_tie(model_job *j, const uuid *after, int count)
{
    for (int i = 0; i < count; i++) {
        model_job *other = model_by_id(&after[i]);
        int slot = after[i].bytes[15];
        if (other->state == JOB_SUCCEEDED || j->waits_for[slot])
            continue;
        j->waits_for[slot] = other->has_dependants = true;
        j->blockers++;
    }
    j->state = j->blockers > 0 ? JOB_BLOCKED : j->due_us > model.now_us ? JOB_SCHEDULED : JOB_READY;
}

// Each job is judged in turn, after those before it. The engine has overwritten parts of the row:
// what was asked for is in `asked`.
static inline void judge_new(const engine_new_job *job, const engine_new_job *asked)
{
    int queue = queue_number(asked->queue);
    int unique = key_number(queue, "u", &asked->row.unique_key, model.world.uniques);
    model_job *same = model_by_id(&asked->row.id), *holder = model_by_unique(queue, unique);
    status_code expected = STATUS_OK;
    bool known = true;
    for (int i = 0; i < asked->row.blockers; i++)
        known = known && model_is_there(&asked->after[i]);
    if (same != NULL && same->removed)
        expected = STATUS_UNAVAILABLE;
    else if (same != NULL && same->content == asked->hash[0])
        judge_same(job, same, false);
    else if (same != NULL)
        expected = STATUS_ALREADY_EXISTS;
    else if (holder != NULL)
        judge_same(job, holder, true);
    else if (model_is_full(queue))
        expected = STATUS_RESOURCE_EXHAUSTED;
    else if (!known)
        expected = STATUS_INVALID_ARGUMENT;
    assert_int_equal(status_code_of(job->failure), expected);
    if (expected != STATUS_OK || same != NULL || holder != NULL)
        return;
    engine_new_job stored = *asked;
    stored.row.seq = job->row.seq;
    assert_false(job->duplicate);
    assert_true(job->row.seq > model.last_seq);
    model.last_seq = job->row.seq;
    model_job fresh = model_job_of(&stored);
    fresh.unique = unique;
    fresh.key = key_number(queue, "c", &asked->row.concurrency_key, model.world.keys);
    model_tie(&fresh, asked->after, asked->row.blockers);
    assert_int_equal(job->row.state, fresh.state);
    model.jobs[asked->row.id.bytes[15]] = fresh;
    model.queues[queue].known = true;
}

static inline void judge_submit(model_command *c)
{
    const engine_submit *s = &model_done(c->call)->submit;
    const engine_new_job *asked = s->jobs + s->count;
    for (size_t i = 0; i < s->count; i++) {
        judge_new(&s->jobs[i], &asked[i]);
        status_free(s->jobs[i].failure);
    }
}

static inline model_command any_submit(void)
{
    call *c = erig_call(ENGINE_SUBMIT);
    c->submit.count = 1 + any(4);
    c->submit.jobs = arena_alloc(c->memory, 2 * c->submit.count * sizeof *c->submit.jobs);
    for (size_t i = 0; i < c->submit.count; i++)
        c->submit.jobs[i] = c->submit.jobs[c->submit.count + i] = any_job(c->memory);
    return (model_command){erig_post(c), 0, judge_submit};
}

// ---- control ----

// Tells the worker, whose lease ends now.
static inline void model_revoke(model_job *j)
{
    model_worker *w = &model.workers[j->worker];
    assert_true(w->revoked_count < MODEL_REVOKED);
    w->revoked[w->revoked_count++] = (model_revoked){model_ref(j), j->lease_sequence, false};
    w->untold = true;
    model_answer_parked(j->worker);
}

static inline void model_cancel(model_job *j)
{
    bool ran = j->state == JOB_RUNNING;
    model_end(j, JOB_CANCELLED);
    if (ran)
        model_revoke(j);
}

static inline bool model_can_retry(const model_job *j)
{
    return model_is_over(j) && j->state != JOB_SUCCEEDED &&
           model_by_unique(j->queue, j->unique) == NULL && !is_pointless(j);
}

// What the call should say; the model is changed as it should be.
static inline status_code model_control(model_job *j, const engine_control *c)
{
    if (j == NULL || j->removed)
        return STATUS_NOT_FOUND;
    switch (c->type) {
    case ENGINE_CANCEL:
        if (!model_is_over(j))
            model_cancel(j);
        return STATUS_OK;
    case ENGINE_RETRY:
        if (c->request != 0 && c->request == j->retry_request)
            return STATUS_OK;
        if (!model_can_retry(j))
            return STATUS_FAILED_PRECONDITION;
        model_keep_parent(j);
        model_retry(j, c->request);
        return STATUS_OK;
    case ENGINE_DELETE:
        if (j->state == JOB_RUNNING)
            return STATUS_FAILED_PRECONDITION;
        model_remove(j);
        return STATUS_OK;
    }
    return STATUS_INTERNAL;
}

static inline void judge_control(model_command *c)
{
    const engine_control *asked = &c->call->control;
    assert_true(erig_is_done(c->call));
    model_job *j = model_by_id(&asked->id);
    assert_int_equal(status_code_of(c->call->command.failure), model_control(j, asked));
    // A worker may just have come by one that has nothing to tell.
    if (c->call->command.failure == NULL && asked->type != ENGINE_DELETE && !is_pointless(j))
        assert_int_equal(asked->row.state, j->state);
}

static inline model_command any_control(void)
{
    uuid id = any_id();
    engine_control_type type = (engine_control_type) any(3);
    int64_t request = chance(50) ? (int64_t) any(3) : 0;
    return (model_command){control_post(type, &id, request), 0, judge_control};
}

static inline bool model_control_one(model_job *j, engine_control_type type)
{
    engine_control c = {.type = type};
    if (type == ENGINE_CANCEL && j != NULL && model_is_over(j))
        return false;
    return model_control(j, &c) == STATUS_OK;
}

static inline void judge_many(model_command *c)
{
    const engine_control_many *many = &model_done(c->call)->many;
    int64_t expected = 0;
    for (size_t i = 0; i < many->count; i++) {
        model_job *j = model_by_id(&many->rows[i].id);
        if (j != NULL && j->seq == many->rows[i].seq &&
            (many->states == 0 || (many->states & 1u << j->state) != 0))
            expected += model_control_one(j, many->type);
    }
    assert_int_equal(many->done, expected);
}

static inline model_command any_many(void)
{
    call *c = erig_call(ENGINE_CONTROL_MANY);
    size_t count = 1 + any(5);
    job_row *rows = arena_zalloc(c->memory, count * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        int slot = any_slot();
        rows[i].id = model_id(slot);
        rows[i].seq = model.jobs[slot].seq;
        rows[i].state = model.jobs[slot].state;
    }
    c->many.type = (engine_control_type) any(3);
    c->many.rows = rows;
    c->many.count = count;
    c->many.states = chance(50) ? 1u << (1 + any(8)) : 0;
    return (model_command){erig_post(c), 0, judge_many};
}

#endif
