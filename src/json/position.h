// position - where in a JSON text the value at a path stands; looked for only once something is
// wrong there.
#ifndef ERRAND_JSON_POSITION_H
#define ERRAND_JSON_POSITION_H

#include "json/path.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct position {
    size_t line;    // from 1
    size_t column;  // from 1, in characters
} position;

// position_read says which text this thread is reading; it has to be valid JSON. NULL: none.
void position_read(const char *text, size_t size);

// position_find finds the value at a path, for an unknown field its name. NULL: the whole document.
// False: no text is being read.
bool position_find(const path *where, position *ret);

// position_of is that of a place in a text.
position position_of(const char *text, const char *at);

// position_literal copies the number that begins at a place, as it is written, and says so when it
// is cut. position_find_literal does so for the value at a path; false: no number stands there.
#define POSITION_LITERAL_SIZE 48
void position_literal(const char *at, const char *end, char ret[static POSITION_LITERAL_SIZE]);
bool position_find_literal(const path *where, char ret[static POSITION_LITERAL_SIZE]);

#endif
