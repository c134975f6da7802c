// control - jobs cancelled, retried and deleted by hand.
#include "engine/internal.h"

#include "job/rules.h"

static bool cancel_job(engine *e, engine_control *c)
{
    job_row before = c->row;
    return job_state_is_final(before.state) || finish_cancelled(e, &before, &c->row);
}

// A callback tells about an end of its parent: that has to be there still.
static status *parent_refused(engine *e, const job_row *before)
{
    job_row parent;
    if (before->parent_seq == 0 || !finish_parent_of(e, before, &parent) || parent.seq != 0)
        return NULL;
    return status_new(STATUS_FAILED_PRECONDITION, "the job that this callback tells about was "
                                                  "deleted, or has been tried again since");
}

static status *key_refused(engine *e, const job_row *before)
{
    job_row holder = {0};
    char id[UUID_TEXT_SIZE];
    if (uuid_is_nil(&before->unique_key))
        return NULL;
    if (!engine_check(e, e->store->ops->find_unique(e->store, &before->unique_key, 1, &holder)) ||
        holder.seq == 0)
        return NULL;
    return status_new(STATUS_FAILED_PRECONDITION, "job %s, which has not ended, has its unique key",
                      uuid_format(&holder.id, id));
}

// Why a job can not be retried; NULL: it can.
static status *retry_refused(engine *e, const job_row *before)
{
    job_row trial = *before;
    status *refused = job_retry(&trial, e->now_us);
    if (refused == NULL)
        refused = key_refused(e, before);
    return refused != NULL ? refused : parent_refused(e, before);
}

static bool make_ready(engine *e, const job_row *before, job_row *row)
{
    const job_queue *q = queue_of(e, row->route);
    row->aging_us = q != NULL ? q->settings.aging_us : 0;
    bool made = engine_check(e, job_retry(row, e->now_us)) && engine_write(e) &&
                (row->parent_seq == 0 || finish_keep_parent(e, row)) && engine_save(e, before, row);
    // Its callbacks are told apart by the time of the end that they tell about: the next one is
    // later, even in the same round.
    if (row->has_callback)
        e->now_us++;
    return made;
}

// The same request again finds what it did before.
static bool retry_job(engine *e, engine_control *c)
{
    job_row before = c->row;
    if (c->request != 0 && before.retry_request == c->request)
        return true;
    c->command.failure = retry_refused(e, &before);
    if (c->command.failure != NULL)
        return true;
    c->row.retry_request = c->request;
    return make_ready(e, &before, &c->row);
}

static bool delete_job(engine *e, engine_control *c)
{
    if (c->row.state != JOB_RUNNING)
        return finish_removed(e, &c->row);
    c->command.failure =
        status_new(STATUS_FAILED_PRECONDITION, "a job that is RUNNING can not be deleted: cancel "
                                               "it first");
    return true;
}

void control_apply(engine *e, engine_control *c)
{
    if (engine_check(e, e->store->ops->find(e->store, &c->id, 1, &c->row))) {
        if (c->row.seq == 0 || job_row_is_gone(&c->row))
            c->command.failure = no_job(&c->id);
        else if (c->type == ENGINE_CANCEL)
            (void) cancel_job(e, c);
        else if (c->type == ENGINE_RETRY)
            (void) retry_job(e, c);
        else
            (void) delete_job(e, c);
    }
    engine_answer(e, &c->command);
}

// ---- many ----

static bool retry_many(engine *e, engine_control_many *c, const job_row *before)
{
    job_row row = *before;
    status *refused = retry_refused(e, before);
    if (refused != NULL) {
        status_free(refused);
        return true;
    }
    row.retry_request = 0;
    c->done++;
    return make_ready(e, before, &row);
}

static bool change_one(engine *e, engine_control_many *c, const job_row *before)
{
    job_row row;
    switch (c->type) {
    case ENGINE_CANCEL:
        if (job_state_is_final(before->state))
            return true;
        c->done++;
        return finish_cancelled(e, before, &row);
    case ENGINE_RETRY:
        return retry_many(e, c, before);
    case ENGINE_DELETE:
        if (before->state == JOB_RUNNING)
            return true;
        c->done++;
        return finish_removed(e, before);
    }
    return true;
}

void control_many_apply(engine *e, engine_control_many *c)
{
    job_row now;
    bool going = true;
    for (size_t i = 0; going && i < c->count; i++) {
        const job_row *read = &c->rows[i];
        going = engine_check(e, e->store->ops->load(e->store, &read->seq, 1, &now));
        // What changed since it was read may not match what was asked for any more.
        bool wanted = going && now.seq != 0 && !job_row_is_gone(&now) &&
                      (c->states == 0 || (c->states & 1u << now.state) != 0);
        if (wanted)
            going = change_one(e, c, &now);
    }
    engine_answer(e, &c->command);
}
