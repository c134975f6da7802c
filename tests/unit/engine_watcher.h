// engine_watcher - one who watches the queue "q" of the rig.
#ifndef ERRAND_TESTS_UNIT_ENGINE_WATCHER_H
#define ERRAND_TESTS_UNIT_ENGINE_WATCHER_H

#include "unit/engine_life.h"

#define PACE SECOND  // longer than any pause between two answers

static const engine_feed_place from_now = {0};

static inline call *feed_post(const char *queue, engine_feed_place place, int64_t wait_us)
{
    call *c = erig_call(ENGINE_FEED);
    c->feed.queue = queue;
    c->feed.from_now = place.run == 0;
    c->feed.place = place;
    c->feed.ticket = engine_ticket(erig.engine);
    c->feed.deadline_us = wait_us == 0 ? 0 : atomic_load(&erig.mono_us) + wait_us;
    c->feed.limit = 1000;
    c->feed.memory = c->memory;
    return erig_post(c);
}

static inline const engine_feed *feed_now(engine_feed_place place)
{
    return &erig_fine(feed_post("q", place, 0))->feed;
}

// All that is to be told by now.
static inline const engine_feed *feed_later(engine_feed_place place)
{
    erig_later(PACE);
    return feed_now(place);
}

static inline engine_feed_place place_now(void)
{
    return feed_now(from_now)->place;
}

static inline void assert_nothing(const engine_feed *told)
{
    assert_int_equal(told->count, 0);
    assert_false(told->has_info);
    assert_int_equal(told->reset, ENGINE_FEED_WHOLE);
}

#endif
