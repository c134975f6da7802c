// control - jobs cancelled, retried and deleted by hand.
#include "engine/internal.h"

static bool cancel_job(engine *e, engine_control *c)
{
    job_row before = c->row;
    return job_state_is_final(before.state) || finish_cancelled(e, &before, &c->row);
}

// The same request again finds what it did before.
static bool retry_job(engine *e, engine_control *c)
{
    job_row before = c->row;
    if (c->request != 0 && before.retry_request == c->request)
        return true;
    c->command.failure = job_retry(&c->row, e->now_us);
    c->row.retry_request = c->request;
    return c->command.failure != NULL ||
           (engine_write(e) && engine_check(e, e->store->ops->save(e->store, &before, &c->row, 1)));
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
        if (c->row.seq == 0)
            c->command.failure = status_new(STATUS_NOT_FOUND, "no such job");
        else if (c->type == ENGINE_CANCEL)
            (void) cancel_job(e, c);
        else if (c->type == ENGINE_RETRY)
            (void) retry_job(e, c);
        else
            (void) delete_job(e, c);
    }
    engine_answer(e, &c->command);
}
