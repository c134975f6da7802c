// exec_output - what is kept of the output of a command: its beginning, or its end.
#ifndef ERRAND_WORKER_EXEC_OUTPUT_H
#define ERRAND_WORKER_EXEC_OUTPUT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct exec_output {
    buf kept;
    size_t cap;
    bool keep_end;  // of what is more than cap, the last bytes stay; otherwise the first
    int64_t omitted_bytes;
} exec_output;

void exec_output_init(exec_output *o, size_t cap, bool keep_end);
void exec_output_fini(exec_output *o);

// exec_output_take is false when memory is short.
bool exec_output_take(exec_output *o, const void *bytes, size_t size);

// exec_output_most is what it may hold after as many bytes more.
size_t exec_output_most(const exec_output *o, size_t more);

// exec_output_text is what is kept; borrowed.
slice exec_output_text(exec_output *o);

#endif
