// feed - what happens in the queues that are watched: changes of their jobs, kept for a while.
//
// Watches are told at a pace: changes of jobs that come close together in one answer, the queue
// itself less often, so that a busy queue costs the same however many changes it has. A change is
// in the ring at once; `told` and `shown` are how much of it watches may see.
#include "engine/feed_ring.h"
#include "engine/internal.h"

#include "base/clock.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TELL_US   20000
#define SHOW_US   250000
#define LINGER_US 60000000  // so long a feed is kept that nobody watches

struct queue_feed {
    job_queue *queue;
    feed_ring ring;
    int64_t changed;          // the latest change, of a job or of the queue itself
    int64_t told, told_us;    // of jobs; monotonic: when
    int64_t shown, shown_us;  // of the queue
    int64_t watched_us;       // monotonic: latest
    size_t noted;             // in this round
    parked *watches;
    timer clock;  // always set
};

static engine_feed *feed_command(const parked *p)
{
    return (engine_feed *) p->command;
}

// ---- the answer to a watch ----

static bool has_jobs(const queue_feed *f, const engine_feed *c)
{
    size_t next = feed_ring_behind(&f->ring, c->place.jobs);
    return next < f->ring.count && feed_ring_at(&f->ring, next)->number <= f->told;
}

static bool has_news(const queue_feed *f, const engine_feed *c)
{
    return c->reset != ENGINE_FEED_WHOLE || c->place.jobs < f->ring.lost ||
           c->place.queue < f->shown || has_jobs(f, c);
}

static bool add_items(const queue_feed *f, engine_feed *c)
{
    size_t next = feed_ring_behind(&f->ring, c->place.jobs);
    size_t end = feed_ring_behind(&f->ring, f->told);
    size_t count = end > next ? end - next : 0;
    if (count > c->limit)
        count = c->limit;
    c->items = arena_alloc(c->memory, (count + 1) * sizeof *c->items);
    if (c->items == NULL)
        return false;
    for (; c->count < count; c->count++)
        c->items[c->count] = *feed_ring_at(&f->ring, next + c->count);
    if (count > 0)
        c->place.jobs = c->items[count - 1].number;
    return true;
}

// Behind a reset all goes on from the latest change: what came before is listed by the client.
static bool fill(engine *e, const queue_feed *f, engine_feed *c)
{
    if (c->reset == ENGINE_FEED_WHOLE && c->place.jobs < f->ring.lost)
        c->reset = ENGINE_FEED_OVERRUN;
    if (c->reset != ENGINE_FEED_WHOLE)
        c->place.jobs = f->changed;
    else if (!add_items(f, c))
        return false;
    c->has_info = c->reset != ENGINE_FEED_WHOLE || c->place.queue < f->shown;
    if (c->has_info) {
        queue_describe(e, f->queue, &c->info);
        c->place.queue = f->changed;
    }
    c->place.run = e->feeds.run;
    return true;
}

static void answer(engine *e, queue_feed *f, engine_feed *c)
{
    f->watched_us = e->mono_us;
    engine_refuse(e, &c->command, fill(e, f, c) ? NULL : no_memory());
}

static void answer_parked(engine *e, queue_feed *f, parked *p)
{
    DL_DELETE(f->watches, p);
    answer(e, f, (engine_feed *) unpark(e, p));
}

static void answer_watches(engine *e, queue_feed *f)
{
    parked *p, *next;
    DL_FOREACH_SAFE(f->watches, p, next)
    {
        if (has_news(f, feed_command(p)))
            answer_parked(e, f, p);
    }
}

// ---- the pace ----

static int64_t next_look(const engine *e, const queue_feed *f)
{
    int64_t next = (f->watches != NULL ? e->mono_us : f->watched_us) + LINGER_US;
    if (f->told < f->changed)
        next = clock_earlier(next, f->told_us + TELL_US);
    if (f->shown < f->changed)
        next = clock_earlier(next, f->shown_us + SHOW_US);
    return next;
}

static bool reveal(const engine *e, const queue_feed *f, int64_t pace_us, int64_t *seen,
                   int64_t *seen_us)
{
    if (*seen == f->changed || e->mono_us < *seen_us + pace_us)
        return false;
    *seen = f->changed;
    *seen_us = e->mono_us;
    return true;
}

static void look(engine *e, queue_feed *f)
{
    bool told = reveal(e, f, TELL_US, &f->told, &f->told_us);
    bool shown = reveal(e, f, SHOW_US, &f->shown, &f->shown_us);
    if (told || shown)
        answer_watches(e, f);
    timers_set(&e->timers, &f->clock, next_look(e, f));
}

static void tick(void *context, timer *t)
{
    engine *e = context;
    queue_feed *f = (queue_feed *) ((char *) t - offsetof(queue_feed, clock));
    bool forgotten = f->watches == NULL && f->watched_us + LINGER_US <= e->mono_us;
    if (e->stale)
        timers_set(&e->timers, t, e->mono_us + SHOW_US);
    else if (forgotten && f->noted == 0)
        feed_free(e, f->queue);
    else if (forgotten)
        timers_set(&e->timers, t, e->mono_us + LINGER_US);
    else
        look(e, f);
}

// ---- feeds ----

static void draw_run(engine *e)
{
    uuid random = uuid_new_v7(e->now_us);
    memcpy(&e->feeds.run, random.bytes + 8, sizeof e->feeds.run);
    e->feeds.run |= 1;
}

