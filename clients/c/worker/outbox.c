// outbox - outcomes from the end of an attempt until the server says that they are on disk.
//
// Encoded messages add up: an OutcomeBatch with one outcome, another one, and one with only the
// head, put behind each other, are the bytes of the whole batch. So a batch is never held as a
// tree.
#include "worker/outbox.h"

#include "base/pack.h"
#include "rpc/wire.h"

#include <stdlib.h>

#define HEAD_BYTES    512        // room for id, authorization and number
#define TRIMMED_BYTES (1 << 20)  // smaller buffers stay as they are
#define GATHERED_PART 32         // of the attempts that run: so many outcomes do not wait
#define GATHER_US     2000       // from one batch to the next, if there are fewer

void outbox_init(outbox *o, const char *worker_id, const char *authorization,
                 size_t max_batch_bytes)
{
    *o = (outbox){
        .worker_id = worker_id,
        .authorization = authorization,
        .max_batch_bytes = max_batch_bytes,
    };
}

static void batch_free(outbox_batch *batch)
{
    if (batch != NULL) {
        buf_fini(&batch->bytes);
        free(batch->refs);
        free(batch);
    }
}

static size_t batch_memory(const outbox_batch *batch)
{
    return sizeof *batch + batch->bytes.capacity + batch->ref_capacity * sizeof *batch->refs;
}

void outbox_fini(outbox *o)
{
    batch_free(o->open);
    while (o->oldest != NULL) {
        outbox_batch *next = o->oldest->next;
        batch_free(o->oldest);
        o->oldest = next;
    }
    outbox_init(o, o->worker_id, o->authorization, o->max_batch_bytes);
}

// There is room for it.
static void pack(outbox_batch *batch, const Errand__V1__OutcomeBatch *part)
{
    batch->bytes.size +=
        errand__v1__outcome_batch__pack(part, batch->bytes.bytes + batch->bytes.size);
}

static bool reserve_ref(outbox_batch *batch)
{
    if (batch->ref_count < batch->ref_capacity) {
        return true;
    }
    size_t capacity = batch->ref_capacity == 0 ? 8 : batch->ref_capacity * 2;
    lease_ref *refs = realloc(batch->refs, capacity * sizeof *refs);
    if (refs == NULL) {
        return false;
    }
    batch->refs = refs;
    batch->ref_capacity = capacity;
    return true;
}

static size_t head_size(const outbox *o)
{
    return HEAD_BYTES + (o->authorization == NULL ? 0 : strlen(o->authorization));
}

