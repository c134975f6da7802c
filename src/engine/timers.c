// timers - a binary heap of deadlines, kept inside the objects that have them.
#include "engine/timers.h"

#include <stdlib.h>

static void put(timers *all, size_t place, timer *t)
{
    all->heap[place] = t;
    t->place = place;
}

static void sift_up(timers *all, timer *t, size_t place)
{
    while (place > 1 && all->heap[place / 2]->when_us > t->when_us) {
        put(all, place, all->heap[place / 2]);
        place /= 2;
    }
    put(all, place, t);
}

static void sift_down(timers *all, timer *t, size_t place)
{
    for (size_t child = place * 2; child <= all->count; child = place * 2) {
        if (child < all->count && all->heap[child + 1]->when_us < all->heap[child]->when_us)
            child++;
        if (all->heap[child]->when_us >= t->when_us)
            break;
        put(all, place, all->heap[child]);
        place = child;
    }
    put(all, place, t);
}

static void settle(timers *all, timer *t, size_t place)
{
    if (place > 1 && all->heap[place / 2]->when_us > t->when_us)
        sift_up(all, t, place);
    else
        sift_down(all, t, place);
}

void timers_fini(timers *all)
{
    free(all->heap);
    *all = (timers){0};
}

bool timers_reserve(timers *all, size_t more)
{
    size_t wanted = all->count + more + 1;
    if (wanted <= all->capacity)
        return true;
    if (wanted < 2 * all->capacity)
        wanted = 2 * all->capacity;
    timer **heap = realloc(all->heap, wanted * sizeof *heap);
    if (heap == NULL)
        return false;
    all->heap = heap;
    all->capacity = wanted;
    return true;
}

void timers_set(timers *all, timer *t, int64_t when_us)
{
    t->when_us = when_us;
    if (t->place == 0)
        sift_up(all, t, ++all->count);
    else
        settle(all, t, t->place);
}

void timers_clear(timers *all, timer *t)
{
    if (t->place == 0)
        return;
    size_t place = t->place;
    timer *last = all->heap[all->count--];
    t->place = 0;
    if (last != t)
        settle(all, last, place);
}

int64_t timers_next(const timers *all)
{
    return all->count == 0 ? INT64_MAX : all->heap[1]->when_us;
}

void timers_run(timers *all, int64_t now_us, void *context)
{
    while (timers_next(all) <= now_us) {
        timer *t = all->heap[1];
        timers_clear(all, t);
        t->fire(context, t);
    }
}
