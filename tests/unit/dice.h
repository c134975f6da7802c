// dice - numbers that look random, the same for the same seed.
#ifndef ERRAND_TESTS_UNIT_DICE_H
#define ERRAND_TESTS_UNIT_DICE_H

#include <stdint.h>

// xorshift64. The state is the seed at first, and never 0.
static inline uint64_t dice_roll(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

#endif
