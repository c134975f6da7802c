// buf - a growing byte buffer, and slices of bytes owned by somebody else.
#ifndef ERRAND_BASE_BUF_H
#define ERRAND_BASE_BUF_H

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct slice {
    const uint8_t *bytes;
    size_t size;
} slice;

// A zeroed buf is an empty one. After a failed append (out of memory, or beyond cap) `failed` is
// set and further appends do nothing, so that one check at the end is enough.
typedef struct buf {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    size_t cap;  // largest size allowed; 0: no cap
    bool failed;
} buf;

void buf_init(buf *b, size_t cap);
void buf_fini(buf *b);
void buf_clear(buf *b);                 // empties it, keeps the memory
bool buf_reserve(buf *b, size_t more);  // room for more bytes behind size
bool buf_append(buf *b, const void *bytes, size_t size);
bool buf_append_text(buf *b, const char *text);
bool buf_append_char(buf *b, char c);
bool buf_append_int(buf *b, int64_t value);  // in decimal; far cheaper than a format
bool buf_append_format(buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *buf_text(buf *b);  // NUL-terminated contents, borrowed; NULL when failed
slice buf_slice(const buf *b);

#define AUTO_BUF __attribute__((cleanup(buf_fini))) buf

#endif
