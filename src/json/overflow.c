// overflow - what is wrong with a number that the parser can not hold, and where it stands.
#include "json/overflow.h"

#include "json/codec.h"
#include "json/position.h"

#include <stdbool.h>
#include <string.h>

// A way through the text, with the path of where it is.
typedef struct walk {
    const char *at;
    const char *end;
    bool at_name;  // the next string is a member's name
    size_t depth;
    arena *memory;
    path steps[JSON_MAX_DEPTH + 1];
} walk;

static bool is_in_number(char c)
{
    return c != '\0' && strchr("0123456789+-.eE", c) != NULL;
}

static const char *start_of_number(const char *text, size_t end)
{
    while (end > 0 && !is_in_number(text[end - 1])) {
        end--;
    }
    while (end > 0 && is_in_number(text[end - 1])) {
        end--;
    }
    return text + end;
}

static path *top(walk *w)
{
    return &w->steps[w->depth - 1];
}

static void step_in(walk *w, bool is_list)
{
    if (w->depth <= JSON_MAX_DEPTH) {
        w->steps[w->depth] = (path){.parent = w->depth > 0 ? top(w) : NULL,
                                    .step = is_list ? PATH_INDEX : PATH_FIELD,
                                    .name = ""};
        w->depth++;
    }
    w->at_name = !is_list;
}

static void step_on(walk *w)
{
    if (w->depth > 0 && top(w)->step == PATH_INDEX) {
        top(w)->index++;
    } else {
        w->at_name = true;
    }
}

static void take_string(walk *w)
{
    const char *first = ++w->at;
    while (w->at < w->end && *w->at != '"') {
        w->at += *w->at == '\\' ? 2 : 1;
    }
    if (w->at_name && w->depth > 0 && w->at <= w->end) {
        size_t size = (size_t) (w->at - first);
        char *name = arena_alloc(w->memory, size + 1);
        if (name != NULL) {
            memcpy(name, first, size);
            name[size] = '\0';
            top(w)->name = name;
        }
    }
    w->at_name = false;
}

static void walk_to(walk *w, const char *goal)
{
    for (; w->at < goal; w->at++) {
        switch (*w->at) {
        case '"':
            take_string(w);
            break;
        case '{':
        case '[':
            step_in(w, *w->at == '[');
            break;
        case '}':
        case ']':
            w->depth -= w->depth > 0;
            w->at_name = false;
            break;
        case ',':
            step_on(w);
            break;
        default:
            break;
        }
    }
}

status *overflow_fail(const char *text, size_t size, size_t end, arena *memory)
{
    const char *number = start_of_number(text, end < size ? end : size);
    walk *w = arena_zalloc(memory, sizeof *w);
    if (w == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the JSON needs more memory than allowed");
    }
    w->at = text;
    w->end = text + size;
    w->memory = memory;
    walk_to(w, number);
    char found[POSITION_LITERAL_SIZE];
    position_literal(number, text + size, found);
    position at = position_of(text, number);
    return path_fail(w->depth > 0 ? top(w) : NULL,
                     "expected a number of at most 1.8e308, found %s (line %zu, column %zu)", found,
                     at.line, at.column);
}
