// engine_model_callback - the callbacks of the model: jobs that the engine makes by itself.
//
// The engine chooses their ids, and when they are tried again. So the store that it writes to takes
// notes, in the order of the engine's doing, and the model looks up what it can not know.
#ifndef ERRAND_TESTS_UNIT_ENGINE_MODEL_CALLBACK_H
#define ERRAND_TESTS_UNIT_ENGINE_MODEL_CALLBACK_H

#include "unit/engine_model_due.h"

#define NOTES 1024

// One entry for each callback that was made, or that is to be tried again. Used up in order.
typedef struct note {
    bool made, used;
    job_row row;
} note;

static struct {
    store_ops ops;  // of the engine's store, with those that stand in
    const store_ops *below;
    note notes[NOTES];
    size_t count;
} notes;

static inline void note_down(bool made, const job_row *row)
{
    if (row->parent_seq == 0)
        return;
    assert_true(notes.count < NOTES);
    notes.notes[notes.count++] = (note){.made = made, .row = *row};
}

static inline status *note_insert(store *s, const store_new_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note_down(true, &jobs[i].row);
    return notes.below->insert(s, jobs, count);
}

static inline status *note_save(store *s, const job_row *before, const job_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (before[i].state == JOB_RUNNING && rows[i].state == JOB_SCHEDULED)
            note_down(false, &rows[i]);
    return notes.below->save(s, before, rows, count);
}

static inline void notes_begin(store *s)
{
    notes.below = s->ops;
    notes.ops = *s->ops;
    notes.ops.insert = note_insert;
    notes.ops.save = note_save;
    s->ops = &notes.ops;
    notes.count = 0;
}

// At the end of a step the model has come by all of them.
static inline void notes_end(void)
{
    for (size_t i = 0; i < notes.count; i++)
        assert_true(notes.notes[i].used);
    notes.count = 0;
}

static inline const job_row *note_find(bool made, int64_t parent_seq, int64_t seq)
{
    for (size_t i = 0; i < notes.count; i++) {
        note *n = &notes.notes[i];
        if (n->used || n->made != made || n->row.parent_seq != parent_seq ||
            (seq != 0 && n->row.seq != seq))
            continue;
        n->used = true;
        return &n->row;
    }
    fail_msg("no callback of job %d was %s", (int) parent_seq, made ? "made" : "put off");
    return NULL;
}

// ---- jobs that want one ----

static const Errand__V1__Job__State model_on[] = {ERRAND__V1__JOB__STATE__FAILED,
                                                  ERRAND__V1__JOB__STATE__CANCELLED};

// Encoded once: without a callback, with one at each end, with one at some ends.
static inline const slice *model_specs(void)
{
    static slice specs[3];
    static uint8_t bytes[3][256];
    Errand__V1__Callback callback = ERRAND__V1__CALLBACK__INIT;
    uint8_t hash[JOB_HASH_BYTES];
    if (specs[0].size > 0)
        return specs;
    callback.url = text("http://localhost/sink");
    for (size_t i = 0; i < COUNT(specs); i++) {
        Errand__V1__Job job = job_for("q", "k");
        job.callback = i > 0 ? &callback : NULL;
        callback.on = (Errand__V1__Job__State *) (uintptr_t) model_on;
        callback.n_on = i == 2 ? COUNT(model_on) : 0;
        rig_ok(job_spec_encode(&job, erig.memory, &specs[i], hash));
        assert_true(specs[i].size <= sizeof bytes[i]);
        memcpy(bytes[i], specs[i].bytes, specs[i].size);
        specs[i].bytes = bytes[i];
    }
    return specs;
}

static inline size_t model_callbacks(void)
{
    size_t count = 0;
    for (int slot = MODEL_IDS; slot < MODEL_JOBS; slot++)
        count += model.jobs[slot].there;
    return count;
}

