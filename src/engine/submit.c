// submit - new jobs, and the same ones again.
#include "engine/internal.h"

#include "job/rules.h"

#include <string.h>

// Jobs that are looked up and stored together, of one command or of several: starting a statement
// of the store costs as much as a row.
#define STEP  128
#define SLOTS ((size_t) 2 * STEP)  // of the hash table of ids

#define GONE_RETRY_MS 50

typedef struct step {
    engine_new_job *jobs[STEP];
    uuid ids[STEP];
    size_t count;
    job_row found[STEP];
    uint16_t slots[SLOTS];  // hash table of ids: index + 1, 0: free
    store_new_job fresh[STEP];
    size_t fresh_count;
    int64_t after[JOB_MAX_AFTER];  // of a job that is stored by itself
} step;

static uint16_t *slot_of(step *w, const uuid *id)
{
    size_t slot = uuid_spread(id) % SLOTS;
    while (w->slots[slot] != 0 && !uuid_equal(&w->ids[w->slots[slot] - 1], id))
        slot = (slot + 1) % SLOTS;
    return &w->slots[slot];
}

// The earlier job of this step with the same id; otherwise this one is remembered. One that was
// refused does not count: the later one is judged by itself.
static const engine_new_job *earlier(step *w, size_t index)
{
    uint16_t *slot = slot_of(w, &w->ids[index]);
    if (*slot != 0 && w->jobs[*slot - 1]->failure == NULL)
        return w->jobs[*slot - 1];
    *slot = (uint16_t) (index + 1);
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

// It is as good as gone: the same id can be used as soon as those that waited for it are told.
static bool refuse_for_now(engine_new_job *job)
{
    char id[UUID_TEXT_SIZE];
    job->failure = status_new(STATUS_UNAVAILABLE,
                              "job %s was deleted, and those that waited for it are being told: "
                              "try again",
                              uuid_format(&job->row.id, id));
    job->failure->retry_delay_ms = GONE_RETRY_MS;
    return true;
}

static bool judge_stored(engine *e, engine_new_job *job, const job_row *existing)
{
    uint8_t hash[JOB_HASH_BYTES];
    slice spec;
    if (job_row_is_gone(existing))
        return refuse_for_now(job);
    AUTO(arena) memory = arena_new(0);
    if (memory == NULL)
        return engine_check(e, no_memory());
    if (!engine_check(e, e->store->ops->load_spec(e->store, existing->seq, memory, &spec, hash)))
        return false;
    judge(job, existing, hash);
    return true;
}

// Routes stay for ever: names made up by a client must not fill the memory.
static status *route_refused(engine *e, const engine_new_job *job)
{
    size_t count;
    (void) e->store->ops->routes(e->store, &count);
    if (count < e->options.max_routes ||
        e->store->ops->find_route(e->store, job->queue, job->kind) != 0)
        return queue_refused(e, job->queue);
    return status_new(STATUS_RESOURCE_EXHAUSTED,
                      "queue \"%s\" with kind \"%s\" would be new: at most %zu such pairs may "
                      "exist, the server's "
                      "max_routes",
                      job->queue, job->kind, e->options.max_routes);
}

static bool add_fresh(engine *e, engine_new_job *job, step *w)
{
    int32_t route;
    job->failure = route_refused(e, job);
    if (job->failure != NULL)
        return true;
    if (ties_any(e, job) && !ties_make(e, job, w->after))
        return e->trouble == NULL;
    if (!engine_write(e) ||
        !engine_check(e, e->store->ops->route(e->store, job->queue, job->kind, &route)))
        return false;
    const job_queue *q = queue_of(e, route);
    job->row.aging_us = q != NULL ? q->settings.aging_us : 0;
    job->row.route = route;
    job->row.seq = e->store->ops->next_seq(e->store);
    job->row.create_us = e->now_us;
    // The engine's time may be ahead of the poster's.
    if (job->delay_us > 0)
        job->row.due_us = e->now_us + job->delay_us;
    job_start_life(&job->row, e->now_us);
    tally_note(e, route, TALLY_SUBMITTED, 1);
    feed_note_job(e, NULL, &job->row);
    w->fresh[w->fresh_count++] = (store_new_job){
        .row = job->row,
        .spec = job->spec,
        .hash = job->hash,
        .labels = job->labels,
        .label_count = job->label_count,
        .after = w->after,
        .lasts = true,
    };
    return true;
}

static bool place(engine *e, step *w, size_t index)
{
    engine_new_job *job = w->jobs[index];
    const engine_new_job *same = earlier(w, index);
    if (w->found[index].seq != 0)
        return judge_stored(e, job, &w->found[index]);
    if (same == NULL)
        return add_fresh(e, job, w);
    judge(job, &same->row, same->hash);
    return true;
}

// Within the transaction looking up needs none of its own.
static bool store_step(engine *e, step *w)
{
    if (w->count == 0)
        return true;
    if (!engine_write(e) ||
        !engine_check(e, e->store->ops->find(e->store, w->ids, w->count, w->found)))
        return false;
    for (size_t i = 0; i < w->count; i++)
        if (!place(e, w, i))
            return false;
    return w->fresh_count == 0 ||
           engine_check(e, e->store->ops->insert(e->store, w->fresh, w->fresh_count));
}

static void begin_step(step *w)
{
    memset(w->slots, 0, sizeof w->slots);
    w->count = w->fresh_count = 0;
}

static void add_jobs(engine *e, engine_submit *s, step *w)
{
    for (size_t i = 0; i < s->count; i++) {
        bool alone = ties_any(e, &s->jobs[i]);
        if (w->count == STEP || (alone && w->count > 0)) {
            store_step(e, w);
            begin_step(w);
        }
        w->ids[w->count] = s->jobs[i].row.id;
        w->jobs[w->count++] = &s->jobs[i];
        if (alone) {
            store_step(e, w);
            begin_step(w);
        }
    }
}

engine_command *submit_apply(engine *e, engine_command *command, size_t *room)
{
    step w;
    begin_step(&w);
    while (command != NULL && command->verb == ENGINE_SUBMIT && *room > 0) {
        engine_command *next = command->next;
        engine_use(room, ((engine_submit *) command)->count);
        add_jobs(e, (engine_submit *) command, &w);
        engine_answer(e, command);
        command = next;
    }
    store_step(e, &w);
    return command;
}
