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

// What changed since it was read may not match what was asked for any more.
static bool is_wanted(const engine_control_many *c, const job_row *now)
{
    return now->seq != 0 && !job_row_is_gone(now) &&
           (c->states == 0 || (c->states & 1u << now->state) != 0);
}

static bool change_each(engine *e, engine_control_many *c, size_t first, size_t count)
{
    job_row now;
    bool going = true;
    for (size_t i = first; going && i < first + count; i++) {
        going = engine_check(e, e->store->ops->load(e->store, &c->rows[i].seq, 1, &now));
        if (going && is_wanted(c, &now))
            going = change_one(e, c, &now);
    }
    return going;
}

// Jobs deleted with one write.
#define TOGETHER 200

// How many jobs from there on go alone, by what was read of them; 0: other changes are made. They
// are read from the newest to the oldest, so that none comes twice.
static size_t alone_from(const engine_control_many *c, size_t first)
{
    const job_row *rows = &c->rows[first];
    size_t most = c->count - first < TOGETHER ? c->count - first : TOGETHER, count = 0;
    if (c->type != ENGINE_DELETE)
        return 0;
    while (count < most && finish_goes_alone(&rows[count]) &&
           (count == 0 || rows[count].seq < rows[count - 1].seq))
        count++;
    return count;
}

// The rows of those that are to go, as they are now; false when one does not go alone any more.
static bool pick(const engine_control_many *c, job_row *rows, size_t count, size_t *ret_count)
{
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(c, &rows[i]) || rows[i].state == JOB_RUNNING)
            continue;
        if (!finish_goes_alone(&rows[i]))
            return false;
        rows[wanted++] = rows[i];
    }
    *ret_count = wanted;
    return true;
}

static bool delete_together(engine *e, engine_control_many *c, size_t first, size_t count)
{
    job_row rows[TOGETHER];
    int64_t seqs[TOGETHER] = {0};
    size_t wanted;
    for (size_t i = 0; i < count; i++)
        seqs[i] = c->rows[first + i].seq;
    if (!engine_check(e, e->store->ops->load(e->store, seqs, count, rows)))
        return false;
    if (!pick(c, rows, count, &wanted))
        return change_each(e, c, first, count);
    c->done += (int64_t) wanted;
    return finish_removed_alone(e, rows, wanted);
}

void control_many_apply(engine *e, engine_control_many *c)
{
    bool going = true;
    for (size_t i = 0; going && i < c->count;) {
        size_t alone = alone_from(c, i);
        going = alone > 1 ? delete_together(e, c, i, alone) : change_each(e, c, i, 1);
        i += alone > 1 ? alone : 1;
    }
    engine_answer(e, &c->command);
}
