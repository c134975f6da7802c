// engine_model_take - who may run in the model, and in which order; what a Lease is answered.
//
// The engine chooses among queues. The model takes its answers job by job and checks each: was it
// free to start, and was it the first of its queue? And that nothing is left that could start.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_TAKE_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_TAKE_H

#include "unit/engine_model_callback.h"

#define TOKEN_SLACK 1e-9

// The first worker serves all, the second one kind, the third one queue, the fourth some queues by
// weight.
static inline bool model_serves(int worker, const model_job *j)
{
    switch (worker) {
    case 0:
        return true;
    case 1:
        return j->kind == 0;
    case 2:
        return j->queue == 0;
    default:
        return j->queue != 2;
    }
}

// ---- limits ----

static inline int64_t model_running(int queue)
{
    int64_t count = 0;
    MODEL_EACH(j)
    count += j->state == JOB_RUNNING && (queue < 0 || j->queue == queue);
    return count;
}

static inline int64_t model_key_running(const model_job *of)
{
    int64_t count = 0;
    MODEL_EACH(j)
    count += j->state == JOB_RUNNING && j->queue == of->queue && j->key == of->key;
    return count;
}

static inline void model_refill(model_queue *q)
{
    const queue_settings *s = &q->settings;
    if (s->rate_count > 0) {
        q->tokens += (double) (model.mono_us - q->tokens_us) * (double) s->rate_count /
                     (double) s->rate_per_us;
        if (q->tokens > (double) s->rate_burst)
            q->tokens = (double) s->rate_burst;
    }
    q->tokens_us = model.mono_us;
}

static inline bool model_has_token(model_queue *q, double slack)
{
    model_refill(q);
    return q->settings.rate_count == 0 || q->tokens >= 1 + slack;
}

static inline bool model_queue_is_open(int queue, double slack)
{
    model_queue *q = &model.queues[queue];
    int64_t running = model_running(queue);
    if (q->settings.paused ||
        (q->settings.max_running != QUEUE_NO_LIMIT && running >= q->settings.max_running))
        return false;
    if (q->settings.hold_on_retry_after &&
        (model.mono_us < q->held_back_us || (q->probing && running > 0)))
        return false;
    return model_has_token(q, slack);
}

// slack > 0: it must be able to start; < 0: it may, as far as rounding goes.
static inline bool model_can_start(int worker, const model_job *j, double slack)
{
    const queue_settings *s = &model.queues[j->queue].settings;
    if (j->state != JOB_READY || model_is_late(j) || !model_serves(worker, j) || is_pointless(j) ||
        model_running(-1) >= MODEL_LEASES)
        return false;
    if (j->key != 0 && s->max_per_key != QUEUE_NO_LIMIT && model_key_running(j) >= s->max_per_key)
        return false;
    return model_queue_is_open(j->queue, slack);
}

static inline bool model_any_can_start(int worker, double slack)
{
    MODEL_EACH(j)
    if (model_can_start(worker, j, slack))
        return true;
    return false;
}

// ---- order ----

// Priority, then due time; with aging a point of priority is worth so much of due time.
static inline __int128 model_rank(const model_job *j)
{
    if (j->aging_us > 0)
        return (__int128) j->due_us - (__int128) j->aging_us * j->priority;
    return ((__int128) (100 - j->priority) << 53) + j->due_us;
}

static inline bool model_is_before(const model_job *a, const model_job *b)
{
    __int128 left = model_rank(a), right = model_rank(b);
    return left != right ? left < right : a->seq < b->seq;
}

static inline void model_check_first(int worker, const model_job *taken)
{
    MODEL_EACH(j)
    {
        if (j == taken || j->queue != taken->queue || !model_is_before(j, taken))
            continue;
        if (model_can_start(worker, j, -TOKEN_SLACK))
            fail_msg("job %d was handed out before job %d", (int) taken->seq, (int) j->seq);
    }
}

// ---- starts ----

// The promise: in any window T at most burst + count * T / per jobs start.
static inline void model_check_windows(const model_queue *q)
{
    const queue_settings *s = &q->settings;
    for (size_t i = 0; i < q->start_count; i++) {
        double window_us = (double) (model.mono_us - q->starts[i]);
        double most =
            (double) s->rate_burst + window_us * (double) s->rate_count / (double) s->rate_per_us;
        assert_true((double) (q->start_count - i) <= most + TOKEN_SLACK);
    }
}

// The store knows the wall time only.
static inline void model_store_tokens(model_queue *q)
{
    q->stored_tokens = q->tokens;
    q->stored_us = model.now_us;
}

static inline void model_count_start(model_queue *q)
{
    if (q->settings.rate_count == 0)
        return;
    q->tokens -= 1;
    model_store_tokens(q);
    if (q->start_count == MODEL_STARTS)
        memmove(q->starts, q->starts + 1, --q->start_count * sizeof q->starts[0]);
    q->starts[q->start_count++] = model.mono_us;
    model_check_windows(q);
}

