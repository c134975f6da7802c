// recover - what the store says is running, read at the start and after the disk refused a round.
#include "engine/internal.h"

#include <stdlib.h>

#define STEP 1000

// What a session was told to be acknowledged may just have been undone.
static void doubt_sessions(engine *e)
{
    session *s, *next;
    HASH_ITER(hh, e->sessions, s, next)
    {
        revoked_forget_all(e, s);
        s->acked = 0;
        s->unknown = true;
        s->stored = false;
    }
}

static bool is_former_own(const engine *e, const store_worker *worker)
{
    return e->options.own_worker != NULL && uuid_equal(e->options.own_worker, &worker->id) &&
           worker->seen_us <= e->start_us;
}

static status *load_sessions(engine *e)
{
    store_worker *workers;
    size_t count;
    AUTO(arena) memory = arena_new(0);
    if (memory == NULL)
        return no_memory();
    status *failure = e->store->ops->load_workers(e->store, memory, &workers, &count);
    for (size_t i = 0; failure == NULL && i < count; i++) {
        session *s =
            is_former_own(e, &workers[i]) ? NULL : session_touch(e, &workers[i].id, &failure);
        if (s == NULL)
            continue;
        s->acked = workers[i].acked_outcome_sequence;
        s->unknown = false;
        s->stored = true;
    }
    return failure;
}

static status *load_lease(engine *e, const job_row *row)
{
    status *failure = NULL;
    session *s = session_touch(e, &row->worker, &failure);
    lease *l = s != NULL ? lease_open(e, s, row) : NULL;
    if (s == NULL)
        return failure;
    if (l == NULL)
        return no_memory();
    lease_inherit(e, l);
    if (!l->orphan && row->lease_sequence > s->lease_sequence)
        s->lease_sequence = row->lease_sequence;
    return NULL;
}

static status *load_leases(engine *e)
{
    size_t count;
    AUTO_FREE job_row *rows = NULL;
    // All of them, although max_leases may be lower than before.
    for (size_t room = STEP;; room *= 4) {
        free(rows);
        rows = malloc(room * sizeof *rows);
        if (rows == NULL)
            return no_memory();
        status *failure =
            e->store->ops->due(e->store, JOB_LANE_RUNNING, INT64_MAX, room, rows, &count);
        if (failure != NULL)
            return failure;
        if (count < room)
            break;
    }
    status *failure = NULL;
    for (size_t i = 0; failure == NULL && i < count; i++)
        failure = load_lease(e, &rows[i]);
    return failure;
}

status *recover(engine *e)
{
    lease_free_all(e);
    doubt_sessions(e);
    e->offer = true;
    status *failure = queues_load(e);
    if (failure == NULL)
        failure = load_sessions(e);
    if (failure == NULL)
        failure = load_leases(e);
    if (failure != NULL)
        lease_free_all(e);
    return failure;
}
