// config_value - stores values in the settings struct.
#include "base/config_value.h"

#include "base/config_record.h"
#include "base/units.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *field_of(const config_row *row, void *settings)
{
    return (char *) settings + row->offset;
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading the settings");
}

status *config_list_append(config_list *list, const char *text)
{
    char *copy = strdup(text);
    char **grown = copy ? realloc(list->items, (list->count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(copy);
        return no_memory();
    }
    list->items = grown;
    list->items[list->count++] = copy;
    return NULL;
}

void config_list_fini(config_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (config_list){0};
}

static void map_fini(config_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->pairs[i].key);
        free(map->pairs[i].value);
    }
    free(map->pairs);
    *map = (config_map){0};
}

long long config_items_cap(const config_row *row)
{
    return row->max > 0 ? row->max : CONFIG_ITEMS_CAP;
}

bool config_value_is_plural(const config_row *row)
{
    return row->type == CONFIG_LIST || row->type == CONFIG_MAP;
}

void config_value_clear(const config_row *row, void *settings)
{
    void *field = field_of(row, settings);
    switch (row->type) {
    case CONFIG_STRING:
        free(*(char **) field);
        break;
    case CONFIG_LISTEN:
        free(((config_listen *) field)->address);
        break;
    case CONFIG_LIST:
        config_list_fini(field);
        break;
    case CONFIG_MAP:
        map_fini(field);
        break;
    case CONFIG_INT:
    case CONFIG_BOOL:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
    case CONFIG_CHOICE:
        break;
    }
    memset(field, 0, row->size);
}

static status *fail_at(const config_row *row, const char *where, buf *text)
{
    const char *description = buf_text(text);
    if (!description) {
        return no_memory();
    }
    status *failure = status_new(STATUS_INVALID_ARGUMENT, "%s: %s", where, description);
    status_add_violation(failure, row->key, "%s", description);
    return failure;
}

status *config_value_bad(const config_row *row, const char *where, const char *found)
{
    AUTO_BUF text = {0};
    buf_append_text(&text, "found ");
    if (row->secret) {
        buf_append_text(&text, "a value that is not shown");
    } else {
        buf_append_text(&text, found);
    }
    buf_append_text(&text, ", expected ");
    config_append_expected(&text, row);
    return fail_at(row, where, &text);
}

static status *bad_text(const config_row *row, const char *where, const char *text)
{
    AUTO_BUF found = {0};
    config_append_quoted(&found, text);
    const char *quoted = buf_text(&found);
    return quoted ? config_value_bad(row, where, quoted) : no_memory();
}

// text_is_allowed: not empty, UTF-8, and with one of the beginnings that the row names.
static bool text_is_allowed(const config_row *row, const char *text)
{
    if (text[0] == '\0' || !utf8_valid(text, strlen(text))) {
        return false;
    }
    for (const char *const *name = row->names; name && *name; name++) {
        size_t size = strlen(*name);
        if (strncmp(text, *name, size) == 0 && text[size] != '\0') {
            return true;
        }
    }
    return row->names == NULL;
}

static bool parse_int(const char *text, int64_t *ret)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t size = strlen(digits);
    if (size == 0 || strspn(digits, "0123456789") != size) {
        return false;
    }
    errno = 0;
    int64_t value = strtoll(text, NULL, 10);
    if (errno != 0) {
        return false;  // beyond 64 bits
    }
    *ret = value;
    return true;
}

static bool in_range(const config_row *row, int64_t value)
{
    bool no_limits = row->min == 0 && row->max == 0;
    return value >= row->min && (no_limits || value <= row->max);
}

static bool store_number(const config_row *row, void *field, const char *text)
{
    int64_t value = 0;
    bool ok = row->type == CONFIG_INT        ? parse_int(text, &value)
              : row->type == CONFIG_DURATION ? units_parse_duration(text, &value)
                                             : units_parse_size(text, &value);
    if (ok && in_range(row, value)) {
        memcpy(field, &value, sizeof value);
        return true;
    }
    return false;
}

static bool store_bool(void *field, const char *text)
{
    bool value = strcmp(text, "true") == 0;
    if (!value && strcmp(text, "false") != 0) {
        return false;
    }
    memcpy(field, &value, sizeof value);
    return true;
}

static bool store_choice(const config_row *row, void *field, const char *text)
{
    for (int i = 0; row->names[i]; i++) {
        if (strcmp(row->names[i], text) == 0) {
            memcpy(field, &i, sizeof i);
            return true;
        }
    }
    return false;
}

static bool host_is_plausible(const char *host, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        return strspn(host + 1, "0123456789abcdefABCDEF:.") == size - 2;
    }
    return size > 0 && strspn(host, plain) == size;
}

static bool store_listen(void *field, const char *text)
{
    config_listen *listen = field;
    if (strcmp(text, "off") == 0) {
        return true;
    }
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    if (!colon || colon[1] == '-' || !host_is_plausible(text, (size_t) (colon - text)) ||
        !parse_int(colon + 1, &port) || port > UINT16_MAX) {
        return false;
    }
    listen->address = strdup(text);
    listen->port = (uint16_t) port;
    return listen->address != NULL;
}

