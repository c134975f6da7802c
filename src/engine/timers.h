// timers - a binary heap of deadlines, kept inside the objects that have them.
#ifndef ERRAND_ENGINE_TIMERS_H
#define ERRAND_ENGINE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct timer timer;
typedef void timer_fire_fn(void *context, timer *t);

struct timer {
    int64_t when_us;  // monotonic
    timer_fire_fn *fire;
    size_t place;  // in the heap, from 1; 0: not set
};

typedef struct timers {
    timer **heap;  // heap[1..count]
    size_t count;
    size_t capacity;
} timers;

void timers_fini(timers *all);

// timers_reserve makes room, so that more timers can be set right away without failing.
bool timers_reserve(timers *all, size_t more);

// timers_set arms a timer, or moves it. Room must have been reserved for a new one.
void timers_set(timers *all, timer *t, int64_t when_us);
void timers_clear(timers *all, timer *t);

// timers_next is the earliest deadline; INT64_MAX without any.
int64_t timers_next(const timers *all);

// timers_run takes out and fires each timer whose time has come.
void timers_run(timers *all, int64_t now_us, void *context);

#endif
