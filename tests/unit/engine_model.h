// engine_model - what the engine should do, in plain C: arrays that are searched from end to end.
//
// A world is small, so that ids, keys and queues meet often: a job's place in `jobs` is its id.
// Behind those are the callbacks, whose ids the engine makes (engine_model_callback.h). The rules
// of a job's life are here, what time brings in engine_model_due.h; who may run is in
// engine_model_take.h.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_H

#include "unit/dice.h"
#include "unit/engine_life.h"

#define MODEL_IDS       48
#define MODEL_CALLBACKS 200
#define MODEL_JOBS      (MODEL_IDS + MODEL_CALLBACKS)
#define MODEL_QUEUES    4  // the last one is that of callbacks
#define MODEL_KINDS     3  // so is the last kind
#define MODEL_WORKERS   4
#define MODEL_WAITS     8
#define MODEL_STARTS    16
#define MODEL_REVOKED   512
#define MODEL_LEASES    9  // jobs that run at one time

#define LEASE_US (30 * SECOND)
#define ROUND_US 1000  // retries take a little time each: a round never takes more
#define GRACE_US (5 * SECOND)

typedef struct model_job {
    bool there;    // the store has it
    bool removed;  // deleted, but those that wait for it have yet to be told
    int64_t seq;
    int queue, kind, content;
    int unique, key;  // 0: none
    job_state state;
    int32_t priority, attempt, failures, losses, max_attempts;
    int64_t due_us, expire_us, aging_us, create_us, start_us, finish_us, retention_us, timeout_us;
    int64_t revision, retry_request;
    unsigned wants;  // bits of the end states that are called back
    int32_t callbacks_open;
    uuid id;             // of a callback
    int64_t parent_seq;  // of a callback; otherwise 0
    int32_t blockers;
    bool has_dependants;
    bool waits_for[MODEL_IDS];
    // While it runs:
    int worker;
    int64_t lease_sequence, expires_us, voided_us;
    bool confirmed, former, seen;
    int progress;  // which of model_progress was told; 0: none
} model_job;

typedef struct model_queue {
    queue_settings settings;
    bool known;
    double tokens, stored_tokens;
    int64_t tokens_us, held_back_us;
    int64_t stored_us;  // wall: when stored_tokens were there
    bool probing;
    int64_t starts[MODEL_STARTS];  // the latest under the present rate
    size_t start_count;
} model_queue;

typedef struct model_revoked {
    engine_lease_ref ref;
    int64_t lease_sequence;
    bool seen;
} model_revoked;

typedef struct model_worker {
    int64_t lease_sequence, outcome_sequence;
    call *asking;  // its parked Lease
    int64_t turn;  // smaller: parked earlier
    bool untold;
    model_revoked revoked[MODEL_REVOKED];
    size_t revoked_count;
} model_worker;

typedef struct model_wait {
    call *call;
    int64_t seq;
    bool over, gone;
    job_state state;   // at the end; 0: any
    int64_t revision;  // told to a watch; 0: any
} model_wait;

// How much there is of everything.
typedef struct model_world {
    int ids, queues, keys, uniques;
    int after;     // percent of jobs that wait for others
    int callback;  // percent of jobs that want to be called back for
} model_world;

static struct {
    model_world world;
    uint64_t random;
    int64_t now_us, wall_us, mono_us;  // the engine's time, and what the clocks show
    int64_t coming_us;                 // so much later the commands under way are applied
    int64_t last_seq, settled_seq, turns;
    model_job jobs[MODEL_JOBS];
    model_queue queues[MODEL_QUEUES];
    model_worker workers[MODEL_WORKERS];
    model_wait waits[MODEL_WAITS];
} model;

static const char *const model_queue_names[MODEL_QUEUES] = {"q0", "q1", "q2", JOB_CALLBACK_QUEUE};
static const char *const model_kind_names[MODEL_KINDS] = {"k0", "k1", "http"};

static inline uint64_t any(uint64_t below)
{
    return dice_roll(&model.random, below);
}

static inline bool chance(uint64_t percent)
{
    return any(100) < percent;
}

// ---- finding ----

static inline uuid model_id(int slot)
{
    uuid id = {{0x0e}};
    if (slot >= MODEL_IDS)
        return model.jobs[slot].id;
    id.bytes[15] = (uint8_t) slot;
    return id;
}

static inline int model_slot(const model_job *j)
{
    return (int) (j - model.jobs);
}

static inline model_job *model_by_id(const uuid *id)
{
    int slot = id->bytes[0] == 0x0e ? id->bytes[15] : MODEL_IDS;
    while (id->bytes[0] != 0x0e && slot < MODEL_JOBS && !uuid_equal(&model.jobs[slot].id, id))
        slot++;
    return slot < MODEL_JOBS && model.jobs[slot].there ? &model.jobs[slot] : NULL;
}

static inline bool model_is_there(const uuid *id)
{
    const model_job *j = model_by_id(id);
    return j != NULL && !j->removed;
}

#define MODEL_EACH(j)                                                                              \
    for (model_job *j = model.jobs; j < model.jobs + MODEL_JOBS; j++)                              \
        if (j->there)

static inline bool model_is_over(const model_job *j)
{
    return job_state_is_final(j->state);
}

static inline size_t model_depth(int queue)
{
    size_t depth = 0;
    MODEL_EACH(j)
    depth += j->queue == queue && !model_is_over(j);
    return depth;
}