static bool store_text(const config_row *row, void *field, const char *text)
{
    char *copy = text_is_allowed(row, text) ? strdup(text) : NULL;
    memcpy(field, &copy, sizeof copy);
    return copy != NULL;
}

static bool store_single(const config_row *row, void *field, const char *text)
{
    switch (row->type) {
    case CONFIG_STRING:
        return store_text(row, field, text);
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        return store_number(row, field, text);
    case CONFIG_BOOL:
        return store_bool(field, text);
    case CONFIG_CHOICE:
        return store_choice(row, field, text);
    case CONFIG_LISTEN:
        return store_listen(field, text);
    case CONFIG_LIST:
    case CONFIG_MAP:
        break;
    }
    return false;
}

// in_record says where the record stands that something is wrong with: ROW.NAME.
static status *in_record(const config_row *row, const config_pair *pair, const char *where,
                         status *failure)
{
    const char *then =
        failure->violation_count > 0 ? "." : ": ";  // the message names a key, or not
    status *told = status_new(failure->code, "%s.%s%s%s", where, pair->key, then, failure->message);
    for (size_t i = 0; i < failure->violation_count; i++) {
        AUTO_BUF field = {0};
        buf_append_format(&field, "%s.%s.%s", row->key, pair->key, failure->violations[i].field);
        const char *path = buf_text(&field);
        status_add_violation(told, path ? path : row->key, "%s",
                             failure->violations[i].description);
    }
    status_free(failure);
    return told;
}

static status *found_twice(const config_row *row, const config_pair *pair, const char *where)
{
    AUTO_BUF text = {0};
    buf_append_text(&text, "found ");
    config_append_quoted(&text, pair->key);
    buf_append_text(&text, " a second time, expected it once");
    return fail_at(row, where, &text);
}

status *config_value_put(const config_row *row, void *settings, const config_pair *pair,
                         const char *where)
{
    config_map *map = field_of(row, settings);
    bool known = false;
    for (size_t i = 0; i < map->count; i++) {
        known = known || strcmp(map->pairs[i].key, pair->key) == 0;
    }
    if (known) {
        return found_twice(row, pair, where);
    }
    if ((long long) map->count >= config_items_cap(row) || pair->key[0] == '\0') {
        return bad_text(row, where, pair->key);
    }
    status *failure = row->record ? config_record_check(row, pair) : NULL;
    if (failure) {
        return in_record(row, pair, where, failure);
    }
    if (row->accepts && !row->accepts(pair->value)) {
        return bad_text(row, where, pair->key);
    }
    config_pair copy = {strdup(pair->key), strdup(pair->value)};
    config_pair *grown =
        copy.key && copy.value ? realloc(map->pairs, (map->count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(copy.key);
        free(copy.value);
        return no_memory();
    }
    map->pairs = grown;
    map->pairs[map->count++] = copy;
    return NULL;
}

static status *put_text(const config_row *row, void *settings, const char *text, const char *where)
{
    const char *equals = strchr(text, '=');
    if (!equals || !utf8_valid(text, strlen(text))) {
        return bad_text(row, where, text);
    }
    AUTO_FREE char *key = strndup(text, (size_t) (equals - text));
    AUTO_FREE char *value = strdup(equals + 1);
    if (!key || !value) {
        return no_memory();
    }
    return config_value_put(row, settings, &(config_pair){key, value}, where);
}

status *config_value_add(const config_row *row, void *settings, const char *text, const char *where)
{
    if (row->type == CONFIG_MAP) {
        return put_text(row, settings, text, where);
    }
    config_list *list = field_of(row, settings);
    if (!text_is_allowed(row, text) || (row->accepts && !row->accepts(text)) ||
        (long long) list->count >= config_items_cap(row)) {
        return bad_text(row, where, text);
    }
    return config_list_append(list, text);
}

// The comma behind an item; NULL at the last one. The lists of a record have commas of their own.
static const char *next_comma(const config_row *row, const char *text)
{
    const char *comma = strchr(text, ',');
    while (comma && row->record && !config_record_starts(row, comma + 1)) {
        comma = strchr(comma + 1, ',');
    }
    return comma;
}

status *config_value_add_each(const config_row *row, void *settings, const char *text,
                              const char *where)
{
    while (text) {
        const char *comma = next_comma(row, text);
        AUTO_FREE char *item = comma ? strndup(text, (size_t) (comma - text)) : strdup(text);
        status *failure = item ? config_value_add(row, settings, item, where) : no_memory();
        if (failure) {
            return failure;
        }
        text = comma ? comma + 1 : NULL;
    }
    return NULL;
}

status *config_value_set(const config_row *row, void *settings, const char *text, const char *where)
{
    config_value_clear(row, settings);
    if (config_value_is_plural(row)) {
        return config_value_add_each(row, settings, text, where);
    }
    return store_single(row, field_of(row, settings), text) ? NULL : bad_text(row, where, text);
}
