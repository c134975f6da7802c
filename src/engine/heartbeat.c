// heartbeat - a worker tells what it runs: those leases are renewed, the missing ones given back.
#include "engine/internal.h"

#include "job/time.h"

#include <stdlib.h>
#include <string.h>

// FNV-1a (RFC 9923): the same progress told again is no change.
static uint32_t hash_of(slice bytes)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < bytes.size; i++)
        hash = (hash ^ bytes.bytes[i]) * 16777619u;
    return hash;
}

// The time is appended: encoded messages one after the other are one message.
static bool store_progress(engine *e, int64_t seq, slice progress)
{
    Errand__V1__Progress update = ERRAND__V1__PROGRESS__INIT;
    Google__Protobuf__Timestamp now = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time_to_timestamp(e->now_us, &now);
    update.update_time = &now;
    AUTO_FREE uint8_t *bytes =
        malloc(progress.size + errand__v1__progress__get_packed_size(&update));
    if (bytes == NULL)
        return engine_check(e, no_memory());
    memcpy(bytes, progress.bytes, progress.size);
    size_t size = progress.size + errand__v1__progress__pack(&update, bytes + progress.size);
    return engine_check(
        e, e->store->ops->put_progress(e->store, seq, (slice){.bytes = bytes, .size = size}));
}

static bool keep_progress(engine *e, lease *l, slice progress)
{
    uint32_t hash = hash_of(progress);
    if (progress.size == 0 || hash == l->progress_hash)
        return true;
    job_row before = l->row;
    l->progress_hash = hash;
    l->row.revision++;
    return engine_write(e) && store_progress(e, l->seq, progress) &&
           engine_save(e, &before, &l->row);
}

static void renew(engine *e, session *s, engine_heartbeat *h)
{
    for (size_t i = 0; i < h->running_count; i++) {
        lease *l = lease_find(e, &h->running[i], &h->worker_id);
        if (l == NULL) {
            if (revoked_seen(e, &h->running[i], s))
                continue;
            h->lost[h->lost_count++] = h->running[i];
            continue;
        }
        bool again = l->seen == s->heartbeats;  // it is named twice
        // A worker that runs a job has seen the assignment.
        l->confirmed = true;
        l->former = false;
        l->seen = s->heartbeats;
        l->expires_us = e->mono_us + e->options.lease_us;
        if (!again && h->progress != NULL && !keep_progress(e, l, h->progress[i]))
            return;
    }
}

// The heartbeat was made before the worker saw later assignments: those are not missing.
static bool is_missing(const session *s, const engine_heartbeat *h, const lease *l)
{
    return lease_is_confirmed(l) && l->seen != s->heartbeats &&
           (h->lease_sequence == 0 || l->row.lease_sequence <= h->lease_sequence);
}

static void give_back_missing(engine *e, session *s, const engine_heartbeat *h)
{
    lease *l, *next;
    DL_FOREACH_SAFE(s->leases, l, next)
    {
        if (is_missing(s, h, l) && !finish_released(e, l))
            return;
    }
}

void heartbeat_apply(engine *e, engine_heartbeat *h)
{
    status *failure = NULL;
    session *s = session_touch(e, &h->worker_id, &failure);
    if (s == NULL) {
        engine_refuse(e, &h->command, failure);
        return;
    }
    h->lost = arena_alloc(h->memory, (h->running_count + 1) * sizeof *h->lost);
    if (h->lost == NULL) {
        engine_refuse(e, &h->command, no_memory());
        return;
    }
    s->heartbeats++;
    session_meet(s, h->worker);
    renew(e, s, h);
    revoked_forget_unseen(e, s, h);
    if (!engine_rests(e))
        give_back_missing(e, s, h);
    engine_refuse(e, &h->command,
                  session_notices(e, s, h->memory, &h->notices) ? NULL : no_memory());
}