// A world full of callbacks makes no more of them for a while.
static inline void any_callback(engine_new_job *job)
{
    bool wanted =
        model_callbacks() < MODEL_CALLBACKS / 4 && chance((uint64_t) model.world.callback);
    job->spec = model_specs()[wanted ? 1 + any(2) : 0];
    job->row.has_callback = wanted;
}

static inline unsigned model_wants(const slice *spec)
{
    if (spec->bytes == model_specs()[0].bytes)
        return 0;
    return spec->bytes == model_specs()[1].bytes ? ~0u : 1u << JOB_FAILED | 1u << JOB_CANCELLED;
}

// ---- parents ----

// The job whose end it tells about; NULL when that can not be told any more.
static inline model_job *model_parent(const model_job *callback)
{
    model_job *parent = model_by_seq(callback->parent_seq);
    return parent != NULL && parent->finish_us == callback->create_us ? parent : NULL;
}

static inline bool is_pointless(const model_job *j)
{
    return j->parent_seq != 0 && model_parent(j) == NULL;
}

static inline void model_keep_parent(const model_job *j)
{
    if (j->parent_seq != 0)
        model_parent(j)->callbacks_open++;
}

static inline void model_let_parent_go(const model_job *callback)
{
    model_job *parent = model_by_seq(callback->parent_seq);
    if (parent != NULL && parent->callbacks_open > 0)
        parent->callbacks_open--;
}

static inline void model_check_parent(const model_job *callback, const job_row *row)
{
    const model_job *parent = model_parent(callback);
    assert_non_null(parent);
    assert_int_equal(row->seq, parent->seq);
    assert_int_equal(row->state, parent->state);
}

// ---- their life ----

static inline void model_call_back(model_job *parent)
{
    const job_row *row = note_find(true, parent->seq, 0);
    model_job *j = &model.jobs[MODEL_IDS];
    while (j < model.jobs + MODEL_JOBS && j->there)
        j++;
    assert_true(j < model.jobs + MODEL_JOBS);
    // Several that end at one time need not end in the order of the model.
    if (row->seq > model.last_seq)
        model.last_seq = row->seq;
    model.queues[MODEL_QUEUES - 1].known = true;
    parent->callbacks_open++;
    *j = (model_job){
        .there = true,
        .id = row->id,
        .seq = row->seq,
        .parent_seq = parent->seq,
        .queue = MODEL_QUEUES - 1,
        .kind = MODEL_KINDS - 1,
        .state = JOB_READY,
        .revision = 1,
        .max_attempts = 10,
        .create_us = model.now_us,
        .due_us = model.now_us,
        .aging_us = model.queues[MODEL_QUEUES - 1].settings.aging_us,
        .retention_us = 24 * INT64_C(3600) * SECOND,
        .timeout_us = 60 * SECOND,
    };
}

// By chance, up to a bound that doubles.
static inline int64_t model_backoff(const model_job *callback)
{
    const job_row *row = note_find(false, callback->parent_seq, callback->seq);
    int64_t wait_us = row->due_us - model.now_us, most = 600 * SECOND;
    if (callback->failures < 10)
        most = SECOND << (callback->failures - 1);
    assert_in_range(wait_us, 0, most + 15 * SECOND);
    return wait_us;
}

// A worker that came by cancelled it, or did not come so far.
static inline bool model_see_pointless(void)
{
    bool seen = false;
    for (int slot = MODEL_IDS; slot < MODEL_JOBS; slot++) {
        model_job *j = &model.jobs[slot];
        job_row row;
        if (!j->there || j->state != JOB_READY || !is_pointless(j))
            continue;
        rig_ok(erig.store->ops->load(erig.store, &j->seq, 1, &row));
        if (row.seq != 0 && row.state != JOB_CANCELLED)
            continue;
        model_end(j, JOB_CANCELLED);
        j->finish_us = row.finish_us;
        j->aging_us = row.aging_us;
        if (row.seq == 0)
            model_forget(j);  // purged already
        seen = true;
    }
    return seen;
}

#endif