static inline void model_start(int worker, model_job *j, int64_t lease_sequence)
{
    model_move(j, JOB_RUNNING);
    j->attempt++;
    j->worker = worker;
    j->lease_sequence = lease_sequence;
    j->expires_us = model.mono_us + LEASE_US;
    j->voided_us = model.mono_us + j->timeout_us + GRACE_US;
    j->start_us = model.now_us;
    j->confirmed = j->former = j->seen = false;
    j->progress = 0;
    model_count_start(&model.queues[j->queue]);
}

static inline void model_take_one(int worker, const engine_assignment *a, int64_t lease_sequence)
{
    model_job *j = model_by_id(&a->row.id);
    assert_non_null(j);
    assert_true(model_can_start(worker, j, -TOKEN_SLACK));
    model_check_first(worker, j);
    model_start(worker, j, lease_sequence);
    engine_lease_ref own = model_ref(j);
    assert_int_equal(a->row.seq, j->seq);
    assert_int_equal(a->row.attempt, j->attempt);
    assert_memory_equal(&a->token, &own.token, sizeof a->token);
    assert_int_equal(a->has_parent, j->parent_seq != 0);
    if (a->has_parent)
        model_check_parent(j, &a->parent_row);
}

// ---- answers ----

static inline call *model_done(call *c)
{
    assert_true(erig_is_done(c));
    assert_null(c->command.failure);
    return c;
}

static inline void model_told(int worker, const engine_notices *told)
{
    model_worker *w = &model.workers[worker];
    assert_int_equal(told->cancel_count, w->revoked_count);
    for (size_t i = 0; i < told->cancel_count; i++)
        assert_true(model_same_ref(&told->cancel[i], &w->revoked[i].ref));
    assert_int_equal(told->rejected_count, 0);
    assert_true(told->acked_outcome_sequence <= w->outcome_sequence);
    w->untold = false;
}

static inline void model_take(int worker, call *c)
{
    const engine_lease *l = &model_done(c)->lease;
    assert_in_range(l->assignment_count, 1, l->max_jobs);
    for (size_t i = 0; i < l->assignment_count; i++)
        model_take_one(worker, &l->assignments[i], l->lease_sequence);
    if (l->assignment_count < (size_t) l->max_jobs)
        assert_false(model_any_can_start(worker, TOKEN_SLACK));
    model_told(worker, &l->notices);
}

// Whether the call gets jobs now: if it must, or if it may and did.
static inline bool model_gets_jobs(int worker, call *c)
{
    if (c->lease.max_jobs == 0)
        return false;
    return model_any_can_start(worker, TOKEN_SLACK) ||
           (model_any_can_start(worker, -TOKEN_SLACK) && erig_is_done(c) &&
            c->lease.assignment_count > 0);
}

static inline void model_answer_empty(int worker, call *c)
{
    assert_int_equal(model_done(c)->lease.assignment_count, 0);
    model_told(worker, &c->lease.notices);
}

static inline void model_answer_parked(int worker)
{
    model_worker *w = &model.workers[worker];
    call *c = w->asking;
    w->asking = NULL;
    if (c != NULL)
        model_answer_empty(worker, c);
}

static inline int model_next_parked(int64_t after_turn)
{
    int next = -1;
    for (int i = 0; i < MODEL_WORKERS; i++) {
        const model_worker *w = &model.workers[i];
        if (w->asking != NULL && w->turn > after_turn &&
            (next < 0 || w->turn < model.workers[next].turn))
            next = i;
    }
    return next;
}

static inline void model_offer(void)
{
    int64_t turn = 0;
    for (int i = model_next_parked(turn); i >= 0; i = model_next_parked(turn)) {
        model_worker *w = &model.workers[i];
        turn = w->turn;
        if (!model_gets_jobs(i, w->asking))
            continue;
        call *c = w->asking;
        w->asking = NULL;
        model_take(i, c);
    }
}

// ---- what follows the commands of a round ----

static inline void model_pass_deadlines(void)
{
    for (int i = 0; i < MODEL_WORKERS; i++)
        if (model.workers[i].asking != NULL &&
            model.workers[i].asking->lease.deadline_us <= model.mono_us)
            model_answer_parked(i);
    for (int i = 0; i < MODEL_WAITS; i++) {
        model_wait *w = &model.waits[i];
        if (w->call == NULL || w->over || w->call->wait.deadline_us > model.mono_us)
            continue;
        w->over = true;
        w->state = (job_state) 0;
        w->revision = 0;
    }
}

static inline void model_finish_round(void)
{
    model_pass_deadlines();
    model_run_out();
    model_due();
    model_offer();
}

#endif
