// utf8 - a walk by the table of well-formed byte sequences (Unicode, table 3-7).
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

typedef struct sequence {
    uint8_t first_low, first_high;    // range of the first byte
    uint8_t second_low, second_high;  // range of the second; all further ones are 80..BF
    uint8_t size;
} sequence;

static const sequence sequences[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static bool sequence_matches(const sequence *s, const uint8_t *bytes, size_t size)
{
    if (size < s->size || bytes[1] < s->second_low || bytes[1] > s->second_high) {
        return false;
    }
    for (size_t i = 2; i < s->size; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return false;
        }
    }
    return true;
}

size_t utf8_char_size(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    if (size == 0) {
        return 0;
    }
    if (at[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        const sequence *s = &sequences[i];
        if (at[0] >= s->first_low && at[0] <= s->first_high) {
            return sequence_matches(s, at, size) ? s->size : 0;
        }
    }
    return 0;
}

// ascii_prefix passes over eight bytes of ASCII at a time: most text is nothing else.
static size_t ascii_prefix(const uint8_t *bytes, size_t size)
{
    size_t done = 0;
    while (size - done >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + done, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
        done += sizeof word;
    }
    return done;
}

size_t utf8_valid_size(const void *bytes, size_t size)
{
    const uint8_t *text = bytes;
    size_t done = 0;
    while (done < size) {
        done += ascii_prefix(text + done, size - done);
        size_t step = utf8_char_size(text + done, size - done);
        if (step == 0) {
            break;
        }
        done += step;
    }
    return done;
}

bool utf8_valid(const void *bytes, size_t size)
{
    return utf8_valid_size(bytes, size) == size;
}

// Taking one from each byte sets the highest bit of the word's first NUL, and no bit of that kind
// where all are ASCII.
static bool is_plain_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return (((word - UINT64_C(0x0101010101010101)) | word) & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_plain(const void *bytes, size_t size)
{
    const uint8_t *text = bytes;
    size_t done = 0;
    while (size - done >= sizeof(uint64_t)) {
        if (!is_plain_word(text + done)) {
            return false;
        }
        done += sizeof(uint64_t);
    }
    while (done < size && text[done] > 0 && text[done] < 0x80) {
        done++;
    }
    return done == size;
}
