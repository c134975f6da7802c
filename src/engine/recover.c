// recover - what the store says is running, read at the start and after the disk refused a round.
#include "engine/internal.h"

#include <stdlib.h>

#define STEP 1000

// ---- when the server voids attempts ----
//
// The store knows the wall time at which an attempt began. The wall clock may have jumped since,
// which must not shorten the attempt: its end is kept.

struct attempt_end {
    int64_t seq;
    int32_t attempt;
    int64_t voided_us;
};

static int by_seq(const void *a, const void *b)
{
    int64_t first = ((const attempt_end *) a)->seq, second = ((const attempt_end *) b)->seq;
    return (first > second) - (first < second);
}

static void keep_ends(engine *e)
{
    lease *l, *next;
    size_t count = HASH_COUNT(e->leases);
    attempt_end *ends = count > 0 ? malloc(count * sizeof *ends) : NULL;
    if (ends == NULL)
        return;  // what was kept before, if that could not be used
    free(e->ends);
    e->ends = ends;
    e->end_count = 0;
    HASH_ITER(hh, e->leases, l, next)
    ends[e->end_count++] =
        (attempt_end){.seq = l->seq, .attempt = l->row.attempt, .voided_us = l->voided_us};
    qsort(ends, count, sizeof *ends, by_seq);
}

static void use_end(const engine *e, lease *l)
{
    attempt_end key = {.seq = l->seq};
    if (e->end_count == 0)
        return;
    const attempt_end *end = bsearch(&key, e->ends, e->end_count, sizeof key, by_seq);
    if (end != NULL && end->attempt == l->row.attempt)
        l->voided_us = end->voided_us;
}

static void forget_ends(engine *e)
{
    free(e->ends);
    e->ends = NULL;
    e->end_count = 0;
}

// ---- reading ----

// What a session was told to be acknowledged may just have been undone.
static void doubt_sessions(engine *e)
{
    session *s, *next;
    HASH_ITER(hh, e->sessions, s, next)
    {
        revoked_forget_all(e, s);
        session_undo(e, s);
        s->acked = 0;
        s->confirmed_sequence = 0;
        s->unknown = true;
        s->stored = false;
    }
}

static bool is_former_own(const engine *e, const store_worker *worker)
{
    return lease_is_own(e, &worker->id) && worker->seen_us <= e->start_us;
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
        if (is_former_own(e, &workers[i]))
            continue;
        session *s = session_recall(e, &workers[i].id);
        if (s == NULL)
            return no_memory();
        s->acked = workers[i].acked_outcome_sequence;
        s->unknown = false;
        s->stored = true;
    }
    return failure;
}

static status *load_lease(engine *e, const job_row *row)
{
    session *s = session_recall(e, &row->worker);
    lease *l = s != NULL ? lease_open(e, s, row) : NULL;
    if (l == NULL)
        return no_memory();
    use_end(e, l);
    lease_inherit(e, l);
    if (!l->orphan && row->lease_sequence > s->lease_sequence)
        s->lease_sequence = row->lease_sequence;
    return NULL;
}

// The leases of a worker stand in the order of the calls that handed them out.
static int by_call(const void *a, const void *b)
{
    const job_row *left = a, *right = b;
    int order = (left->lease_sequence > right->lease_sequence) -
                (left->lease_sequence < right->lease_sequence);
    return order != 0 ? order : (left->seq > right->seq) - (left->seq < right->seq);
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
    qsort(rows, count, sizeof *rows, by_call);
    status *failure = NULL;
    for (size_t i = 0; failure == NULL && i < count; i++)
        failure = load_lease(e, &rows[i]);
    return failure;
}

status *recover(engine *e)
{
    keep_ends(e);
    lease_free_all(e);
    doubt_sessions(e);
    supply_forget(e);
    status *failure = queues_load(e);
    if (failure == NULL)
        failure = load_sessions(e);
    if (failure == NULL)
        failure = load_leases(e);
    if (failure != NULL)
        lease_free_all(e);
    else
        forget_ends(e);
    return failure;
}
