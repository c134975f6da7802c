// limits - how many jobs of a queue may start now.
#include "engine/internal.h"

#include <stdlib.h>

#define WINDOW_US 10000000  // starts are counted over this long, for estimates

static size_t room_by_rate(engine *e, job_queue *q)
{
    if (q->settings.rate_count == 0)
        return SIZE_MAX;
    bucket_refill(&q->tokens, &q->settings, e->mono_us);
    if (q->tokens.tokens < 1.0)
        supply_wake_at(e, q, bucket_next_us(&q->tokens, &q->settings, e->mono_us));
    return (size_t) q->tokens.tokens;
}

static size_t room_by_running(const job_queue *q)
{
    if (q->settings.max_running == QUEUE_NO_LIMIT)
        return SIZE_MAX;
    size_t limit = (size_t) q->settings.max_running;
    return q->running < limit ? limit - q->running : 0;
}

// After a Retry-After: nothing until then, and then one at a time until one succeeds.
static size_t room_by_retry_after(engine *e, job_queue *q)
{
    if (!q->settings.hold_on_retry_after)
        return SIZE_MAX;
    if (e->mono_us < q->held_back_us) {
        supply_wake_at(e, q, q->held_back_us);
        return 0;
    }
    if (!q->probing)
        return SIZE_MAX;
    return q->running == 0 ? 1 : 0;
}

size_t limits_room(engine *e, job_queue *q, size_t wanted)
{
    if (q->settings.paused)
        return 0;
    size_t room = smaller(wanted, room_by_running(q));
    room = smaller(room, room_by_retry_after(e, q));
    return room > 0 ? smaller(room, room_by_rate(e, q)) : 0;
}

void limits_started(engine *e, job_queue *q)
{
    if (e->mono_us - q->window_us >= WINDOW_US) {
        double seconds = (double) (e->mono_us - q->window_us) / 1e6;
        q->starts_a_second = (double) q->window_starts / seconds;
        q->window_us = e->mono_us;
        q->window_starts = 0;
    }
    q->window_starts++;
    if (q->settings.rate_count > 0) {
        q->tokens.tokens -= 1.0;
        queue_changed(e, q);
    }
}

// ---- what runs ----

static key_count *key_find(engine *e, const uuid *key)
{
    key_count *k = NULL;
    HASH_FIND(hh, e->keys, key, sizeof *key, k);
    return k;
}

// Without memory a key is not counted: its limit may be passed, and nothing else.
static void key_started(engine *e, const uuid *key)
{
    key_count *k = key_find(e, key);
    if (k == NULL) {
        k = calloc(1, sizeof *k);
        if (k == NULL)
            return;
        k->key = *key;
        HASH_ADD(hh, e->keys, key, sizeof k->key, k);
        if (k->hh.tbl == NULL) {
            free(k);
            return;
        }
    }
    k->running++;
}

static void key_ended(engine *e, const uuid *key)
{
    key_count *k = key_find(e, key);
    if (k == NULL || --k->running > 0)
        return;
    HASH_DEL(e->keys, k);
    free(k);
}

size_t limits_key_running(engine *e, const uuid *key)
{
    const key_count *k = key_find(e, key);
    return k != NULL ? k->running : 0;
}

void limits_opened(engine *e, const job_row *row)
{
    job_queue *q = queue_of(e, row->route);
    if (q != NULL)
        q->running++;
    if (!uuid_is_nil(&row->concurrency_key))
        key_started(e, &row->concurrency_key);
}

void limits_closed(engine *e, const job_row *row)
{
    job_queue *q = queue_of(e, row->route);
    if (q != NULL && q->running > 0)
        q->running--;
    if (!uuid_is_nil(&row->concurrency_key))
        key_ended(e, &row->concurrency_key);
    if (q != NULL)
        supply_unblock(e, q);
}

// ---- the caps of third parties ----

void limits_failed(engine *e, const job_row *row, int64_t retry_after_us)
{
    job_queue *q = queue_of(e, row->route);
    if (q == NULL || !q->settings.hold_on_retry_after || retry_after_us <= 0)
        return;
    if (q->held_back_us < e->mono_us + retry_after_us)
        q->held_back_us = e->mono_us + retry_after_us;
    q->probing = true;
}

void limits_succeeded(engine *e, const job_row *row)
{
    job_queue *q = queue_of(e, row->route);
    if (q != NULL && q->probing && e->mono_us >= q->held_back_us)
        q->probing = false;
}