static queue_feed *feed_of(engine *e, job_queue *q)
{
    if (q->feed != NULL)
        return q->feed;
    queue_feed *f = calloc(1, sizeof *f);
    if (f == NULL || !timers_reserve(&e->timers, 1)) {
        free(f);
        return NULL;
    }
    if (e->feeds.run == 0)
        draw_run(e);
    f->queue = q;
    // A number of its own: what happened in the queue before is known to be missing.
    f->ring.lost = f->changed = f->told = f->shown = ++e->feeds.last;
    f->told_us = f->shown_us = e->mono_us - SHOW_US;
    f->watched_us = e->mono_us;
    f->clock.fire = tick;
    timers_set(&e->timers, &f->clock, next_look(e, f));
    q->feed = f;
    e->feeds.count++;
    return f;
}

void feed_free(engine *e, job_queue *q)
{
    queue_feed *f = q->feed;
    if (f == NULL)
        return;
    timers_clear(&e->timers, &f->clock);
    feed_ring_free(&f->ring, &e->feeds.places);
    e->feeds.count--;
    free(f);
    q->feed = NULL;
}

void feed_free_all(engine *e)
{
    job_queue *q, *next;
    HASH_ITER(hh, e->queues, q, next)
    feed_free(e, q);
    free(e->feeds.changes);
}

// ---- what is noted ----

static bool make_room(feeds *all)
{
    if (all->change_count < all->change_capacity)
        return true;
    size_t capacity = all->change_capacity > 0 ? 2 * all->change_capacity : 256;
    feed_change *changes = realloc(all->changes, capacity * sizeof *changes);
    if (changes == NULL)
        return false;
    all->changes = changes;
    all->change_capacity = capacity;
    return true;
}

// Without memory this becomes another run: everybody is told that something is missing.
static void note(engine *e, queue_feed *f, const engine_feed_item *item)
{
    feeds *all = &e->feeds;
    if (!make_room(all)) {
        all->run++;
        return;
    }
    feed_change *change = &all->changes[all->change_count++];
    *change = (feed_change){.feed = f, .of_job = item != NULL};
    if (item != NULL)
        change->item = *item;
    f->noted++;
}

static void note_job(engine *e, const job_row *row, bool deleted)
{
    const job_route *r = supply_route(e, row->route);
    if (r == NULL || r->queue->feed == NULL)
        return;
    const engine_feed_item item = {
        .id = row->id,
        .kind = r->kind->name,
        .state = row->state,
        .attempt = row->attempt,
        .revision = row->revision,
        .time_us = e->now_us,
        .deleted = deleted,
    };
    note(e, r->queue->feed, &item);
}

void feed_note_job(engine *e, const job_row *before, const job_row *row)
{
    if (e->feeds.count == 0 || job_row_is_gone(row))
        return;
    if (before == NULL || before->state != row->state || before->attempt != row->attempt)
        note_job(e, row, false);
}

void feed_note_removed(engine *e, const job_row *row)
{
    if (e->feeds.count > 0 && !job_row_is_gone(row))
        note_job(e, row, true);
}

void feed_note_queue(engine *e, job_queue *q)
{
    if (q->feed != NULL)
        note(e, q->feed, NULL);
}

static void happen(engine *e, feed_change *change)
{
    queue_feed *f = change->feed;
    f->changed = ++e->feeds.last;
    change->item.number = f->changed;
    if (change->of_job)
        feed_ring_keep(&f->ring, &change->item, e->options.max_feed_changes, &e->feeds.places);
}

void feed_end(engine *e, bool committed)
{
    feeds *all = &e->feeds;
    for (size_t i = 0; committed && i < all->change_count; i++)
        happen(e, &all->changes[i]);
    for (size_t i = 0; i < all->change_count; i++) {
        queue_feed *f = all->changes[i].feed;
        if (committed && f->noted > 0)
            look(e, f);
        f->noted = 0;  // once for all its changes
    }
    all->change_count = 0;
}

// ---- watches ----

void feed_leave(engine *e, parked *p)
{
    queue_feed *f = queue_find(e, feed_command(p)->queue)->feed;
    f->watched_us = e->mono_us;
    DL_DELETE(f->watches, p);
}

static void late(void *context, timer *t)
{
    engine *e = context;
    parked *p = park_of(t);
    answer_parked(e, queue_find(e, feed_command(p)->queue)->feed, p);
}

static void park_watch(engine *e, queue_feed *f, engine_feed *c)
{
    parked *p = park(e, &c->command, c->ticket, c->deadline_us, late);
    if (p != NULL)
        DL_APPEND(f->watches, p);
}

// Where a watch begins: now, or at a place that has to be one of this run.
static void begin(const engine *e, const queue_feed *f, engine_feed *c)
{
    const engine_feed_place *place = &c->place;
    c->reset = ENGINE_FEED_WHOLE;
    if (c->from_now)
        c->place = (engine_feed_place){.jobs = f->changed};
    else if (place->run != e->feeds.run || place->jobs > e->feeds.last ||
             place->queue > e->feeds.last)
        c->reset = ENGINE_FEED_RESTARTED;
}

void feed_apply(engine *e, engine_feed *command)
{
    (void) supply_know(e);  // makes those that jobs have named
    job_queue *q = queue_find(e, command->queue);
    if (q == NULL) {
        engine_refuse(e, &command->command,
                      status_new(STATUS_NOT_FOUND, "no queue \"%s\"", command->queue));
        return;
    }
    queue_feed *f = feed_of(e, q);
    if (f == NULL) {
        engine_refuse(e, &command->command, no_memory());
        return;
    }
    begin(e, f, command);
    if (has_news(f, command) || command->deadline_us <= e->mono_us)
        answer(e, f, command);
    else
        park_watch(e, f, command);
}
