// text - bytes from strangers as text that may go into a message: valid UTF-8, no control
// characters.
#ifndef ERRAND_CLIENTS_C_WORKER_TEXT_H
#define ERRAND_CLIENTS_C_WORKER_TEXT_H

#include "base/arena.h"

#include <stddef.h>

// text_clean writes as much as fits and a NUL; what is no text becomes '?', control characters ' '.
void text_clean(char *ret, size_t ret_size, const void *bytes, size_t size);

// text_from_header copies a value that is UTF-8; another is read as ISO 8859-1. NULL when
// memory is short.
char *text_from_header(const char *value, arena *memory);

#endif
