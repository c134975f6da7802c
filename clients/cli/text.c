// text - times and other values as text for people.
#include "cli.h"

#include "base/units.h"
#include "job/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *cli_time_text(const Google__Protobuf__Timestamp *when, char text[static CLI_TEXT_MAX])
{
    int64_t us;
    struct tm parts;
    if (when == NULL || !time_from_timestamp(when, &us))
        return "-";
    time_t seconds = us / 1000000;
    if (gmtime_r(&seconds, &parts) == NULL)
        return "-";
    (void) strftime(text, CLI_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

const char *cli_duration_text(const Google__Protobuf__Duration *duration,
                              char text[static CLI_TEXT_MAX])
{
    AUTO_BUF written = {0};
    int64_t us;
    if (duration == NULL || !time_from_duration(duration, &us) ||
        !units_append_duration(&written, us))
        return "-";
    (void) snprintf(text, CLI_TEXT_MAX, "%s", buf_text(&written));
    return text;
}

const char *cli_span_text(const Google__Protobuf__Duration *span, char text[static CLI_TEXT_MAX])
{
    static const struct {
        char name;
        int64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    enum { SMALLEST = sizeof units / sizeof units[0] - 1 };
    size_t unit = 0;
    if (span == NULL)
        return "-";
    while (unit < SMALLEST && span->seconds < units[unit].seconds)
        unit++;
    int64_t count = span->seconds / units[unit].seconds;
    int64_t rest = span->seconds % units[unit].seconds;
    if (unit == SMALLEST || rest < units[unit + 1].seconds)
        (void) snprintf(text, CLI_TEXT_MAX, "%" PRId64 "%c", count, units[unit].name);
    else
        (void) snprintf(text, CLI_TEXT_MAX, "%" PRId64 "%c%" PRId64 "%c", count, units[unit].name,
                        rest / units[unit + 1].seconds, units[unit + 1].name);
    return text;
}

const char *cli_plain_text(const char *from, char *text, size_t size)
{
    size_t used = 0;
    for (; *from != '\0' && used < size - 1; from++)
        text[used++] = (unsigned char) *from < ' ' || *from == '\x7f' ? ' ' : *from;
    // What is cut is cut before a character, not within.
    while (*from != '\0' && used > 0 && ((unsigned char) *from & 0xc0) == 0x80) {
        used--;
        from--;
    }
    text[used] = '\0';
    return text;
}

void cli_print_line(const char *name, const char *value)
{
    if (value != NULL && *value != '\0')
        cli_print("%-10s %s\n", name, value);
}

void cli_print_time(const char *name, const Google__Protobuf__Timestamp *when)
{
    char text[CLI_TEXT_MAX];
    if (when != NULL)
        cli_print_line(name, cli_time_text(when, text));
}

void cli_print_number(const char *name, int64_t number)
{
    cli_print("%-10s %" PRId64 "\n", name, number);
}
