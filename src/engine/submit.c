// submit - new jobs, and the same ones again.
#include "engine/internal.h"

#include "job/rules.h"

#include <stdlib.h>
#include <string.h>

// A place in the table of one command's own ids: a job may be named twice in one batch.
typedef struct own_id {
    uuid id;  // key
    size_t index;
    UT_hash_handle hh;
} own_id;

// What one command needs while it is applied.
typedef struct work {
    uuid *ids;
    job_row *found;
    own_id *own, *table;
    store_new_job *fresh;
    size_t fresh_count;
} work;

static void work_fini(work *w)
{
    HASH_CLEAR(hh, w->table);
    free(w->ids);
    free(w->found);
    free(w->own);
    free(w->fresh);
}

static bool work_init(work *w, size_t count)
{
    *w = (work){
        .ids = calloc(count, sizeof *w->ids),
        .found = calloc(count, sizeof *w->found),
        .own = calloc(count, sizeof *w->own),
        .fresh = calloc(count, sizeof *w->fresh),
    };
    return w->ids != NULL && w->found != NULL && w->own != NULL && w->fresh != NULL;
}

// The earlier job of the same command with this id; otherwise this one is remembered.
static const engine_new_job *earlier(engine_submit *s, work *w, size_t index)
{
    own_id *same = NULL;
    if (s->count == 1)
        return NULL;
    HASH_FIND(hh, w->table, &s->jobs[index].row.id, sizeof(uuid), same);
    if (same != NULL && s->jobs[same->index].failure == NULL)
        return &s->jobs[same->index];
    if (same != NULL) {
        same->index = index;  // the earlier one was refused: this one is judged by itself
        return NULL;
    }
    own_id *own = &w->own[index];
    own->id = s->jobs[index].row.id;
    own->index = index;
    HASH_ADD(hh, w->table, id, sizeof(uuid), own);
    return NULL;
}

static void judge(engine_new_job *job, const job_row *existing, const uint8_t *hash)
{
    if (memcmp(hash, job->hash, JOB_HASH_BYTES) == 0) {
        job->row = *existing;
        job->duplicate = true;
        return;
    }
    char id[UUID_TEXT_SIZE];
    job->failure =
        status_new(STATUS_ALREADY_EXISTS, "job %s exists already and its content is another",
                   uuid_format(&job->row.id, id));
}

static bool judge_stored(engine *e, engine_new_job *job, const job_row *existing)
{
    uint8_t hash[JOB_HASH_BYTES];
    slice spec;
    AUTO(arena) memory = arena_new(0);
    if (memory == NULL)
        return engine_check(e, no_memory());
    if (!engine_check(e, e->store->ops->load_spec(e->store, existing->seq, memory, &spec, hash)))
        return false;
    judge(job, existing, hash);
    return true;
}

// Routes stay for ever: names made up by a client must not fill the memory.
static bool has_route(engine *e, const engine_new_job *job)
{
    size_t count;
    (void) e->store->ops->routes(e->store, &count);
    return count < e->options.max_routes ||
           e->store->ops->find_route(e->store, job->queue, job->kind) != 0;
}

static bool add_fresh(engine *e, engine_new_job *job, work *w)
{
    int32_t route;
    if (!has_route(e, job)) {
        job->failure = status_new(STATUS_RESOURCE_EXHAUSTED,
                                  "queue \"%s\" with kind \"%s\" would be new: at most %zu such "
                                  "pairs may exist",
                                  job->queue, job->kind, e->options.max_routes);
        return true;
    }
    if (!engine_write(e) ||
        !engine_check(e, e->store->ops->route(e->store, job->queue, job->kind, &route)))
        return false;
    job->row.route = route;
    job->row.seq = e->store->ops->next_seq(e->store);
    job->row.create_us = e->now_us;
    job_start_life(&job->row, e->now_us);
    w->fresh[w->fresh_count++] =
        (store_new_job){.row = job->row, .spec = job->spec, .hash = job->hash};
    return true;
}

static bool place(engine *e, engine_submit *s, work *w, size_t index)
{
    engine_new_job *job = &s->jobs[index];
    const engine_new_job *same = earlier(s, w, index);
    if (w->found[index].seq != 0)
        return judge_stored(e, job, &w->found[index]);
    if (same == NULL)
        return add_fresh(e, job, w);
    judge(job, &same->row, same->hash);
    return true;
}

static bool store_jobs(engine *e, engine_submit *s, work *w)
{
    for (size_t i = 0; i < s->count; i++)
        w->ids[i] = s->jobs[i].row.id;
    if (!engine_check(e, e->store->ops->find(e->store, w->ids, s->count, w->found)))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (!place(e, s, w, i))
            return false;
    return w->fresh_count == 0 ||
           engine_check(e, e->store->ops->insert(e->store, w->fresh, w->fresh_count));
}

void submit_apply(engine *e, engine_submit *s)
{
    work w;
    if (work_init(&w, s->count)) {
        store_jobs(e, s, &w);
        engine_answer(e, &s->command);
    } else {
        engine_refuse(e, &s->command, no_memory());
    }
    work_fini(&w);
}
