// resp - what Redis speaks: commands as lists of texts, answers as values.
#ifndef ERRAND_BENCH_RESP_H
#define ERRAND_BENCH_RESP_H

#include "base/buf.h"

#include <stddef.h>
#include <sys/types.h>

void resp_append_text(buf *out, const char *text, size_t size);

// resp_append_command begins a command: its words, and `more` texts that the caller appends.
void resp_append_command(buf *out, const char *const *words, size_t count, size_t more);

// resp_value_size is the size of the first value; 0: it is not whole yet; -1: it is an error.
ssize_t resp_value_size(const char *bytes, size_t size);

// resp_entry_ids appends the ids of the entries in a whole answer to XREADGROUP for one stream,
// each as a text of a command, and returns how many there are.
int resp_entry_ids(const char *bytes, size_t size, buf *ids);

#endif
