// queue_text - the settings of a queue in a line of a configuration file.
#include "job/queue_text.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "job/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD  64
#define MAX_COUNT INT64_C(1000000000)
#define YEAR_US   (INT64_C(365) * 86400 * 1000000)

static bool read_number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max)
        return false;
    *ret = value;
    return true;
}

static bool read_limit(const char *text, int64_t max, int64_t *ret)
{
    return read_number(text, 0, max, ret);
}

static bool read_switch(const char *text, bool *ret)
{
    *ret = strcmp(text, "true") == 0;
    return *ret || strcmp(text, "false") == 0;
}

// COUNT/PERIOD
static bool read_rate(char *text, queue_settings *settings)
{
    char *slash = strchr(text, '/');
    if (!slash)
        return false;
    *slash = '\0';
    if (settings->rate_burst == 0)
        settings->rate_burst = 1;
    return read_number(text, 1, MAX_COUNT, &settings->rate_count) &&
           units_parse_duration(slash + 1, &settings->rate_per_us) && settings->rate_per_us > 0 &&
           settings->rate_per_us <= YEAR_US;
}

static bool read_value(unsigned field, char *value, queue_settings *settings)
{
    switch (field) {
    case QUEUE_RATE_LIMIT:
        return read_rate(value, settings);
    case QUEUE_MAX_RUNNING:
        return read_limit(value, INT32_MAX, &settings->max_running);
    case QUEUE_MAX_PER_KEY:
        return read_limit(value, INT32_MAX, &settings->max_per_key);
    case QUEUE_MAX_DEPTH:
        return read_limit(value, INT64_MAX, &settings->max_depth);
    case QUEUE_AGING:
        return units_parse_duration(value, &settings->aging_us) && settings->aging_us >= 0 &&
               settings->aging_us <= YEAR_US;
    case QUEUE_PAUSED:
        return read_switch(value, &settings->paused);
    case QUEUE_HOLD_ON_RETRY_AFTER:
        return read_switch(value, &settings->hold_on_retry_after);
    default:
        return false;
    }
}

static bool read_word(char *word, queue_settings *settings, unsigned *mask)
{
    char *equals = strchr(word, '=');
    if (!equals)
        return false;
    *equals = '\0';
    if (strcmp(word, "burst") == 0) {
        *mask |= QUEUE_RATE_LIMIT;
        return read_number(equals + 1, 1, MAX_COUNT, &settings->rate_burst);
    }
    unsigned field = queue_field_of(word);
    *mask |= field;
    return read_value(field, equals + 1, settings);
}

bool queue_text_read(const char *text, queue_settings *settings, unsigned *ret_mask)
{
    char word[MAX_WORD];
    *ret_mask = 0;
    settings->rate_count = settings->rate_burst = 0;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t size = strcspn(text, " ");
        if (size >= sizeof word)
            return false;
        memcpy(word, text, size);
        word[size] = '\0';
        if (!read_word(word, settings, ret_mask))
            return false;
        text += size;
    }
    // A burst of no rate limit means nothing.
    return *ret_mask != 0 && (!(*ret_mask & QUEUE_RATE_LIMIT) || settings->rate_count > 0);
}

bool queue_text_is_good(const char *text)
{
    queue_settings settings;
    unsigned mask;
    queue_settings_init(&settings);
    return queue_text_read(text, &settings, &mask);
}

// ---- the same as a table ----

typedef struct record {
    char *rate_limit;
    int64_t burst, max_running, max_per_key, max_depth, aging_us;
    bool paused, hold_on_retry_after;
} record;

// clang-format off
static const config_row rows[] = {
    {.key = "rate_limit", .type = CONFIG_STRING,
     .help = "jobs started in a time, such as 10/1s", CONFIG_FIELD(record, rate_limit)},
    {.key = "burst", .type = CONFIG_INT, .min = 1, .max = MAX_COUNT,
     .help = "jobs that may start at once after a rest, with a rate_limit; left out: 1", CONFIG_FIELD(record, burst)},
    {.key = "max_running", .type = CONFIG_INT, .max = INT32_MAX,
     .help = "jobs that run at once", CONFIG_FIELD(record, max_running)},
    {.key = "max_per_key", .type = CONFIG_INT, .max = INT32_MAX,
     .help = "jobs of one concurrency key that run at once", CONFIG_FIELD(record, max_per_key)},
    {.key = "max_depth", .type = CONFIG_INT,
     .help = "unfinished jobs that it holds", CONFIG_FIELD(record, max_depth)},
    {.key = "aging", .type = CONFIG_DURATION, .max = YEAR_US,
     .help = "one point of priority is worth this much waiting; 0: none is", CONFIG_FIELD(record, aging_us)},
    {.key = "paused", .type = CONFIG_BOOL,
     .help = "whether it starts no jobs", CONFIG_FIELD(record, paused)},
    {.key = "hold_on_retry_after", .type = CONFIG_BOOL,
     .help = "whether an answer with Retry-After holds all of it back", CONFIG_FIELD(record, hold_on_retry_after)},
};
// clang-format on

const config_program queue_text_record = {
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .settings_size = sizeof(record),
};

status *queue_text_judge(const char *name, const void *judged)
{
    const record *r = judged;
    char quoted[TEXT_QUOTE_SIZE];
    queue_settings settings;
    queue_settings_init(&settings);
    if (!text_is_name(name))
        return status_new(STATUS_INVALID_ARGUMENT,
                          "found this name of a queue, expected [a-zA-Z0-9_.-]{1,64}");
    if (!r->rate_limit)
        return r->burst == 0 ? NULL
                             : status_bad_field("burst", "found no rate_limit beside it, expected "
                                                         "both or neither");
    AUTO_FREE char *rate = strdup(r->rate_limit);
    if (rate && read_rate(rate, &settings))
        return NULL;
    return status_bad_field("rate_limit",
                            "found %s, expected jobs in a time such as 10/1s or 600/1m",
                            text_quote(r->rate_limit, quoted));
}