// The head is reserved with the first outcome, so that sealing can not fail.
static outbox_batch *open_batch(const outbox *o)
{
    outbox_batch *batch = calloc(1, sizeof *batch);
    if (batch != NULL && !buf_reserve(&batch->bytes, head_size(o))) {
        batch_free(batch);
        batch = NULL;
    }
    return batch;
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

// Room for the head is kept, so that sealing can not fail.
static status *append(outbox *o, outbox_batch *batch, const lease_ref *ref, slice part)
{
    size_t before = batch == o->open ? batch_memory(batch) : 0;
    bool room = buf_reserve(&batch->bytes, part.size + head_size(o)) && reserve_ref(batch);
    batch->bytes.failed = false;
    if (room) {
        (void) buf_append(&batch->bytes, part.bytes, part.size);
        batch->refs[batch->ref_count++] = *ref;
        o->ref_count++;
    }
    if (room || batch == o->open) {
        o->bytes += batch_memory(batch) - before;
    }
    return room ? NULL : no_memory();
}

static status *add_part(outbox *o, const lease_ref *ref, slice part)
{
    if (o->open != NULL && o->open->bytes.size + part.size > o->max_batch_bytes) {
        outbox_seal(o);
    }
    outbox_batch *batch = o->open != NULL ? o->open : open_batch(o);
    status *failure = batch == NULL ? no_memory() : append(o, batch, ref, part);
    if (failure == NULL) {
        o->open = batch;
    } else if (batch != o->open) {
        batch_free(batch);
    }
    return failure;
}

// What the server could not decode is not sent: it would take along all that is sent with it.
static status *encode(packer *p, const Errand__V1__OutcomeBatch *part, slice *ret)
{
    if (!pack_message(p, &part->base)) {
        return no_memory();
    }
    *ret = pack_bytes(p);
    return wire_check(&errand__v1__outcome_batch__descriptor, ret->bytes, ret->size);
}

status *outbox_add(outbox *o, const lease_ref *ref, Errand__V1__Outcome *outcome)
{
    lease_ref named = *ref;
    outcome->job_id = named.job_id;
    outcome->token = lease_ref_token(&named);
    Errand__V1__OutcomeBatch part = ERRAND__V1__OUTCOME_BATCH__INIT;
    part.n_outcomes = 1;
    part.outcomes = &outcome;
    packer p;
    packer_init(&p);
    slice encoded;
    status *failure = encode(&p, &part, &encoded);
    if (failure == NULL) {
        failure = add_part(o, &named, encoded);
    }
    packer_fini(&p);
    return failure;
}

// A buffer grows by doubling; a large one gives the rest back.
static void trim(outbox *o, outbox_batch *batch)
{
    buf *bytes = &batch->bytes;
    if (bytes->capacity < TRIMMED_BYTES || bytes->capacity - bytes->size < bytes->size / 4) {
        return;
    }
    uint8_t *less = realloc(bytes->bytes, bytes->size);
    if (less != NULL) {
        o->bytes -= bytes->capacity - bytes->size;
        bytes->bytes = less;
        bytes->capacity = bytes->size;
    }
}

void outbox_seal(outbox *o)
{
    outbox_batch *batch = o->open;
    if (batch == NULL) {
        return;
    }
    Errand__V1__Worker worker = ERRAND__V1__WORKER__INIT;
    worker.id = (char *) (uintptr_t) o->worker_id;
    Errand__V1__OutcomeBatch head = ERRAND__V1__OUTCOME_BATCH__INIT;
    head.worker = &worker;
    if (o->authorization != NULL) {
        head.authorization = (char *) (uintptr_t) o->authorization;
    }
    head.outcome_sequence = o->last_sequence + 1;
    if (!buf_reserve(&batch->bytes, errand__v1__outcome_batch__get_packed_size(&head))) {
        return;  // stays open
    }
    pack(batch, &head);
    trim(o, batch);
    batch->sequence = ++o->last_sequence;
    o->open = NULL;
    if (o->oldest == NULL) {
        o->oldest = batch;
    } else {
        o->newest->next = batch;
    }
    o->newest = batch;
    if (o->cursor == NULL) {
        o->cursor = batch;
    }
}

// A batch costs the server a commit. So where many run, of which more will end at once, it is worth
// waiting for them, unless it has a good part of those that run, or the last one was a while ago.
int64_t outbox_ripe_us(const outbox *o, int32_t running, int64_t before_us)
{
    bool is_good = o->open == NULL || o->open->ref_count >= (size_t) (running / GATHERED_PART);
    return is_good ? before_us : before_us + GATHER_US;
}

void outbox_pushed(outbox *o, int64_t sequence, int64_t now_us)
{
    if (o->cursor != NULL && o->cursor->sequence == sequence) {
        o->cursor->pushed_us = now_us;
        o->cursor = o->cursor->next;
    }
}

void outbox_rewind(outbox *o)
{
    o->cursor = o->oldest;
}

bool outbox_overdue(const outbox *o, int64_t asked_us, int64_t patience_us)
{
    const outbox_batch *oldest = o->oldest;
    return oldest != NULL && oldest != o->cursor && oldest->pushed_us + patience_us < asked_us;
}

void outbox_acked(outbox *o, int64_t sequence)
{
    if (sequence > o->last_sequence) {
        return;  // not one of ours
    }
    while (o->oldest != NULL && o->oldest->sequence <= sequence) {
        outbox_batch *batch = o->oldest;
        if (o->cursor == batch) {
            o->cursor = batch->next;
        }
        o->oldest = batch->next;
        o->acked = batch->sequence;
        o->bytes -= batch_memory(batch);
        o->ref_count -= batch->ref_count;
        batch_free(batch);
    }
}

#define NUMBER_BYTES 16  // of an encoded batch that has nothing but its number

static bool reserve_numbers(outbox *o)
{
    for (outbox_batch *batch = o->oldest; batch != NULL; batch = batch->next) {
        size_t before = batch_memory(batch);
        bool reserved = buf_reserve(&batch->bytes, NUMBER_BYTES);
        batch->bytes.failed = false;
        o->bytes += batch_memory(batch) - before;
        if (!reserved) {
            return false;
        }
    }
    return true;
}

// Of a field that is there twice the last one counts.
void outbox_renumber(outbox *o, int64_t acked)
{
    if (!reserve_numbers(o)) {
        return;
    }
    o->acked = o->last_sequence = acked;
    for (outbox_batch *batch = o->oldest; batch != NULL; batch = batch->next) {
        Errand__V1__OutcomeBatch number = ERRAND__V1__OUTCOME_BATCH__INIT;
        number.outcome_sequence = batch->sequence = ++o->last_sequence;
        pack(batch, &number);
    }
    outbox_rewind(o);
}

static const lease_ref **batch_refs(const outbox_batch *batch, const lease_ref **ret)
{
    for (size_t i = 0; i < batch->ref_count; i++) {
        *ret++ = &batch->refs[i];
    }
    return ret;
}

void outbox_refs(const outbox *o, const lease_ref **ret)
{
    for (const outbox_batch *batch = o->oldest; batch != NULL; batch = batch->next) {
        ret = batch_refs(batch, ret);
    }
    if (o->open != NULL) {
        (void) batch_refs(o->open, ret);
    }
}
