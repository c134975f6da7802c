// position - where in a JSON text the value at a path stands.
//
// The parser has taken the text already, so that it is known to be well formed; every move stops at
// the end all the same.
#include "json/position.h"

#include "json/names.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MAX_PLAIN   128  // no name of a field is longer
#define MAX_LITERAL 40

static _Thread_local struct {
    const char *start;  // NULL: none
    const char *end;
} text;

void position_read(const char *start, size_t size)
{
    text.start = start;
    text.end = start != NULL ? start + size : NULL;
}

static const char *skip_spaces(const char *at)
{
    while (at < text.end && strchr(" \t\r\n", *at) != NULL && *at != '\0') {
        at++;
    }
    return at;
}

static const char *skip_string(const char *at)
{
    for (at++; at < text.end && *at != '"'; at++) {
        at += *at == '\\' && at + 1 < text.end;
    }
    return at < text.end ? at + 1 : at;
}

// To the end of a value: of a string, of all that brackets hold, or of a word.
static const char *skip_value(const char *at)
{
    size_t depth = 0;
    const char *first = at;
    while (at < text.end) {
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if ((*at == '}' || *at == ']') && depth > 0) {
            depth--;
            at++;
        } else if (depth == 0 && strchr(",:]} \t\r\n", *at) != NULL) {
            return at;
        } else {
            at++;
        }
        if (depth == 0 && (*first == '"' || *first == '{' || *first == '[')) {
            return at;
        }
    }
    return at;
}

static bool is_name(const path *step, const char *name)
{
    return strcmp(name, step->name) == 0 ||
           (step->step == PATH_FIELD && names_is_camel(name, step->name));
}

// Whether the string at `key` is the name of the step.
static bool is_step(const path *step, const char *key, size_t size)
{
    char name[MAX_PLAIN];
    if (memchr(key, '\\', size) == NULL) {
        size_t length = size - 2;  // without the quotes
        if (length != strlen(step->name) && length >= sizeof name) {
            return false;
        }
        if (length >= sizeof name) {
            return memcmp(key + 1, step->name, length) == 0;
        }
        memcpy(name, key + 1, length);
        name[length] = '\0';
        return is_name(step, name);
    }
    json_t *parsed = json_loadb(key, size, JSON_DECODE_ANY, NULL);
    bool same = json_is_string(parsed) && is_name(step, json_string_value(parsed));
    json_decref(parsed);
    return same;
}

static const char *find_member(const path *step, const char *at)
{
    at = skip_spaces(at + 1);
    while (at < text.end && *at == '"') {
        const char *key = at;
        at = skip_string(at);
        bool same = is_step(step, key, (size_t) (at - key));
        if (same && step->step == PATH_UNKNOWN) {
            return key;
        }
        at = skip_spaces(skip_spaces(at) + 1);  // over the colon
        if (same || at >= text.end) {
            return at;
        }
        at = skip_spaces(skip_value(at));
        at = at < text.end ? skip_spaces(at + 1) : at;  // over the comma
    }
    return at;
}

static const char *find_element(const path *step, const char *at)
{
    at = skip_spaces(at + 1);
    for (size_t i = 0; i < step->index && at < text.end; i++) {
        at = skip_spaces(skip_value(at));
        at = at < text.end ? skip_spaces(at + 1) : at;
    }
    return at;
}

static const char *find(const path *where)
{
    if (where == NULL) {
        return skip_spaces(text.start);
    }
    const char *at = find(where->parent);
    if (at >= text.end) {
        return at;
    }
    if (where->step == PATH_INDEX) {
        return *at == '[' ? find_element(where, at) : at;
    }
    return *at == '{' ? find_member(where, at) : at;
}

position position_of(const char *start, const char *found)
{
    position p = {1, 1};
    for (const char *at = start; at < found; at++) {
        if (*at == '\n') {
            p.line++;
            p.column = 1;
        } else if (((unsigned char) *at & 0xc0) != 0x80) {
            p.column++;
        }
    }
    return p;
}

bool position_find(const path *where, position *ret)
{
    if (text.start == NULL) {
        return false;
    }
    *ret = position_of(text.start, find(where));
    return true;
}

void position_literal(const char *at, const char *end, char ret[static POSITION_LITERAL_SIZE])
{
    size_t size = 0, room = (size_t) (end - at);
    while (size < room && at[size] != '\0' && strchr("0123456789+-.eE", at[size]) != NULL) {
        size++;
    }
    bool cut = size > MAX_LITERAL;
    (void) snprintf(ret, POSITION_LITERAL_SIZE, "%.*s%s", (int) (cut ? MAX_LITERAL : size), at,
                    cut ? "..." : "");
}

bool position_find_literal(const path *where, char ret[static POSITION_LITERAL_SIZE])
{
    const char *at = text.start != NULL ? find(where) : NULL;
    if (at == NULL || at >= text.end || (*at != '-' && (*at < '0' || *at > '9'))) {
        return false;
    }
    position_literal(at, text.end, ret);
    return true;
}
