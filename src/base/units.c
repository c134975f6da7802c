// units - one parser for numbers with a unit, and two tables.
#include "base/units.h"

#include <stddef.h>
#include <string.h>

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

// Each table ends with a NULL name; formatting takes the last unit that divides evenly.
static const unit durations[] = {
    {"us", 1},
    {"ms", 1000},
    {"s", 1000000},
    {"m", INT64_C(60000000)},
    {"h", INT64_C(3600000000)},
    {"d", INT64_C(86400000000)},
    {NULL, 0},
};

static const unit sizes[] = {
    {"", 1},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {NULL, 0},
};

static const unit other_sizes[] = {
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", INT64_C(1000000000)},
    {"TB", INT64_C(1000000000000)},
    {NULL, 0},
};

static int64_t factor_of(const unit *table, const char *name)
{
    for (const unit *u = table; u->name; u++) {
        if (strcmp(u->name, name) == 0) {
            return u->factor;
        }
    }
    return 0;
}

// A decimal number: digits / divisor.
typedef struct decimal {
    int64_t digits;
    int64_t divisor;
} decimal;

static bool decimal_push(decimal *number, char digit)
{
    return !__builtin_mul_overflow(number->digits, 10, &number->digits) &&
           !__builtin_add_overflow(number->digits, digit - '0', &number->digits);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// decimal_read reads 12 or 1.5, at most nine digits behind the point, and moves text behind it.
static bool decimal_read(const char **text, decimal *ret)
{
    const char *at = *text;
    decimal number = {0, 1};
    if (!is_digit(*at)) {
        return false;
    }
    for (; is_digit(*at); at++) {
        if (!decimal_push(&number, *at)) {
            return false;
        }
    }
    if (*at == '.' && is_digit(at[1])) {
        for (at++; is_digit(*at); at++) {
            if (number.divisor == 1000000000 || !decimal_push(&number, *at)) {
                return false;
            }
            number.divisor *= 10;
        }
    }
    *text = at;
    *ret = number;
    return true;
}

static bool decimal_scale(decimal number, int64_t factor, int64_t *ret)
{
    __int128 product = (__int128) number.digits * factor;
    if (factor == 0 || product % number.divisor != 0 || product / number.divisor > INT64_MAX) {
        return false;  // no such unit, a fraction of the smallest unit, or too large
    }
    *ret = (int64_t) (product / number.divisor);
    return true;
}

bool units_parse_duration(const char *text, int64_t *ret_us)
{
    if (strcmp(text, "0") == 0) {
        *ret_us = 0;
        return true;
    }
    decimal number;
    return decimal_read(&text, &number) &&
           decimal_scale(number, factor_of(durations, text), ret_us);
}

bool units_parse_size(const char *text, int64_t *ret_bytes)
{
    decimal number;
    if (!decimal_read(&text, &number)) {
        return false;
    }
    int64_t factor = factor_of(sizes, text);
    return decimal_scale(number, factor ? factor : factor_of(other_sizes, text), ret_bytes);
}

static bool append_with_unit(buf *b, int64_t value, const unit *table)
{
    const unit *best = table;
    for (const unit *u = table; u->name; u++) {
        if (value != 0 && value % u->factor == 0) {
            best = u;
        }
    }
    return buf_append_format(b, "%lld%s", (long long) (value / best->factor), best->name);
}

bool units_append_duration(buf *b, int64_t us)
{
    return us == 0 ? buf_append_text(b, "0s") : append_with_unit(b, us, durations);
}

bool units_append_size(buf *b, int64_t bytes)
{
    return append_with_unit(b, bytes, sizes);
}
