// exec_progress - the lines that a command writes to tell how far it is.
//
// `DONE TOTAL MESSAGE`, such as `3 10 third page`: TOTAL and MESSAGE may be missing. Or JSON, such
// as `{"done": 3, "total": 10, "message": "third page"}`. Anything else is passed over.
#ifndef ERRAND_WORKER_EXEC_PROGRESS_H
#define ERRAND_WORKER_EXEC_PROGRESS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXEC_PROGRESS_LINE 1024  // bytes of a line; longer ones are passed over

typedef struct exec_progress {
    char line[EXEC_PROGRESS_LINE];
    size_t size;
    bool too_long;
} exec_progress;

typedef struct exec_progress_said {
    int64_t done, total;
    const char *message;  // in the line, or in the arena
} exec_progress_said;

// exec_progress_take reads on; true when *ret_said holds the latest good line of these bytes. What
// it points to lives until the next call, or in memory.
bool exec_progress_take(exec_progress *p, const char *bytes, size_t size, arena *memory,
                        exec_progress_said *ret_said);

#endif
