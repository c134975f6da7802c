// check - collects what is wrong with a submitted job.
#include "job/check.h"

#include "job/text.h"
#include "job/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_HEADERS      100
#define DESCRIPTION_SIZE 320
#define FIELD_SIZE       160

void check_bad(check *c, const char *field, const char *format, ...)
{
    char description[DESCRIPTION_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(description, sizeof description, format, args);
    va_end(args);
    if (!c->invalid)
        c->invalid = status_bad_field(field, "%s", description);
    else if (c->invalid->violation_count < CHECK_MAX_VIOLATIONS)
        status_add_violation(c->invalid, field, "%s", description);
}

status *check_take(check *c)
{
    return TAKE(c->invalid);
}

void check_url(check *c, const char *field, const char *url)
{
    char problem[TEXT_PROBLEM_SIZE];
    if (!text_url_check(url, problem))
        check_bad(c, field, "%s", problem);
}

// Header fields that belong to the connection, or that the HTTP client makes itself.
static bool is_reserved_header(const char *name)
{
    static const char *const reserved[] = {
        "host",    "content-length", "transfer-encoding", "connection", "te",
        "trailer", "upgrade",        "keep-alive",        "expect",
    };
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcasecmp(name, reserved[i]) == 0)
            return true;
    return strncasecmp(name, "proxy-", 6) == 0;
}

void check_header(check *c, const char *field, const char *name, const char *value)
{
    char path[FIELD_SIZE], quoted[TEXT_QUOTE_SIZE];
    snprintf(path, sizeof path, "%s[%s]", field, text_quote(name, quoted));
    if (!text_is_token(name))
        check_bad(c, path,
                  "found a name with other characters, expected letters, digits and "
                  "!#$%%&'*+-.^_`|~");
    else if (strlen(name) > TEXT_HEADER_NAME_MAX)
        check_bad(c, path, "found a name of %zu bytes, expected at most %d", strlen(name),
                  TEXT_HEADER_NAME_MAX);
    else if (is_reserved_header(name))
        check_bad(c, path, "found a field of the connection itself, expected any other");
    if (!text_is_header_value(value))  // the value may be a secret: never shown
        check_bad(c, path, "found a control character in the value, expected visible text");
    else if (strlen(value) > TEXT_HEADER_VALUE_MAX)
        check_bad(c, path, "found a value of %zu bytes, expected at most %d", strlen(value),
                  TEXT_HEADER_VALUE_MAX);
}

void check_header_count(check *c, const char *field, size_t count)
{
    if (count > MAX_HEADERS)
        check_bad(c, field, "found %zu header fields, expected at most %d", count, MAX_HEADERS);
}

void check_duration(check *c, const char *field, const Google__Protobuf__Duration *duration,
                    const check_range *range)
{
    char found[TIME_SHOWN_SIZE];
    int64_t us;
    if (!duration)
        return;
    if (!time_from_duration(duration, &us) || us < range->min_us || us > range->max_us)
        check_bad(c, field, "found %s, expected %s", time_show_duration(duration, found),
                  range->text);
}
