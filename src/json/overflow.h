// overflow - what is wrong with a number that the parser can not hold, and where it stands.
#ifndef ERRAND_JSON_OVERFLOW_H
#define ERRAND_JSON_OVERFLOW_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>

// overflow_fail names the number that ends at most a character before `end`, where the parser
// stopped: INVALID_ARGUMENT with its path as it is written, since no message is known yet. The text
// must be well formed up to there, and no deeper than JSON_MAX_DEPTH.
status *overflow_fail(const char *text, size_t size, size_t end, arena *memory)
    __attribute__((warn_unused_result));

#endif
