// feed_ring - the latest changes of the jobs of one queue, in the order of their numbers.
#ifndef ERRAND_ENGINE_FEED_RING_H
#define ERRAND_ENGINE_FEED_RING_H

#include "engine/engine.h"

typedef struct feed_ring {
    engine_feed_item *items;
    size_t size, first, count;  // room for, the oldest, how many
    int64_t lost;               // changes up to this number are not in it
} feed_ring;

// feed_ring_keep adds a change. All rings together have `places`, and at most `most`, but for a few
// that each may have: where a ring can not grow, its oldest change is lost.
void feed_ring_keep(feed_ring *r, const engine_feed_item *item, size_t most, size_t *places);
void feed_ring_free(feed_ring *r, size_t *places);

const engine_feed_item *feed_ring_at(const feed_ring *r, size_t index);  // from the oldest
// feed_ring_behind is the index of the first change behind a number; `count` when there is none.
size_t feed_ring_behind(const feed_ring *r, int64_t number);

#endif
