// path - where in a message a value stands, told by proto names only once something is wrong there.
//
// Each step is a local of the function that took it, linked to the step before.
#ifndef ERRAND_JSON_PATH_H
#define ERRAND_JSON_PATH_H

#include "base/status.h"

#include <stddef.h>

// PATH_UNKNOWN is a field that there is not.
typedef enum path_step { PATH_FIELD, PATH_UNKNOWN, PATH_INDEX, PATH_KEY } path_step;

typedef struct path {
    const struct path *parent;  // NULL: the message itself
    path_step step;
    const char *name;  // of a field or a key
    size_t index;
    unsigned levels;  // messages in one another, from the last field down to here
} path;

// Of the messages around an element: a ListValue and its Value, or a Struct, its entry and the
// Value in there. Other lists and maps have less, and never as much as matters.
#define PATH_LIST_LEVELS 2
#define PATH_MAP_LEVELS  3

unsigned path_levels(const path *where);

// path_fail is an INVALID_ARGUMENT with one violation naming the field; without a violation for the
// message as a whole (NULL). Line and column are added when this thread is reading a text.
status *path_fail(const path *where, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

#endif
