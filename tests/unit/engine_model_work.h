// engine_model_work - what workers and operators of the model's world say, at random.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_WORK_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_WORK_H

#include "unit/engine_model_calls.h"

static inline int any_worker(void)
{
    return (int) any(MODEL_WORKERS);
}

// ---- lease ----

static inline char **names_of(int worker, bool kinds, size_t *ret_count)
{
    static char *queue[1], *kind[1], *weighted[3];
    queue[0] = text(model_queue_names[0]);
    kind[0] = text(model_kind_names[0]);
    weighted[0] = text("q0=3");
    weighted[1] = text("q1");
    weighted[2] = text(JOB_CALLBACK_QUEUE "=2");
    *ret_count = worker == (kinds ? 1 : 2) ? 1 : worker == 3 && !kinds ? 3 : 0;
    return kinds ? kind : worker == 3 ? weighted : queue;
}

static inline bool is_named(const engine_lease *l, const model_job *j)
{
    engine_lease_ref own = model_ref(j);
    for (size_t i = 0; i < l->assignment_count; i++)
        if (memcmp(&l->assignments[i].token, &own.token, sizeof own.token) == 0)
            return true;
    return false;
}

// The call before again: what it handed out and still runs. False: there is nothing of it.
static inline bool judge_repeated(int worker, call *c)
{
    size_t count = 0;
    MODEL_EACH(j)
    count += j->state == JOB_RUNNING && j->worker == worker &&
             j->lease_sequence == c->lease.lease_sequence;
    if (count == 0)
        return false;
    assert_int_equal(model_done(c)->lease.assignment_count, count);
    MODEL_EACH(j)
    if (j->state == JOB_RUNNING && j->worker == worker &&
        j->lease_sequence == c->lease.lease_sequence)
        assert_true(is_named(&c->lease, j));
    model_told(worker, &c->lease.notices);
    return true;
}

static inline void judge_lease(model_command *command)
{
    call *c = command->call;
    model_worker *w = &model.workers[command->worker];
    model_answer_parked(command->worker);
    MODEL_EACH(j)
    if (j->state == JOB_RUNNING && j->worker == command->worker &&
        j->lease_sequence < c->lease.lease_sequence)
        j->confirmed = true;
    if (judge_repeated(command->worker, c))
        return;
    if (model_gets_jobs(command->worker, c)) {
        model_take(command->worker, c);
        return;
    }
    if (w->untold || c->lease.deadline_us <= model.mono_us) {
        model_answer_empty(command->worker, c);
        return;
    }
    w->asking = c;
    w->turn = ++model.turns;
}

static inline model_command any_lease(void)
{
    int worker = any_worker();
    model_worker *w = &model.workers[worker];
    if (w->lease_sequence == 0 || chance(90))
        w->lease_sequence++;
    int64_t wait_us = chance(50) ? (int64_t) any(30 * SECOND) : 0;
    call *c = lease_call((uint8_t) worker, w->lease_sequence, (int32_t) any(5), wait_us);
    c->worker.queues = names_of(worker, false, &c->worker.n_queues);
    c->worker.kinds = names_of(worker, true, &c->worker.n_kinds);
    return (model_command){erig_post(c), worker, judge_lease};
}

// ---- heartbeat ----

static inline model_revoked *model_revoked_of(model_worker *w, const engine_lease_ref *ref)
{
    for (size_t i = 0; i < w->revoked_count; i++)
        if (model_same_ref(&w->revoked[i].ref, ref))
            return &w->revoked[i];
    return NULL;
}

static inline void model_forget_revoked(model_worker *w, int64_t lease_sequence)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->revoked_count; i++)
        if (w->revoked[i].seen ||
            (lease_sequence != 0 && w->revoked[i].lease_sequence > lease_sequence))
            w->revoked[kept++] = w->revoked[i];
    w->revoked_count = kept;
}

static inline void model_give_back(int worker, int64_t lease_sequence)
{
    MODEL_EACH(j)
    if (j->state == JOB_RUNNING && j->worker == worker && j->confirmed && !j->seen &&
        (lease_sequence == 0 || j->lease_sequence <= lease_sequence))
        model_come_back(j);
}

static inline void model_clear_seen(int worker)
{
    model_worker *w = &model.workers[worker];
    MODEL_EACH(j)
    j->seen = j->seen && j->worker != worker;
    for (size_t i = 0; i < w->revoked_count; i++)
        w->revoked[i].seen = false;
}

// What a worker may say of how far it is; the first is nothing.
static const slice model_progress[] = {
    {NULL, 0}, {(const uint8_t *) "\x08\x01", 2}, {(const uint8_t *) "\x08\x02", 2}};

