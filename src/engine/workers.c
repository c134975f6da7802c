// workers - the worker processes heard of lately, and counters, for those who ask.
#include "engine/internal.h"

static char **copy_names(char *const *names, size_t count, arena *memory)
{
    char **copy = arena_alloc(memory, (count + 1) * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++)
        if ((copy[i] = arena_strdup(memory, names[i])) == NULL)
            return NULL;
    return copy;
}

static bool describe(const session *s, arena *memory, engine_worker_info *ret)
{
    Errand__V1__Worker *worker = &ret->worker;
    char *id = arena_alloc(memory, UUID_TEXT_SIZE);
    errand__v1__worker__init(worker);
    worker->host = arena_strdup(memory, s->host != NULL ? s->host : "");
    worker->queues = copy_names(s->queues, s->queue_count, memory);
    worker->kinds = copy_names(s->kinds, s->kind_count, memory);
    if (id == NULL || worker->host == NULL || worker->queues == NULL || worker->kinds == NULL)
        return false;
    worker->id = uuid_format(&s->id, id);
    worker->n_queues = s->queue_count;
    worker->n_kinds = s->kind_count;
    worker->pid = s->pid;
    worker->concurrency = s->concurrency;
    worker->running = (int32_t) s->lease_count;
    ret->heard_us = s->heard_us;
    return true;
}

// A worker whose call is parked is connected, however long ago it called.
static bool is_connected(const engine *e, const session *s)
{
    return s->parked != NULL || e->now_us - s->heard_us <= 2 * e->options.lease_us;
}

void workers_apply(engine *e, engine_workers *command)
{
    session *s, *next;
    command->infos =
        arena_alloc(command->memory, (HASH_COUNT(e->sessions) + 1) * sizeof *command->infos);
    bool complete = command->infos != NULL;
    HASH_ITER(hh, e->sessions, s, next)
    {
        if (complete && is_connected(e, s))
            complete = describe(s, command->memory, &command->infos[command->count++]);
    }
    engine_refuse(e, &command->command, complete ? NULL : no_memory());
}

size_t workers_count(engine *e)
{
    session *s, *next;
    size_t count = 0;
    HASH_ITER(hh, e->sessions, s, next)
    {
        count += is_connected(e, s);
    }
    return count;
}

void stats_apply(engine *e, engine_stats *command)
{
    for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++)
        command->jobs[state] = e->store->ops->count_all(e->store, (job_state) state);
    command->workers = workers_count(e);
    command->waiting = HASH_COUNT(e->tickets);
    command->store_bytes = e->store->ops->size_bytes(e->store);
    engine_answer(e, &command->command);
}
