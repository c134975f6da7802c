// decode_parse - JSON text to a jansson tree that lives in an arena.
//
// jansson's traps: it recurses up to 2,048 deep, so we count first; integers beyond 64 bits are an
// error to it, though a double may hold them, so such a text is read again with all numbers as
// doubles; it would take the last of duplicate keys.
#include "json/decode.h"

#include "base/utf8.h"
#include "json/codec.h"
#include "json/overflow.h"
#include "json/position.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_SHOWN_TEXT 40

static _Thread_local arena *thread_arena;
static _Thread_local bool thread_arena_full;

static void *allocate(size_t size)
{
    if (thread_arena == NULL) {
        return malloc(size);
    }
    void *memory = arena_alloc(thread_arena, size);
    thread_arena_full |= memory == NULL;
    return memory;
}

static void release(void *memory)
{
    if (thread_arena == NULL) {
        free(memory);
    }
}

static void install_allocator(void)
{
    json_set_alloc_funcs(allocate, release);
}

void decode_use_arena(arena *memory)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, install_allocator);
    thread_arena = memory;
    thread_arena_full = false;
    position_read(NULL, 0);
}

status *decode_no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "the JSON needs more memory than allowed");
}

static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
    }
    return at;
}

static bool is_too_deep(const char *text, size_t size)
{
    const char *end = text + size;
    size_t depth = 0;
    for (const char *at = text; at < end; at++) {
        if (*at == '"') {
            at = skip_string(at, end);
        } else if (*at == '{' || *at == '[') {
            if (++depth > JSON_MAX_DEPTH) {
                return true;
            }
        } else if ((*at == '}' || *at == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

static status *parse_failure(const json_error_t *error, const char *start, size_t size,
                             arena *memory)
{
    enum json_error_code code = json_error_code(error);
    if (thread_arena_full || code == json_error_out_of_memory) {
        return decode_no_memory();
    }
    if (code == json_error_null_character || code == json_error_null_byte_in_key) {
        return status_new(STATUS_INVALID_ARGUMENT, "line %d, column %d: a string can not hold NUL",
                          error->line, error->column);
    }
    if (code == json_error_numeric_overflow) {
        return overflow_fail(start, size, (size_t) error->position, memory);
    }
    return status_new(STATUS_INVALID_ARGUMENT, "not valid JSON: line %d, column %d: %.*s",
                      error->line, error->column,
                      (int) utf8_valid_size(error->text, strlen(error->text)), error->text);
}

static json_t *parse_once(const char *text, size_t size, size_t flags, json_error_t *error)
{
    flags |= JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    return json_loadb(text, size, flags, error);
}

status *decode_parse(const char *text, size_t size, arena *memory, json_t **ret)
{
    if (size == 0) {
        return status_new(STATUS_INVALID_ARGUMENT, "not valid JSON: found nothing");
    }
    if (is_too_deep(text, size)) {
        return status_new(STATUS_INVALID_ARGUMENT, "the JSON is nested deeper than %d levels",
                          JSON_MAX_DEPTH);
    }
    decode_use_arena(memory);
    // The parser overlooks a NUL that stands right behind a number or a word.
    const char *nul = memchr(text, '\0', size);
    if (nul != NULL) {
        position at = position_of(text, nul);
        return status_new(STATUS_INVALID_ARGUMENT, "not valid JSON: line %zu, column %zu: NUL",
                          at.line, at.column);
    }
    json_error_t error;
    json_t *tree = parse_once(text, size, 0, &error);
    if (tree == NULL && json_error_code(&error) == json_error_numeric_overflow) {
        tree = parse_once(text, size, JSON_DECODE_INT_AS_REAL, &error);
    }
    if (tree == NULL) {
        return parse_failure(&error, text, size, memory);
    }
    position_read(text, size);
    *ret = tree;
    return NULL;
}

static void describe_string(const json_t *value, char *text, size_t size)
{
    const char *string = json_string_value(value);
    size_t length = json_string_length(value);
    bool cut = length > MAX_SHOWN_TEXT;
    size_t shown = utf8_valid_size(string, cut ? MAX_SHOWN_TEXT : length);
    (void) snprintf(text, size, "\"%.*s%s\"", (int) shown, string, cut ? "..." : "");
}

static void describe(const json_t *value, char *text, size_t size)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        (void) snprintf(text, size, "an object");
        break;
    case JSON_ARRAY:
        (void) snprintf(text, size, "a list");
        break;
    case JSON_STRING:
        describe_string(value, text, size);
        break;
    case JSON_INTEGER:
        (void) snprintf(text, size, "%lld", (long long) json_integer_value(value));
        break;
    case JSON_REAL:
        (void) snprintf(text, size, "%.17g", json_real_value(value));
        break;
    case JSON_TRUE:
        (void) snprintf(text, size, "true");
        break;
    case JSON_FALSE:
        (void) snprintf(text, size, "false");
        break;
    case JSON_NULL:
        (void) snprintf(text, size, "null");
        break;
    }
}

status *decode_fail(const path *where, const json_t *found, const char *expected)
{
    char text[MAX_SHOWN_TEXT + 32];
    // A number is shown as it is written: read as a double, it may have lost its last digits.
    if (!json_is_number(found) || !position_find_literal(where, text)) {
        describe(found, text, sizeof text);
    }
    return path_fail(where, "expected %s, found %s", expected, text);
}