static inline int progress_number(const engine_heartbeat *h, size_t index)
{
    int number = (int) COUNT(model_progress) - 1;
    while (number > 0 && model_progress[number].bytes != h->progress[index].bytes)
        number--;
    return number;
}

static inline void model_tell_progress(model_job *j, int progress)
{
    if (progress == 0 || progress == j->progress)
        return;
    j->progress = progress;
    model_changed(j);
}

// True when the worker is told that this one is lost.
static inline bool model_renew(int worker, const engine_lease_ref *ref, int progress)
{
    model_job *j = model_held_by(worker, ref);
    model_revoked *r = model_revoked_of(&model.workers[worker], ref);
    if (j != NULL) {
        if (!j->seen)  // of a job that is named twice the first counts
            model_tell_progress(j, progress);
        j->confirmed = j->seen = true;
        j->former = false;
        j->expires_us = model.mono_us + LEASE_US;
    } else if (r != NULL) {
        r->seen = true;
    }
    return j == NULL && r == NULL;
}

static inline void judge_heartbeat(model_command *c)
{
    const engine_heartbeat *h = &model_done(c->call)->heartbeat;
    size_t lost = 0;
    model_clear_seen(c->worker);
    for (size_t i = 0; i < h->running_count; i++) {
        if (!model_renew(c->worker, &h->running[i], progress_number(h, i)))
            continue;
        assert_true(lost < h->lost_count);
        assert_true(model_same_ref(&h->lost[lost++], &h->running[i]));
    }
    assert_int_equal(h->lost_count, lost);
    model_forget_revoked(&model.workers[c->worker], h->lease_sequence);
    model_give_back(c->worker, h->lease_sequence);
    model_told(c->worker, &h->notices);
}

// A token that was good once, or never.
static inline engine_lease_ref any_stale_ref(void)
{
    const model_job *j = &model.jobs[any_slot()];
    engine_lease_ref ref = model_ref(j);
    ref.token = engine_token_make(j->seq, j->attempt - (int32_t) any(2));
    return ref;
}

static inline size_t any_refs(int worker, engine_lease_ref *ret)
{
    const model_worker *w = &model.workers[worker];
    size_t count = 0;
    MODEL_EACH(j)
    if (j->state == JOB_RUNNING && j->worker == worker && chance(85))
        ret[count++] = model_ref(j);
    for (size_t i = 0; i < w->revoked_count; i++)
        if (chance(40))
            ret[count++] = w->revoked[i].ref;
    if (chance(10))
        ret[count++] = any_stale_ref();
    return count;
}

static inline model_command any_heartbeat(void)
{
    int worker = any_worker();
    int64_t sequence = chance(70) ? model.workers[worker].lease_sequence : 0;
    call *c = heartbeat_call((uint8_t) worker, NULL, 0, sequence);
    engine_lease_ref *refs =
        arena_alloc(c->memory, (MODEL_JOBS + MODEL_REVOKED + 1) * sizeof *refs);
    c->heartbeat.running_count = any_refs(worker, refs);
    c->heartbeat.running = refs;
    slice *told = arena_zalloc(c->memory, (c->heartbeat.running_count + 1) * sizeof *told);
    for (size_t i = 0; i < c->heartbeat.running_count; i++)
        told[i] = model_progress[any(COUNT(model_progress))];
    c->heartbeat.progress = told;
    return (model_command){erig_post(c), worker, judge_heartbeat};
}

// ---- outcomes ----

static inline void model_apply(model_job *j, const engine_outcome *o)
{
    switch (o->type) {
    case ENGINE_SUCCESS:
        model_succeed(j);
        break;
    case ENGINE_FAILURE:
        model_fail(j, o->retryable, o->retry_after_us);
        break;
    case ENGINE_RELEASED:
        model_come_back(j);
        break;
    }
}

static inline void judge_outcomes(model_command *c)
{
    const engine_outcomes *o = &model_done(c->call)->outcomes;
    size_t rejected = 0;
    for (size_t i = 0; i < o->count; i++) {
        model_job *j = model_held_by(c->worker, &o->outcomes[i].ref);
        if (j != NULL) {
            model_apply(j, &o->outcomes[i]);
            continue;
        }
        assert_true(rejected < o->rejected_count);
        assert_true(model_same_ref(&o->rejected[rejected++].ref, &o->outcomes[i].ref));
    }
    assert_int_equal(o->rejected_count, rejected);
    assert_int_equal(o->accepted, o->count - rejected);
    assert_int_equal(o->acked_outcome_sequence, o->sequence);
}

