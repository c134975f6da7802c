// ties - what ties a new job to others: its unique key, the jobs it waits for, a full queue.
//
// Such a job is stored by itself, when all before it are stored already.
#include "engine/internal.h"

#include "job/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL_RETRY_MS 1000

bool ties_any(engine *e, const engine_new_job *job)
{
    if (job->row.blockers > 0 || !uuid_is_nil(&job->row.unique_key))
        return true;
    const job_queue *q = e->depth_limits ? queue_find(e, job->queue) : NULL;
    return q != NULL && q->settings.max_depth != QUEUE_NO_LIMIT;
}

static bool has_same_key(engine *e, engine_new_job *job)
{
    job_row holder;
    if (uuid_is_nil(&job->row.unique_key))
        return false;
    if (!engine_check(e, e->store->ops->find_unique(e->store, &job->row.unique_key, 1, &holder)))
        return true;
    if (holder.seq == 0)
        return false;
    job->row = holder;
    job->duplicate = job->other = true;
    return true;
}

static bool is_queue_full(engine *e, engine_new_job *job)
{
    const job_queue *q = queue_find(e, job->queue);
    if (q == NULL || q->settings.max_depth == QUEUE_NO_LIMIT ||
        strcmp(job->queue, JOB_CALLBACK_QUEUE) == 0 || queue_depth(e, q) < q->settings.max_depth)
        return false;
    job->failure = status_new(STATUS_RESOURCE_EXHAUSTED,
                              "queue \"%s\" is full: it holds %lld unfinished jobs, its max_depth",
                              job->queue, (long long) q->settings.max_depth);
    job->failure->retry_delay_ms = FULL_RETRY_MS;
    return true;
}

// ---- after ----

// A job that the submitter may not see is like none.
static bool is_known(engine *e, const engine_new_job *job, const job_row *other)
{
    size_t count;
    const store_route *routes = e->store->ops->routes(e->store, &count);
    return other->seq != 0 && !job_row_is_gone(other) &&
           queue_set_has(job->visible, routes[other->route - 1].queue);
}

static bool all_known(engine *e, engine_new_job *job, const job_row *others, size_t count)
{
    char field[32], id[UUID_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (is_known(e, job, &others[i]))
            continue;
        (void) snprintf(field, sizeof field, "after[%zu]", i);
        job->failure = status_bad_field(field, "found %s, expected the id of a job that exists",
                                        uuid_format(&job->after[i], id));
        return false;
    }
    return true;
}

// An ended job that is waited for is settled like one that ends now.
static bool mark(engine *e, const job_row *before)
{
    job_row row = *before;
    lease *l = lease_by_seq(e, row.seq);
    row.has_dependants = true;
    if (l != NULL)
        l->row.has_dependants = true;
    return before->has_dependants ||
           (engine_write(e) && engine_check(e, e->store->ops->save(e->store, before, &row, 1)));
}

static int compare(const void *a, const void *b)
{
    const job_row *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static bool tie(engine *e, engine_new_job *job, job_row *others, size_t count, int64_t *ret_after)
{
    job->row.blockers = 0;
    qsort(others, count, sizeof *others, compare);
    for (size_t i = 0; i < count; i++) {
        if (others[i].state == JOB_SUCCEEDED || (i > 0 && others[i].seq == others[i - 1].seq))
            continue;
        if (!mark(e, &others[i]))
            return false;
        ret_after[job->row.blockers++] = others[i].seq;
    }
    return true;
}

static bool tie_to_others(engine *e, engine_new_job *job, int64_t *ret_after)
{
    size_t count = (size_t) job->row.blockers;
    if (count == 0)
        return true;
    AUTO_FREE job_row *others = calloc(count, sizeof *others);
    if (others == NULL)
        return engine_check(e, no_memory());
    if (!engine_check(e, e->store->ops->find(e->store, job->after, count, others)))
        return false;
    return all_known(e, job, others, count) && tie(e, job, others, count, ret_after);
}

bool ties_make(engine *e, engine_new_job *job, int64_t ret_after[static JOB_MAX_AFTER])
{
    return !has_same_key(e, job) && !is_queue_full(e, job) && tie_to_others(e, job, ret_after);
}
