// queue_text - the settings of a queue in a line of a configuration file.
#include "job/queue_text.h"

#include "base/units.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD  64
#define MAX_COUNT INT64_C(1000000000)

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
           units_parse_duration(slash + 1, &settings->rate_per_us) && settings->rate_per_us > 0;
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
        return units_parse_duration(value, &settings->aging_us) && settings->aging_us >= 0;
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