// The same batch twice is applied once.
static inline void judge_outcomes_again(model_command *c)
{
    const engine_outcomes *o = &model_done(c->call)->outcomes;
    assert_int_equal(o->accepted, 0);
    assert_int_equal(o->rejected_count, 0);
}

static inline engine_outcome any_outcome(const engine_lease_ref *ref)
{
    static const job_row none;
    uint64_t what = any(10);
    engine_outcome o = what < 5   ? success(&none)
                       : what < 9 ? failure(&none, chance(70))
                                  : released(&none);
    o.ref = *ref;
    if (o.type == ENGINE_FAILURE && chance(40))
        o.retry_after_us = (int64_t) any(15 * SECOND);
    return o;
}

static inline model_command any_outcomes(void)
{
    int worker = any_worker();
    model_worker *w = &model.workers[worker];
    engine_lease_ref refs[MODEL_JOBS + MODEL_REVOKED + 1];
    size_t count = any_refs(worker, refs);
    bool again = w->outcome_sequence > 0 && chance(10);
    w->outcome_sequence += !again;
    call *c = outcomes_call((uint8_t) worker, w->outcome_sequence, NULL, any(count + 1));
    engine_outcome *list = arena_alloc(c->memory, (count + 1) * sizeof *list);
    for (size_t i = 0; i < c->outcomes.count; i++)
        list[i] = any_outcome(&refs[any(count)]);
    c->outcomes.outcomes = list;
    c->outcomes.report = true;
    return (model_command){erig_post(c), worker, again ? judge_outcomes_again : judge_outcomes};
}

// ---- queues ----

static inline queue_settings any_settings(void)
{
    queue_settings s = no_limits();
    if (chance(40)) {
        s.rate_count = 1 + (int64_t) any(5);
        s.rate_per_us = SECOND + (int64_t) any(10 * SECOND);
        s.rate_burst = 1 + (int64_t) any(4);
    }
    s.max_running = chance(30) ? (int64_t) any(5) : QUEUE_NO_LIMIT;
    s.max_per_key = chance(50) ? (int64_t) any(3) : QUEUE_NO_LIMIT;
    s.max_depth = chance(30) ? (int64_t) any(20) : QUEUE_NO_LIMIT;
    s.aging_us = chance(40) ? (int64_t) any(10 * SECOND) : 0;
    s.paused = chance(10);
    s.hold_on_retry_after = chance(40);
    return s;
}

static inline bool same_rate(const queue_settings *a, const queue_settings *b)
{
    return a->rate_count == b->rate_count && a->rate_per_us == b->rate_per_us &&
           a->rate_burst == b->rate_burst;
}

static inline void model_set_queue(model_queue *q, const queue_settings *settings)
{
    bool had_rate = q->settings.rate_count > 0;
    model_refill(q);
    if (!same_rate(&q->settings, settings))
        q->start_count = 0;
    q->settings = *settings;
    q->known = true;
    if (!had_rate || q->tokens > (double) settings->rate_burst)
        q->tokens = (double) settings->rate_burst;
    model_store_tokens(q);
    if (settings->hold_on_retry_after)
        return;
    q->held_back_us = 0;
    q->probing = false;
}

static inline int64_t model_count(int queue, int kind, job_state state)
{
    int64_t count = 0;
    MODEL_EACH(j)
    count += j->queue == queue && (kind < 0 || j->kind == kind) && j->state == state;
    return count;
}

static inline void judge_queue(model_command *c)
{
    const engine_queue *answer = &c->call->queue;
    int queue = queue_number(answer->name);
    model_queue *q = &model.queues[queue];
    queue_settings wanted;
    queue_settings_init(&wanted);
    assert_true(erig_is_done(c->call));
    if (answer->wanted != NULL) {
        rig_ok(queue_settings_read(answer->wanted, QUEUE_ALL_FIELDS, &wanted));
        model_set_queue(q, &wanted);
    }
    assert_int_equal(c->call->command.failure == NULL, q->known);
    if (!q->known)
        return;
    assert_int_equal(answer->info.settings.max_running, q->settings.max_running);
    assert_true(same_rate(&answer->info.settings, &q->settings));
    if (queue == MODEL_QUEUES - 1)
        return;  // a Lease may just have cancelled some
    for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++)
        assert_int_equal(answer->info.depth[state], model_count(queue, -1, (job_state) state));
}

static inline model_command any_queue(bool change)
{
    int queue = chance(15) ? MODEL_QUEUES - 1 : (int) any((uint64_t) model.world.queues);
    const char *name = model_queue_names[queue];
    queue_settings settings = any_settings();
    call *c = queue_call(name, change ? &settings : NULL, QUEUE_ALL_FIELDS);
    return (model_command){erig_post(c), 0, judge_queue};
}

#endif
