// clock - the system's clocks.
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec now = {0};
    // Neither of the two clocks can fail on Linux with a valid pointer.
    (void) clock_gettime(id, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// Messages can not tell the years after 9999, which such a clock would soon bring: what is stored
// with one could never be read again, not even with the clock set.
#define YEAR_9000_US INT64_C(221845392000000000)

static int64_t system_wall_us(void *data)
{
    (void) data;
    int64_t now_us = read_us(CLOCK_REALTIME);
    return now_us < YEAR_9000_US ? now_us : 0;
}

static int64_t system_mono_us(void *data)
{
    (void) data;
    return read_us(CLOCK_MONOTONIC);
}

const clock_source *clock_system(void)
{
    static const clock_source source = {system_wall_us, system_mono_us, NULL};
    return &source;
}
