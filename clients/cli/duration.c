// duration - reads 30s, 1.5s, 250ms, 10m, 2h, 1d and sums of them such as 1h30m.
#include "options.h"

#include <ctype.h>
#include <string.h>

typedef struct duration_unit {
    const char *name;
    int64_t us;
} duration_unit;

static const duration_unit units[] = {
    {"ms", 1000},
    {"us", 1},
    {"s", 1000000},
    {"m", 60 * INT64_C(1000000)},
    {"h", 3600 * INT64_C(1000000)},
    {"d", 24 * 3600 * INT64_C(1000000)},
};

static const duration_unit *unit_at(const char *text)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
            return &units[i];
    }
    return NULL;
}

// number_at reads digits with an optional fraction as whole * scale + fraction / scale.
static bool number_at(const char **text, int64_t *ret_whole, int64_t *ret_millionths)
{
    const char *p = *text;
    int64_t whole = 0, millionths = 0;
    if (!isdigit((unsigned char) *p))
        return false;
    for (; isdigit((unsigned char) *p); p++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *p - '0', &whole))
            return false;
    }
    if (*p == '.') {
        p++;
        if (!isdigit((unsigned char) *p))
            return false;
        for (int64_t place = 100000; isdigit((unsigned char) *p); p++, place /= 10)
            millionths += (*p - '0') * place;
    }
    *text = p;
    *ret_whole = whole;
    *ret_millionths = millionths;
    return true;
}

static bool part_at(const char **text, int64_t *total)
{
    int64_t whole, millionths;
    if (!number_at(text, &whole, &millionths))
        return false;
    const duration_unit *unit = unit_at(*text);
    if (unit == NULL)
        return false;
    *text += strlen(unit->name);
    int64_t us;
    if (__builtin_mul_overflow(whole, unit->us, &us))
        return false;
    us += (int64_t) ((__int128) millionths * unit->us / 1000000);
    return !__builtin_add_overflow(*total, us, total);
}

bool cli_duration_parse(const char *text, int64_t *ret_us)
{
    int64_t total = 0;
    do {
        if (!part_at(&text, &total))
            return false;
    } while (*text != '\0');
    *ret_us = total;
    return true;
}
