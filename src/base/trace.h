// trace - traceparent of W3C Trace Context.
#ifndef ERRAND_BASE_TRACE_H
#define ERRAND_BASE_TRACE_H

#include <stdbool.h>

#define TRACE_PARENT_SIZE 56  // with the NUL

// trace_parent_is_valid judges a traceparent; NULL: no.
bool trace_parent_is_valid(const char *value);

// trace_parent_child makes the traceparent of a call made within a valid one: the same trace and
// flags, a new parent id.
void trace_parent_child(const char *value, char ret[static TRACE_PARENT_SIZE]);

#endif
