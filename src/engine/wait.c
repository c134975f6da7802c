// wait - callers that wait for the end of a job.
#include "engine/internal.h"

#include <stdlib.h>

static waiters *waiters_of(engine *e, int64_t seq)
{
    waiters *w = NULL;
    HASH_FIND(hh, e->waiters, &seq, sizeof seq, w);
    return w;
}

static waiters *waiters_make(engine *e, int64_t seq)
{
    waiters *w = waiters_of(e, seq);
    if (w != NULL)
        return w;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->seq = seq;
    HASH_ADD(hh, e->waiters, seq, sizeof w->seq, w);
    if (w->hh.tbl == NULL) {
        free(w);
        return NULL;
    }
    return w;
}

static engine_wait *wait_of(const parked *p)
{
    return (engine_wait *) p->command;
}

static void forget_if_empty(engine *e, waiters *w)
{
    if (w->list == NULL) {
        HASH_DEL(e->waiters, w);
        free(w);
    }
}

void wait_leave(engine *e, parked *p)
{
    waiters *w = waiters_of(e, wait_of(p)->row.seq);
    DL_DELETE(w->list, p);
    forget_if_empty(e, w);
}

// The deadline has come: the answer is the job as it is.
static void wait_late(void *context, timer *t)
{
    engine *e = context;
    parked *p = park_of(t);
    engine_wait *w = wait_of(p);
    wait_leave(e, p);
    engine_answer(e, unpark(e, p));
    job_row now;
    if (engine_check(e, e->store->ops->load(e->store, &w->row.seq, 1, &now)) && now.seq != 0)
        w->row = now;
}

static bool is_over(const engine_wait *w, const job_row *row)
{
    return job_state_is_final(row->state) || (w->watch && row->revision > w->revision);
}

void wait_tell(engine *e, const job_row *row)
{
    waiters *w = e->waiters != NULL ? waiters_of(e, row->seq) : NULL;
    parked *p, *next;
    if (w == NULL || job_state_is_final(row->state))
        return;  // at the end wait_wake tells all
    DL_FOREACH_SAFE(w->list, p, next)
    {
        if (!is_over(wait_of(p), row))
            continue;
        wait_of(p)->row = *row;
        DL_DELETE(w->list, p);
        engine_answer(e, unpark(e, p));
    }
    forget_if_empty(e, w);
}

static void wait_park(engine *e, engine_wait *w)
{
    waiters *list = waiters_make(e, w->row.seq);
    if (list == NULL) {
        engine_answer(e, &w->command);  // the state so far
        return;
    }
    parked *p = park(e, &w->command, w->ticket, w->deadline_us, wait_late);
    if (p != NULL)
        DL_APPEND(list->list, p);
    else
        forget_if_empty(e, list);
}

// A job that runs is in memory; it is found there by its seq.
static bool find(engine *e, engine_wait *w)
{
    const lease *l = w->row.seq != 0 ? lease_by_seq(e, w->row.seq) : NULL;
    if (l == NULL || !uuid_equal(&l->row.id, &w->id))
        return engine_check(e, e->store->ops->find(e->store, &w->id, 1, &w->row));
    w->row = l->row;
    return true;
}

void wait_apply(engine *e, engine_wait *w)
{
    if (!find(e, w))
        engine_answer(e, &w->command);
    else if (w->row.seq == 0 || job_row_is_gone(&w->row))
        engine_refuse(e, &w->command, no_job(&w->id));
    else if (is_over(w, &w->row) || w->deadline_us <= e->mono_us)
        engine_answer(e, &w->command);
    else
        wait_park(e, w);
}

// Ends all waits for a job. failure is copied for each; NULL: there is none.
static void wake(engine *e, const job_row *row, const slice *result, const status *failure)
{
    waiters *w = waiters_of(e, row->seq);
    if (w == NULL)
        return;
    parked *p, *next;
    DL_FOREACH_SAFE(w->list, p, next)
    {
        wait_of(p)->row = *row;
        wait_of(p)->has_result = result != NULL;
        wait_of(p)->result = result != NULL ? *result : (slice){NULL, 0};
        engine_refuse(e, unpark(e, p), failure != NULL ? status_copy(failure) : NULL);
    }
    HASH_DEL(e->waiters, w);
    free(w);
}

// Answers are given in order, and the waiters' come before that of the command that brought the
// result: so its bytes need not be copied.
void wait_wake(engine *e, const job_row *row, const slice *result)
{
    wake(e, row, result, NULL);
}

void wait_take_back(engine_wait *w)
{
    w->has_result = false;
    w->result = (slice){NULL, 0};
}

void wait_wake_removed(engine *e, const job_row *row)
{
    AUTO(status) gone = status_new(STATUS_NOT_FOUND, "the job was deleted");
    wake(e, row, NULL, gone);
}