static inline model_job *model_by_unique(int queue, int unique)
{
    MODEL_EACH(j)
    if (unique != 0 && j->queue == queue && j->unique == unique && !model_is_over(j))
        return j;
    return NULL;
}

static inline engine_lease_ref model_ref(const model_job *j)
{
    return (engine_lease_ref){model_id(model_slot(j)), engine_token_make(j->seq, j->attempt)};
}

static inline bool model_same_ref(const engine_lease_ref *a, const engine_lease_ref *b)
{
    return uuid_equal(&a->id, &b->id) && memcmp(&a->token, &b->token, sizeof a->token) == 0;
}

// The job that a worker holds under this token; NULL: the token is void.
static inline model_job *model_held_by(int worker, const engine_lease_ref *ref)
{
    model_job *j = model_by_id(&ref->id);
    if (j == NULL || j->state != JOB_RUNNING || j->worker != worker)
        return NULL;
    engine_lease_ref own = model_ref(j);
    return model_same_ref(&own, ref) ? j : NULL;
}

static inline model_job *model_by_seq(int64_t seq)
{
    MODEL_EACH(j)
    if (j->seq == seq)
        return j;
    return NULL;
}

// The number of a queue or a kind.
static inline int model_number(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    fail_msg("there is no %s", name);
    return -1;
}

static inline int queue_number(const char *name)
{
    return model_number(model_queue_names, MODEL_QUEUES, name);
}

static inline int kind_number(const char *name)
{
    return model_number(model_kind_names, MODEL_KINDS, name);
}

// ---- callbacks: engine_model_callback.h ----

static inline void model_call_back(model_job *parent);
static inline void model_let_parent_go(const model_job *callback);
static inline int64_t model_backoff(const model_job *callback);

// ---- moves ----

// The job has changed; those who watch it are told.
static inline void model_changed(model_job *j)
{
    j->revision++;
    for (int i = 0; i < MODEL_WAITS; i++) {
        model_wait *w = &model.waits[i];
        if (w->call == NULL || w->over || w->seq != j->seq || !w->call->wait.watch ||
            j->revision <= w->call->wait.revision)
            continue;
        w->over = true;
        w->state = j->state;
        w->revision = j->revision;
    }
}

static inline void model_move(model_job *j, job_state state)
{
    j->state = state;
    model_changed(j);
}

// ---- ends ----

static inline void model_tell(const model_job *j, bool gone)
{
    for (int i = 0; i < MODEL_WAITS; i++) {
        model_wait *w = &model.waits[i];
        if (w->call == NULL || w->over || w->seq != j->seq)
            continue;
        w->over = true;
        w->gone = gone;
        w->state = j->state;
        w->revision = j->revision;
    }
}

static inline void model_end(model_job *j, job_state state)
{
    j->state = state;
    j->revision++;
    j->finish_us = model.now_us;
    if ((j->wants & 1u << state) != 0)
        model_call_back(j);
    if (j->parent_seq != 0)
        model_let_parent_go(j);
    model_tell(j, false);
}

static inline void model_fail(model_job *j, bool retryable, int64_t retry_after_us)
{
    model_queue *q = &model.queues[j->queue];
    if (q->settings.hold_on_retry_after && retry_after_us > 0) {
        if (q->held_back_us < model.mono_us + retry_after_us)
            q->held_back_us = model.mono_us + retry_after_us;
        q->probing = true;
    }
    j->failures++;
    if (!retryable || j->failures >= j->max_attempts) {
        model_end(j, JOB_FAILED);
        return;
    }
    // The jobs of the model have no backoff, but for callbacks.
    int64_t backoff_us = j->parent_seq != 0 ? model_backoff(j) : 0;
    j->due_us = model.now_us + (backoff_us > retry_after_us ? backoff_us : retry_after_us);
    model_move(j, JOB_SCHEDULED);
}

static inline void model_succeed(model_job *j)
{
    model_queue *q = &model.queues[j->queue];
    if (model.mono_us >= q->held_back_us)
        q->probing = false;
    model_end(j, JOB_SUCCEEDED);
}

static inline void model_come_back(model_job *j)
{
    j->aging_us = model.queues[j->queue].settings.aging_us;
    model_move(j, JOB_READY);
}

static inline void model_lose(model_job *j)
{
    j->losses++;
    if (j->losses < 3) {
        model_come_back(j);
        return;
    }
    j->aging_us = model.queues[j->queue].settings.aging_us;
    model_end(j, JOB_FAILED);
}

static inline void model_forget(model_job *j)
{
    memset(j, 0, sizeof *j);
}

static inline void model_remove(model_job *j)
{
    if (!model_is_over(j)) {
        j->state = JOB_CANCELLED;
        j->revision++;
        if (j->parent_seq != 0)
            model_let_parent_go(j);
    }
    model_tell(j, true);
    if (!j->has_dependants) {
        model_forget(j);
        return;
    }
    j->removed = true;
    j->finish_us = 0;
    j->callbacks_open = 0;
}

static inline void model_retry(model_job *j, int64_t request)
{
    j->failures = j->losses = j->blockers = 0;
    j->due_us = model.now_us;
    j->expire_us = j->finish_us = 0;
    j->aging_us = model.queues[j->queue].settings.aging_us;
    j->retry_request = request;
    model_move(j, JOB_READY);
    model.now_us += j->wants != 0;
}

#endif
