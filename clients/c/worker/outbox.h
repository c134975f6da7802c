// outbox - outcomes from the end of an attempt until the server says that they are on disk.
//
// Pure bookkeeping. Outcomes are encoded into the open batch; sealing gives it the next number; a
// sealed batch is pushed, maybe more than once, and kept until it is acknowledged. Batches are
// pushed in order: the cursor stands at the next one, and rewinding puts it back to the oldest.
#ifndef ERRAND_CLIENTS_C_WORKER_OUTBOX_H
#define ERRAND_CLIENTS_C_WORKER_OUTBOX_H

#include "base/buf.h"
#include "base/status.h"
#include "worker/lease_ref.h"

#include "errand/v1/worker_service.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct outbox_batch {
    int64_t sequence;  // 0: still open
    buf bytes;         // an encoded errand.v1.OutcomeBatch
    lease_ref *refs;   // the leases that it ends
    size_t ref_count;
    size_t ref_capacity;
    int64_t pushed_us;  // when the pipeline took it last; 0: never
    struct outbox_batch *next;
} outbox_batch;

typedef struct outbox {
    const char *worker_id;          // borrowed
    const char *authorization;      // borrowed; NULL: none
    size_t max_batch_bytes;         // a batch is sealed before it grows beyond
    outbox_batch *open;             // NULL: nothing in it
    outbox_batch *oldest, *newest;  // sealed
    outbox_batch *cursor;           // next to be pushed; NULL: all were
    int64_t last_sequence;
    int64_t acked;
    size_t bytes;      // memory of all batches
    size_t ref_count;  // outcomes in all batches
} outbox;

void outbox_init(outbox *o, const char *worker_id, const char *authorization,
                 size_t max_batch_bytes);
void outbox_fini(outbox *o);

// outbox_add encodes an outcome; ref's job and token go into it. INVALID_ARGUMENT when the server
// could not decode it, RESOURCE_EXHAUSTED when memory is short: then it is not in it.
status *outbox_add(outbox *o, const lease_ref *ref, Errand__V1__Outcome *outcome);

// outbox_seal closes the open batch, if there is one.
void outbox_seal(outbox *o);

// outbox_ripe_us tells when the open batch is to be sealed, while so many attempts run on and the
// one before was sealed at before_us. What is not later than now, or not open, need not wait.
int64_t outbox_ripe_us(const outbox *o, int32_t running, int64_t before_us);

// outbox_pushed: the pipeline took that batch. Nothing happens if the cursor has moved meanwhile.
void outbox_pushed(outbox *o, int64_t sequence, int64_t now_us);

// outbox_rewind has everything pushed again.
void outbox_rewind(outbox *o);

// outbox_overdue: a batch was pushed well before asked_us, and an answer to a question asked then
// does not acknowledge it. It is lost, or early since one before it is.
bool outbox_overdue(const outbox *o, int64_t asked_us, int64_t patience_us);

// outbox_acked forgets the batches up to that number.
void outbox_acked(outbox *o, int64_t sequence);

// outbox_renumber gives the sealed batches the numbers behind `acked`, and has all pushed again:
// for a server that counts from there, since a copy of its store was restored, say. Nothing happens
// when memory is short.
void outbox_renumber(outbox *o, int64_t acked);

static inline bool outbox_is_empty(const outbox *o)
{
    return o->open == NULL && o->oldest == NULL;
}

// outbox_refs writes the references of all outcomes held, ref_count of them.
void outbox_refs(const outbox *o, const lease_ref **ret);

#endif
