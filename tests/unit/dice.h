// dice - numbers that look random, the same for the same seed.
#ifndef ERRAND_TESTS_UNIT_DICE_H
#define ERRAND_TESTS_UNIT_DICE_H

#include "unit/unit_test.h"

#include "base/crypto.h"

#include <stdint.h>
#include <stdlib.h>

// xorshift64. The state is the seed at first, and never 0.
static inline uint64_t dice_roll(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

// dice_seed is any seed, or that of the run to be repeated: it says which.
static inline uint64_t dice_seed(void)
{
    const char *chosen = getenv("ERRAND_TEST_SEED");
    uint64_t seed = 0;
    if (chosen)
        seed = strtoull(chosen, NULL, 0);
    else
        crypto_random(&seed, sizeof seed);
    print_message("again with ERRAND_TEST_SEED=%llu\n", (unsigned long long) seed);
    return seed | 1;
}

#endif
