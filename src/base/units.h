// units - durations such as 1.5s and sizes such as 16MiB, as text.
#ifndef ERRAND_BASE_UNITS_H
#define ERRAND_BASE_UNITS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

// units_parse_duration reads a number and one of us, ms, s, m, h, d as microseconds. A bare 0 is
// fine too; everything else needs its unit. False when text is none, or too large.
bool units_parse_duration(const char *text, int64_t *ret_us);

// units_parse_size reads a number and one of B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB,
// TiB (powers of 1024), or no unit, as bytes.
bool units_parse_size(const char *text, int64_t *ret_bytes);

// Both write a whole number with the largest unit that fits: 90s stays 90s, 60s becomes 1m.
bool units_append_duration(buf *b, int64_t us);
bool units_append_size(buf *b, int64_t bytes);

#endif
