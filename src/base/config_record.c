// config_record - settings of one entry of a map, by a table of their own.
#include "base/config_record.h"

#include "base/config_sources.h"
#include "base/config_value.h"
#include "base/config_words.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_CAP = 64 };  // one bit each

static status *set_defaults(const config_program *record, void *settings)
{
    status *failure = NULL;
    for (size_t i = 0; i < record->row_count && !failure; i++) {
        const config_row *row = &record->rows[i];
        failure = row->fallback ? config_value_set(row, settings, row->fallback, row->key) : NULL;
    }
    return failure;
}

static status *unknown_key(const config_program *record, const char *key)
{
    AUTO_BUF names = {0};
    for (size_t i = 0; i < record->row_count; i++) {
        buf_append_format(&names, "%s%s", i > 0 ? ", " : "", record->rows[i].key);
    }
    const char *text = buf_text(&names);
    return status_bad_field(key, "found an unknown key, expected one of %s", text ? text : "");
}

// The first value replaces the default, further ones are added to a list or a map. An empty list is
// one empty value.
static status *set_value(const config_row *row, void *settings, const char *text, bool first)
{
    if (!config_value_is_plural(row)) {
        return first ? config_value_set(row, settings, text, row->key)
                     : status_bad_field(row->key, "found several values, expected one");
    }
    if (first) {
        config_value_clear(row, settings);
    }
    return first && !text[0] ? NULL : config_value_add(row, settings, text, row->key);
}

static status *apply_word(const config_program *record, const config_pair *word, void *settings,
                          uint64_t *seen)
{
    const config_row *row = config_row_of(record, word->key);
    size_t place = row ? (size_t) (row - record->rows) : ROWS_CAP;
    if (place >= ROWS_CAP) {
        return unknown_key(record, word->key);
    }
    bool first = (*seen >> place & 1) == 0;
    *seen |= UINT64_C(1) << place;
    return set_value(row, settings, word->value, first);
}

status *config_record_read(const config_program *record, const char *text, void *settings)
{
    config_map words = {0};
    uint64_t seen = 0;
    if (!config_words_read(text, &words)) {
        return status_new(STATUS_INVALID_ARGUMENT,  // the text may hold secrets
                          "found another text, expected KEY=VALUE words parted by spaces");
    }
    memset(settings, 0, record->settings_size);
    status *failure = set_defaults(record, settings);
    for (size_t i = 0; i < words.count && !failure; i++) {
        failure = apply_word(record, &words.pairs[i], settings, &seen);
    }
    config_words_fini(&words);
    if (failure) {
        config_free(record, settings);
    }
    return failure;
}

status *config_record_check(const config_row *row, const config_pair *pair)
{
    AUTO_FREE void *settings = malloc(row->record->settings_size);
    if (!settings) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading the settings");
    }
    status *failure = config_record_read(row->record, pair->value, settings);
    if (!failure) {
        failure = row->judge ? row->judge(pair->key, settings) : NULL;
        config_free(row->record, settings);
    }
    return failure;
}

bool config_record_starts(const config_row *row, const char *text)
{
    const char *key = text + strcspn(text, "=, \\");
    if (*key++ != '=') {
        return false;
    }
    size_t size = strcspn(key, "=, \\");
    bool known = false;
    for (size_t i = 0; i < row->record->row_count && key[size] == '='; i++) {
        const char *one = row->record->rows[i].key;
        known = known || (strlen(one) == size && strncmp(one, key, size) == 0);
    }
    return known;
}

static status *warn_of_pair(const config_row *row, const config_pair *pair, config_list *warnings)
{
    AUTO_FREE void *settings = malloc(row->record->settings_size);
    AUTO_FREE char *text = NULL;
    if (!settings) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading the settings");
    }
    status *failure = config_record_read(row->record, pair->value, settings);
    if (failure) {
        return failure;
    }
    AUTO_FREE char *warning = row->record->warning(settings);
    config_free(row->record, settings);
    if (!warning || asprintf(&text, "%s.%s.%s", row->key, pair->key, warning) < 0) {
        return NULL;
    }
    return config_list_append(warnings, text);
}

status *config_record_warnings(const config_program *program, const void *settings,
                               config_list *warnings)
{
    for (size_t i = 0; i < program->row_count; i++) {
        const config_row *row = &program->rows[i];
        if (row->type != CONFIG_MAP || !row->record || !row->record->warning) {
            continue;
        }
        const config_map *map =
            (const config_map *) (const void *) ((const char *) settings + row->offset);
        for (size_t j = 0; j < map->count; j++) {
            status *failure = warn_of_pair(row, &map->pairs[j], warnings);
            if (failure) {
                return failure;
            }
        }
    }
    return NULL;
}
