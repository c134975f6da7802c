// config_value - one setting: reading its text, storing, freeing. Shared by the files of config.
#ifndef ERRAND_BASE_CONFIG_VALUE_H
#define ERRAND_BASE_CONFIG_VALUE_H

#include "base/buf.h"
#include "base/config.h"

// Lists and maps hold no more items than this, or than their row's max.
enum { CONFIG_ITEMS_CAP = 1000 };

// where, in all of these, is the place that a message names: FILE:LINE: KEY, --flag or ERRAND_KEY.

// config_value_set replaces the value. A list or map is taken from text by its commas.
status *config_value_set(const config_row *row, void *settings, const char *text,
                         const char *where);

// config_value_add appends one item to a list; name=value to a map.
status *config_value_add(const config_row *row, void *settings, const char *text,
                         const char *where);

// config_value_add_each does so for each part of the text that stands between commas.
status *config_value_add_each(const config_row *row, void *settings, const char *text,
                              const char *where);

// config_value_put appends one pair to a map.
status *config_value_put(const config_row *row, void *settings, const config_pair *pair,
                         const char *where);

void config_value_clear(const config_row *row, void *settings);
bool config_value_is_plural(const config_row *row);
long long config_items_cap(const config_row *row);

// config_value_bad says: where: found FOUND, expected what the row takes.
status *config_value_bad(const config_row *row, const char *where, const char *found)
    __attribute__((warn_unused_result));

// config_append_quoted writes text in quotes for a message, cut and with control bytes escaped.
void config_append_quoted(buf *b, const char *text);

// config_append_expected writes what the row takes, such as: a whole number from 0 to 10.
void config_append_expected(buf *b, const config_row *row);

status *config_list_append(config_list *list, const char *text) __attribute__((warn_unused_result));
void config_list_fini(config_list *list);

#endif
