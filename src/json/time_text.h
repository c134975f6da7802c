// time_text - RFC 3339 timestamps and "1.5s" durations, as text and as numbers. Pure.
#ifndef ERRAND_JSON_TIME_TEXT_H
#define ERRAND_JSON_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 48  // room for the longest text and its NUL

// Seconds since 1970-01-01 UTC; nanos 0 to 999,999,999; years 1 to 9999. Fractions have 0, 3, 6 or
// 9 digits in output and 0 to 9 in input; input may have an offset other than Z.
bool time_text_format(int64_t seconds, int32_t nanos, char ret_text[static TIME_TEXT_SIZE]);
bool time_text_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos);

// A duration of at most 10,000 years either way; nanos have the sign of the seconds.
bool time_text_format_duration(int64_t seconds, int32_t nanos,
                               char ret_text[static TIME_TEXT_SIZE]);
bool time_text_parse_duration(const char *text, int64_t *ret_seconds, int32_t *ret_nanos);

#endif
