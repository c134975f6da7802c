// varint - numbers in as few bytes as they need: seven bits in each, the lowest first, and the
// highest bit set in all but the last; see https://protobuf.dev/programming-guides/encoding/.
#ifndef ERRAND_BASE_VARINT_H
#define ERRAND_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

static inline size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value > 0x7f; value >>= 7) {
        size++;
    }
    return size;
}

// varint_put returns the byte behind what it wrote.
static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    for (; value > 0x7f; value >>= 7) {
        *at++ = (uint8_t) (value | 0x80);
    }
    *at++ = (uint8_t) value;
    return at;
}

// In zigzag order numbers close to zero are small, whatever their sign.
static inline uint64_t zigzag(int64_t number)
{
    return ((uint64_t) number << 1) ^ (0 - ((uint64_t) number >> 63));
}

static inline uint64_t unzigzag(uint64_t number)
{
    return (number >> 1) ^ (0 - (number & 1));
}

#endif
