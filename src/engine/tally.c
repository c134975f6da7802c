// tally - what happened to the jobs of each queue since the start, for metrics.
//
// Only the engine's thread counts, so these are plain numbers, and whoever wants them asks by a
// command. What a round counts is set aside until its commit: an undone round has not happened. The
// first queues have numbers of their own, all others share one set: names are made by clients.
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

static queue_tally *add_tally(tallies *all, const char *queue)
{
    queue_tally *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    made->numbers.queue = queue;
    *(all->last != NULL ? &all->last->next : &all->first) = made;
    all->last = made;
    all->count++;
    return made;
}

static queue_tally *tally_of(engine *e, job_queue *q)
{
    tallies *all = &e->tallies;
    if (q == NULL)
        return &all->other;
    if (q->tally != NULL)
        return q->tally;
    if (all->count < e->options.max_named_queues && strcmp(q->name, ENGINE_OTHER_QUEUES) != 0)
        q->tally = add_tally(all, q->name);
    if (q->tally == NULL)
        q->tally = &all->other;
    return q->tally;
}

static void count(const tally_event *event)
{
    engine_tally *t = &event->tally->numbers.tally;
    switch (event->what) {
    case TALLY_SUBMITTED:
        t->submitted += (uint64_t) event->value;
        break;
    case TALLY_FINISHED:
        t->finished[event->value]++;
        break;
    case TALLY_FAILED_ATTEMPT:
        t->failed_attempts++;
        break;
    case TALLY_WAIT:
        metrics_tally_add(&t->wait, &metrics_long_times, event->value);
        break;
    case TALLY_RUN:
        metrics_tally_add(&t->run, &metrics_long_times, event->value);
        break;
    }
}

static bool make_room(tallies *all)
{
    if (all->event_count < all->event_capacity)
        return true;
    size_t capacity = all->event_capacity > 0 ? 2 * all->event_capacity : 256;
    tally_event *events = realloc(all->events, capacity * sizeof *events);
    if (events == NULL)
        return false;
    all->events = events;
    all->event_capacity = capacity;
    return true;
}

// Jobs come in batches.
static bool adds_to_last(const tallies *all, const tally_event *event)
{
    if (all->events == NULL || all->event_count == 0 || event->what != TALLY_SUBMITTED)
        return false;
    const tally_event *last = &all->events[all->event_count - 1];
    return last->what == event->what && last->tally == event->tally;
}

void tally_note(engine *e, int32_t route, tally_what what, int64_t value)
{
    tallies *all = &e->tallies;
    tally_event event = {.tally = tally_of(e, queue_of(e, route)), .value = value, .what = what};
    if (adds_to_last(all, &event))
        all->events[all->event_count - 1].value += value;
    else if (make_room(all))
        all->events[all->event_count++] = event;
    else
        count(&event);
}

void tally_end(engine *e, bool committed)
{
    for (size_t i = 0; committed && i < e->tallies.event_count; i++)
        count(&e->tallies.events[i]);
    e->tallies.event_count = 0;
}

void tally_free(engine *e)
{
    while (e->tallies.first != NULL) {
        queue_tally *next = e->tallies.first->next;
        free(e->tallies.first);
        e->tallies.first = next;
    }
    free(e->tallies.events);
}

// ---- for those who ask ----

static void add_depth(engine *e, int32_t route)
{
    int64_t *jobs = tally_of(e, queue_of(e, route))->numbers.jobs;
    for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++)
        jobs[state] += e->store->ops->count(e->store, route, (job_state) state);
}

// Brings the depths up to date. The others have a row only if there are any.
static void find_depths(engine *e)
{
    size_t count;
    tallies *all = &e->tallies;
    const store_route *routes = e->store->ops->routes(e->store, &count);
    memset(all->other.numbers.jobs, 0, sizeof all->other.numbers.jobs);
    for (queue_tally *t = all->first; t != NULL; t = t->next)
        memset(t->numbers.jobs, 0, sizeof t->numbers.jobs);
    for (size_t i = 0; i < count; i++) {
        add_depth(e, routes[i].route);
        if (tally_of(e, queue_of(e, routes[i].route)) == &all->other)
            all->other.numbers.queue = ENGINE_OTHER_QUEUES;
    }
}

void numbers_apply(engine *e, engine_numbers *command)
{
    const tallies *all = &e->tallies;
    find_depths(e);
    command->queues = arena_alloc(command->memory, (all->count + 1) * sizeof *command->queues);
    if (command->queues == NULL) {
        engine_refuse(e, &command->command, no_memory());
        return;
    }
    for (const queue_tally *t = all->first; t != NULL; t = t->next)
        command->queues[command->count++] = t->numbers;
    if (all->other.numbers.queue != NULL)
        command->queues[command->count++] = all->other.numbers;
    command->workers = workers_count(e);
    engine_answer(e, &command->command);
}
