// clock - wall and monotonic time in microseconds, replaceable in tests.
#ifndef ERRAND_BASE_CLOCK_H
#define ERRAND_BASE_CLOCK_H

#include <stdint.h>

typedef struct clock_source {
    int64_t (*wall_us)(void *data);  // since 1970-01-01 UTC
    int64_t (*mono_us)(void *data);  // since some fixed moment; never goes back
    void *data;
} clock_source;

// clock_system reads CLOCK_REALTIME and CLOCK_MONOTONIC. A wall clock in the year 9000 or later
// was never set, and reads as 0.
const clock_source *clock_system(void);

static inline int64_t clock_wall_us(const clock_source *clock)
{
    return clock->wall_us(clock->data);
}

static inline int64_t clock_mono_us(const clock_source *clock)
{
    return clock->mono_us(clock->data);
}

// clock_earlier takes two times of the same clock.
static inline int64_t clock_earlier(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

#endif
