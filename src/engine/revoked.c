// revoked - cancellations on their way to the workers that run the jobs.
//
// Best effort: a worker that is not told here learns from its next heartbeat that the lease is
// lost.
#include "engine/internal.h"

#include <stdlib.h>

#define MAX_REVOKED 10000  // of one worker, not told yet

static void forget(engine *e, revoked *r)
{
    DL_DELETE(r->holder->revoked, r);
    r->holder->revoked_count--;
    HASH_DEL(e->revoked, r);  // NOLINT(clang-analyzer-core.NullDereference): r is in the table
    free(r);
}

void revoked_add(engine *e, const lease *l)
{
    session *s = l->holder;
    revoked *r = s->revoked_count < MAX_REVOKED ? calloc(1, sizeof *r) : NULL;
    if (r == NULL)
        return;
    r->ref.id = l->row.id;
    r->ref.token = engine_token_make(l->seq, l->row.attempt);
    r->holder = s;
    r->lease_sequence = l->row.lease_sequence;
    HASH_ADD(hh, e->revoked, ref.token, sizeof r->ref.token, r);
    if (r->hh.tbl == NULL) {
        free(r);
        return;
    }
    DL_APPEND(s->revoked, r);
    s->revoked_count++;
    s->untold = true;
    assign_tell(e, s);
}

bool revoked_seen(engine *e, const engine_lease_ref *ref, const session *s)
{
    revoked *r = NULL;
    HASH_FIND(hh, e->revoked, &ref->token, sizeof ref->token, r);
    if (r == NULL || r->holder != s)
        return false;
    r->seen = s->heartbeats;
    return true;
}

// A heartbeat that was made before the worker saw the assignment says nothing about it.
void revoked_forget_unseen(engine *e, session *s, const engine_heartbeat *h)
{
    revoked *r, *next;
    DL_FOREACH_SAFE(s->revoked, r, next)
    {
        if (r->seen != s->heartbeats &&
            (h->lease_sequence == 0 || r->lease_sequence <= h->lease_sequence))
            forget(e, r);
    }
}

bool revoked_notices(session *s, arena *memory, engine_notices *ret)
{
    const revoked *r;
    ret->cancel = NULL;
    ret->cancel_count = 0;
    s->untold = false;
    if (s->revoked_count == 0)
        return true;
    ret->cancel = arena_alloc(memory, s->revoked_count * sizeof *ret->cancel);
    if (ret->cancel == NULL)
        return false;
    DL_FOREACH(s->revoked, r)
    ret->cancel[ret->cancel_count++] = r->ref;
    return true;
}

void revoked_forget_all(engine *e, session *s)
{
    while (s->revoked != NULL)
        forget(e, s->revoked);
}
