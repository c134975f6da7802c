// time_text - RFC 3339 timestamps and "1.5s" durations, as text and as numbers.
#include "json/time_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_PER_DAY      86400
#define DAYS_TO_1970         719162            // from 0001-01-01
#define MAX_TIMESTAMP        253402300799LL    // 9999-12-31T23:59:59Z
#define MIN_TIMESTAMP        (-62135596800LL)  // 0001-01-01T00:00:00Z
#define MAX_DURATION_SECONDS 315576000000LL
#define NANOS_PER_SECOND     1000000000

typedef struct date {
    int year;
    int month;
    int day;
} date;

static bool is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

// Days from 0001-01-01 to the first day of the year.
static int64_t days_before_year(int year)
{
    int64_t past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t date_to_days(date d)
{
    int64_t days = days_before_year(d.year) + d.day - 1;
    for (int month = 1; month < d.month; month++) {
        days += days_in_month(d.year, month);
    }
    return days;
}

static date days_to_date(int64_t days)
{
    date d = {.year = (int) (days / 366) + 1, .month = 1};  // never too late a year, so go up
    while (days_before_year(d.year + 1) <= days) {
        d.year++;
    }
    int64_t rest = days - days_before_year(d.year);
    while (rest >= days_in_month(d.year, d.month)) {
        rest -= days_in_month(d.year, d.month++);
    }
    d.day = (int) rest + 1;
    return d;
}

// Writes exactly so many digits; returns where they end.
static char *put_digits(char *at, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char) ('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

// Writes nothing, or a point and 3, 6 or 9 digits: as few as say it exactly.
static int format_fraction(int32_t nanos, char *text)
{
    if (nanos == 0) {
        return 0;
    }
    *text = '.';
    int digits = nanos % 1000000 == 0 ? 3 : nanos % 1000 == 0 ? 6 : 9;
    int value = digits == 3 ? nanos / 1000000 : digits == 6 ? nanos / 1000 : nanos;
    return (int) (put_digits(text + 1, value, digits) - text);
}

// Most jobs that are shown have two of these or more.
static char *format_date(const date *d, int clock, char *at)
{
    const struct {
        int value, digits;
        char end;
    } parts[] = {{d->year, 4, '-'},      {d->month, 2, '-'},        {d->day, 2, 'T'},
                 {clock / 3600, 2, ':'}, {clock / 60 % 60, 2, ':'}, {clock % 60, 2, '\0'}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        at = put_digits(at, parts[i].value, parts[i].digits);
        *at++ = parts[i].end;
    }
    return at - 1;
}

bool time_text_format(int64_t seconds, int32_t nanos, char ret_text[static TIME_TEXT_SIZE])
{
    if (seconds < MIN_TIMESTAMP || seconds > MAX_TIMESTAMP || nanos < 0 ||
        nanos >= NANOS_PER_SECOND) {
        return false;
    }
    int64_t since_year_1 = seconds - MIN_TIMESTAMP;
    date d = days_to_date(since_year_1 / SECONDS_PER_DAY);
    int clock = (int) (since_year_1 % SECONDS_PER_DAY);
    char *end = format_date(&d, clock, ret_text);
    end += format_fraction(nanos, end);
    end[0] = 'Z';
    end[1] = '\0';
    return true;
}

// Reads exactly `count` digits and then the character `end` (0: any), moving *text on.
static bool parse_digits(const char **text, int count, char end, int *ret)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *text += count;
    if (end != '\0') {
        if (**text != end) {
            return false;
        }
        ++*text;
    }
    *ret = value;
    return true;
}

// Reads an optional fraction of 1 to 9 digits.
static bool parse_fraction(const char **text, int32_t *ret_nanos)
{
    *ret_nanos = 0;
    if (**text != '.') {
        return true;
    }
    ++*text;
    int32_t scale = NANOS_PER_SECOND;
    while (**text >= '0' && **text <= '9') {
        if (scale == 1) {
            return false;
        }
        scale /= 10;
        *ret_nanos += (*(*text)++ - '0') * scale;
    }
    return scale < NANOS_PER_SECOND;
}

// Reads Z or +hh:mm or -hh:mm, to the end of the text.
static bool parse_offset(const char *text, int *ret_seconds)
{
    if (strcmp(text, "Z") == 0) {
        *ret_seconds = 0;
        return true;
    }
    int sign = *text == '-' ? -1 : 1;
    if (*text != '+' && *text != '-') {
        return false;
    }
    text++;
    int hours;
    int minutes;
    if (!parse_digits(&text, 2, ':', &hours) || !parse_digits(&text, 2, '\0', &minutes) ||
        *text != '\0' || hours > 23 || minutes > 59) {
        return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool parse_date(const char **text, date *ret)
{
    return parse_digits(text, 4, '-', &ret->year) && parse_digits(text, 2, '-', &ret->month) &&
           parse_digits(text, 2, 'T', &ret->day) && ret->year >= 1 && ret->month >= 1 &&
           ret->month <= 12 && ret->day >= 1 && ret->day <= days_in_month(ret->year, ret->month);
}

static bool parse_clock(const char **text, int *ret_seconds)
{
    int hour;
    int minute;
    int second;
    if (!parse_digits(text, 2, ':', &hour) || !parse_digits(text, 2, ':', &minute) ||
        !parse_digits(text, 2, '\0', &second) || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

bool time_text_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos)
{
    date d;
    int clock;
    int32_t nanos;
    int offset;
    if (!parse_date(&text, &d) || !parse_clock(&text, &clock) || !parse_fraction(&text, &nanos) ||
        !parse_offset(text, &offset)) {
        return false;
    }
    int64_t seconds = (date_to_days(d) - DAYS_TO_1970) * SECONDS_PER_DAY + clock - offset;
    if (seconds < MIN_TIMESTAMP || seconds > MAX_TIMESTAMP) {
        return false;
    }
    *ret_seconds = seconds;
    *ret_nanos = nanos;
    return true;
}

bool time_text_format_duration(int64_t seconds, int32_t nanos, char ret_text[static TIME_TEXT_SIZE])
{
    bool negative = seconds < 0 || nanos < 0;
    if (seconds < -MAX_DURATION_SECONDS || seconds > MAX_DURATION_SECONDS ||
        abs(nanos) >= NANOS_PER_SECOND || (negative && (seconds > 0 || nanos > 0))) {
        return false;
    }
    int used = snprintf(ret_text, TIME_TEXT_SIZE, "%s%lld", negative ? "-" : "",
                        (long long) (negative ? -seconds : seconds));
    used += format_fraction(abs(nanos), ret_text + used);
    ret_text[used] = 's';
    ret_text[used + 1] = '\0';
    return true;
}

bool time_text_parse_duration(const char *text, int64_t *ret_seconds, int32_t *ret_nanos)
{
    bool negative = *text == '-';
    text += negative;
    int64_t seconds = 0;
    const char *first = text;
    for (; *text >= '0' && *text <= '9'; text++) {
        seconds = seconds * 10 + (*text - '0');
        if (seconds > MAX_DURATION_SECONDS) {
            return false;
        }
    }
    int32_t nanos;
    if (text == first || !parse_fraction(&text, &nanos) || strcmp(text, "s") != 0 ||
        (seconds == MAX_DURATION_SECONDS && nanos > 0)) {
        return false;
    }
    *ret_seconds = negative ? -seconds : seconds;
    *ret_nanos = negative ? -nanos : nanos;
    return true;
}
