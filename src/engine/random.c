// random - numbers for the jitter of retries: xoshiro256+ by Blackman and Vigna (prng.di.unimi.it).
#include "engine/internal.h"

#include "base/crypto.h"

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

double engine_random(engine *e)
{
    uint64_t *s = e->random;
    uint64_t sum = s[0] + s[3];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return (double) (sum >> 11) * 0x1.0p-53;
}

void engine_seed_random(engine *e, uint64_t seed)
{
    if (seed == 0)
        crypto_random(e->random, sizeof e->random);
    else
        for (int i = 0; i < 4; i++)
            e->random[i] = seed * 0x9e3779b97f4a7c15u + (uint64_t) i + 1;
}
