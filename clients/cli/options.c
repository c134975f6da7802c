// options - reads a command line by its tables, and puts values into messages.
#include "options.h"

#include "base/clock.h"
#include "base/units.h"
#include "json/codec.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef bool option_match_fn(const cli_option *option, const char *name, size_t size);

static bool match_name(const cli_option *option, const char *name, size_t size)
{
    return strlen(option->name) == size && memcmp(option->name, name, size) == 0;
}

static bool match_letter(const cli_option *option, const char *name, size_t size)
{
    (void) size;
    return option->letter != '\0' && option->letter == name[0];
}

static const cli_option *find_option(const cli_option_group *const *groups, option_match_fn *match,
                                     const char *name, size_t size)
{
    for (; *groups != NULL; groups++) {
        for (const cli_option *option = (*groups)->options; option->name != NULL; option++) {
            if (match(option, name, size))
                return option;
        }
    }
    return NULL;
}

static const cli_given *find_given(const cli_args *args, const char *name)
{
    for (size_t i = args->given_count; i > 0; i--) {
        if (strcmp(args->given[i - 1].option->name, name) == 0)
            return &args->given[i - 1];
    }
    return NULL;
}

static status *add_given(cli_args *args, const cli_option *option, const char *value)
{
    if (!option->repeated && find_given(args, option->name) != NULL)
        return status_new(STATUS_INVALID_ARGUMENT, "--%s is given twice", option->name);
    cli_given *given = reallocarray(args->given, args->given_count + 1, sizeof *given);
    if (given == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    args->given = given;
    given[args->given_count++] = (cli_given){option, value};
    return NULL;
}

static status *add_word(cli_args *args, const char *word)
{
    const char **words = reallocarray(args->words, args->word_count + 1, sizeof *words);
    if (words == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    args->words = words;
    words[args->word_count++] = word;
    return NULL;
}

// A place on the command line.
typedef struct cursor {
    int argc;
    char **argv;
    int index;
    const cli_option_group *const *groups;
} cursor;

// take adds the option with the value that is attached to it, or the next argument if it needs one.
static status *take(cursor *at, const cli_option *option, const char *attached, cli_args *ret)
{
    if (option->value == CLI_FLAG && attached != NULL)
        return status_new(STATUS_INVALID_ARGUMENT, "--%s takes no value", option->name);
    if (option->value == CLI_FLAG || option->value == CLI_OPTIONAL_DURATION || attached != NULL)
        return add_given(ret, option, attached);
    if (at->index >= at->argc)
        return status_new(STATUS_INVALID_ARGUMENT, "--%s needs a value: %s", option->name,
                          option->placeholder);
    return add_given(ret, option, at->argv[at->index++]);
}

static status *parse_long(cursor *at, const char *text, cli_args *ret)
{
    const char *name = text + 2;
    size_t size = strcspn(name, "=");
    const cli_option *option = find_option(at->groups, match_name, name, size);
    if (option == NULL)
        return status_new(STATUS_INVALID_ARGUMENT, "unknown option --%.*s", (int) size, name);
    return take(at, option, name[size] == '=' ? name + size + 1 : NULL, ret);
}

static status *parse_short(cursor *at, const char *text, cli_args *ret)
{
    const cli_option *option = find_option(at->groups, match_letter, text + 1, 1);
    if (option == NULL)
        return status_new(STATUS_INVALID_ARGUMENT, "unknown option -%c", text[1]);
    return take(at, option, text[2] == '\0' ? NULL : text + 2, ret);
}

static status *parse_one(cursor *at, bool *only_words, cli_args *ret)
{
    const char *text = at->argv[at->index++];
    if (*only_words || text[0] != '-' || text[1] == '\0')
        return add_word(ret, text);
    if (strcmp(text, "--") == 0) {
        *only_words = true;
        return NULL;
    }
    return text[1] == '-' ? parse_long(at, text, ret) : parse_short(at, text, ret);
}

status *cli_parse(int argc, char **argv, const cli_option_group *const *groups, bool stop_at_word,
                  int *index, cli_args *ret)
{
    cursor at = {argc, argv, *index, groups};
    bool only_words = false;
    status *s = NULL;
    while (s == NULL && at.index < argc) {
        if (stop_at_word && argv[at.index][0] != '-')
            break;
        s = parse_one(&at, &only_words, ret);
    }
    *index = at.index;
    return s;
}

void cli_args_fini(cli_args *args)
{
    free(args->given);
    free(args->words);
    *args = (cli_args){0};
}

const char *cli_text(const cli_args *args, const char *name)
{
    const cli_given *given = find_given(args, name);
    return given == NULL ? NULL : given->value;
}

bool cli_has(const cli_args *args, const char *name)
{
    return find_given(args, name) != NULL;
}

status *cli_number(const cli_args *args, const char *name, int64_t fallback, int64_t *ret)
{
    const char *text = cli_text(args, name);
    if (text == NULL) {
        *ret = fallback;
        return NULL;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || !isdigit((unsigned char) text[0]) || *end != '\0')
        return status_new(STATUS_INVALID_ARGUMENT,
                          "--%s: found \"%s\", expected a whole number, zero or more", name, text);
    *ret = number;
    return NULL;
}

static status *bad_duration(const char *name, const char *text)
{
    return status_new(STATUS_INVALID_ARGUMENT,
                      "--%s: found \"%s\", expected a duration such as 30s, 1.5s, 10m or 2h", name,
                      text);
}

status *cli_duration_ms(const cli_args *args, const char *name, int64_t fallback, int64_t *ret)
{
    const char *text = cli_text(args, name);
    int64_t us;
    if (text == NULL) {
        *ret = fallback;
        return NULL;
    }
    if (!units_parse_duration(text, &us))
        return bad_duration(name, text);
    *ret = us / 1000 + (us % 1000 != 0);
    return NULL;
}

static char *upper_case(const char *text, arena *memory)
{
    char *copy = arena_strdup(memory, text);
    for (char *p = copy; p != NULL && *p != '\0'; p++)
        *p = (char) toupper((unsigned char) *p);
    return copy;
}

// seconds_text writes a duration as the JSON mapping does: 90.500000s.
static status *seconds_text(const cli_given *given, arena *memory, const char **ret)
{
    char text[48];
    int64_t us;
    if (!units_parse_duration(given->value, &us))
        return bad_duration(given->option->name, given->value);
    (void) snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64 "s", us / 1000000, us % 1000000);
    *ret = arena_strdup(memory, text);
    return NULL;
}

// time_text writes a time as the JSON mapping does; what is no duration is taken for a time itself.
static status *time_text(const cli_given *given, arena *memory, const char **ret)
{
    char text[32];
    int64_t us;
    struct tm parts;
    if (!units_parse_duration(given->value, &us)) {
        *ret = given->value;
        return NULL;
    }
    int64_t now_us = clock_wall_us(clock_system());
    time_t seconds = us < INT64_MAX - now_us ? (now_us + us) / 1000000 : -1;
    if (seconds < 0 || gmtime_r(&seconds, &parts) == NULL || parts.tm_year > 9999 - 1900)
        return status_new(STATUS_INVALID_ARGUMENT, "--%s: \"%s\" from now is beyond the year 9999",
                          given->option->name, given->value);
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    (void) snprintf(text + size, sizeof text - size, ".%06dZ", (int) ((now_us + us) % 1000000));
    *ret = arena_strdup(memory, text);
    return NULL;
}

// A key has no colon, so the first separator is the one.
static char *label_text(const char *value, arena *memory)
{
    char *copy = arena_strdup(memory, value);
    char *separator = copy != NULL ? strpbrk(copy, CLI_LABEL_SEPARATORS) : NULL;
    if (separator != NULL)
        *separator = ':';
    return copy;
}

static status *field_text(const cli_given *given, arena *memory, const char **ret)
{
    switch (given->option->value) {
    case CLI_FLAG:
        *ret = given->option->constant;
        return NULL;
    case CLI_NAME:
        *ret = upper_case(given->value, memory);
        return NULL;
    case CLI_LABEL:
        *ret = label_text(given->value, memory);
        return NULL;
    case CLI_DURATION:
    case CLI_OPTIONAL_DURATION:
        return seconds_text(given, memory, ret);
    case CLI_TIME:
        return time_text(given, memory, ret);
    case CLI_TEXT:
    case CLI_NUMBER:
        *ret = given->value;
        return NULL;
    }
    return NULL;
}

static status *fill_field(const cli_given *given, ProtobufCMessage *message, arena *memory)
{
    const char *text = NULL;
    status *s = field_text(given, memory, &text);
    if (s != NULL)
        return s;
    if (text == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    AUTO(status) bad = json_decode_field(message, given->option->field, text, memory);
    if (bad == NULL)
        return NULL;
    const char *why = bad->violation_count > 0 ? bad->violations[0].description : bad->message;
    return status_new(bad->code, "--%s: %s", given->option->name, why);
}

status *cli_fill(const cli_args *args, ProtobufCMessage *message, arena *memory)
{
    status *s = NULL;
    for (size_t i = 0; s == NULL && i < args->given_count; i++) {
        if (args->given[i].option->field != NULL)
            s = fill_field(&args->given[i], message, memory);
    }
    return s;
}
