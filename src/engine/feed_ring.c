// feed_ring - the latest changes of the jobs of one queue, in the order of their numbers.
#include "engine/feed_ring.h"

#include <stdlib.h>

#define FIRST_SIZE  32  // that every ring may have
#define QUEUE_SHARE 4   // no ring has more than this part of all places

static engine_feed_item *item_at(const feed_ring *r, size_t index)
{
    return &r->items[(r->first + index) % r->size];
}

const engine_feed_item *feed_ring_at(const feed_ring *r, size_t index)
{
    return item_at(r, index);
}

size_t feed_ring_behind(const feed_ring *r, int64_t number)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (item_at(r, middle)->number > number)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

// 0: it may not grow.
static size_t larger_size(const feed_ring *r, size_t most, size_t places)
{
    if (r->size == 0)
        return FIRST_SIZE;
    bool fits = r->size * 2 <= most / QUEUE_SHARE && places + r->size <= most;
    return fits ? r->size * 2 : 0;
}

static void grow(feed_ring *r, size_t most, size_t *places)
{
    size_t size = larger_size(r, most, *places);
    engine_feed_item *items = size > 0 ? malloc(size * sizeof *items) : NULL;
    if (items == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        items[i] = *item_at(r, i);
    free(r->items);
    r->items = items;
    r->first = 0;
    *places += size - r->size;
    r->size = size;
}

void feed_ring_keep(feed_ring *r, const engine_feed_item *item, size_t most, size_t *places)
{
    if (r->count == r->size)
        grow(r, most, places);
    if (r->size == 0) {
        r->lost = item->number;
        return;
    }
    if (r->count == r->size) {
        r->lost = item_at(r, 0)->number;
        r->first = (r->first + 1) % r->size;
        r->count--;
    }
    r->count++;
    *item_at(r, r->count - 1) = *item;
}

void feed_ring_free(feed_ring *r, size_t *places)
{
    *places -= r->size;
    free(r->items);
    *r = (feed_ring){.items = NULL};
}
