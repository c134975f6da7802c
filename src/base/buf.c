// buf - a growing byte buffer.
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64 };

void buf_init(buf *b, size_t cap)
{
    *b = (buf){.cap = cap};
}

void buf_fini(buf *b)
{
    free(b->bytes);
    buf_init(b, b->cap);
}

void buf_clear(buf *b)
{
    b->size = 0;
    b->failed = false;
}

static bool buf_fail(buf *b)
{
    b->failed = true;
    return false;
}

// buf_grow makes the capacity at least needed, doubling so that appending stays linear in all.
static bool buf_grow(buf *b, size_t needed)
{
    size_t capacity = b->capacity < SMALLEST ? SMALLEST : b->capacity;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    uint8_t *bytes = realloc(b->bytes, capacity);
    if (!bytes) {
        return buf_fail(b);
    }
    b->bytes = bytes;
    b->capacity = capacity;
    return true;
}

bool buf_reserve(buf *b, size_t more)
{
    if (b->failed) {
        return false;
    }
    size_t limit = b->cap ? b->cap : SIZE_MAX / 2;
    if (b->size > limit || more > limit - b->size) {
        return buf_fail(b);
    }
    size_t needed = b->size + more;
    return needed <= b->capacity || buf_grow(b, needed);
}

// What buf_reserve finds nearly always: room is there, and needs no look at the cap.
static inline bool buf_has_room(const buf *b, size_t more)
{
    return more <= b->capacity - b->size && b->cap == 0 && !b->failed;
}

bool buf_append(buf *b, const void *bytes, size_t size)
{
    if (!buf_has_room(b, size) && !buf_reserve(b, size)) {
        return false;
    }
    if (size > 0) {
        memcpy(b->bytes + b->size, bytes, size);
        b->size += size;
    }
    return true;
}

bool buf_append_text(buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

bool buf_append_char(buf *b, char c)
{
    if (!buf_has_room(b, 1) && !buf_reserve(b, 1)) {
        return false;
    }
    b->bytes[b->size++] = (uint8_t) c;
    return true;
}

bool buf_append_int(buf *b, int64_t value)
{
    char digits[20];
    char *at = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
    do {
        *--at = (char) ('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        *--at = '-';
    }
    return buf_append(b, at, (size_t) (digits + sizeof digits - at));
}

// buf_room_for_nul makes room for one byte behind the contents; it does not count for the cap.
static bool buf_room_for_nul(buf *b)
{
    return b->size < b->capacity || buf_grow(b, b->size + 1);
}

static bool buf_append_format_v(buf *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static bool buf_append_format_v(buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    bool ok = size >= 0 && buf_reserve(b, (size_t) size);
    if (ok) {
        b->size += (size_t) size;
        ok = buf_room_for_nul(b);
        b->size -= (size_t) size;
    }
    if (ok && vsnprintf((char *) b->bytes + b->size, (size_t) size + 1, format, again) == size) {
        b->size += (size_t) size;
    } else {
        ok = buf_fail(b);
    }
    va_end(again);
    return ok;
}

bool buf_append_format(buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool ok = buf_append_format_v(b, format, args);
    va_end(args);
    return ok;
}

char *buf_text(buf *b)
{
    if (b->failed || !buf_room_for_nul(b)) {
        return NULL;
    }
    b->bytes[b->size] = '\0';
    return (char *) b->bytes;
}

slice buf_slice(const buf *b)
{
    return (slice){b->bytes, b->size};
}
