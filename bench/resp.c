// resp - numbers in lines, texts with their sizes in front.
#include "bench/resp.h"

#include <stdlib.h>
#include <string.h>

void resp_append_text(buf *out, const char *text, size_t size)
{
    buf_append_format(out, "$%zu\r\n", size);
    buf_append(out, text, size);
    buf_append_text(out, "\r\n");
}

void resp_append_command(buf *out, const char *const *words, size_t count, size_t more)
{
    buf_append_format(out, "*%zu\r\n", count + more);
    for (size_t i = 0; i < count; i++)
        resp_append_text(out, words[i], strlen(words[i]));
}

static size_t line_size(const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);
    return end ? (size_t) (end - bytes) + 1 : 0;
}

static ssize_t list_size(const char *bytes, size_t size, long count, size_t at)
{
    for (; count > 0; count--) {
        // Lists are nested four deep at most.
        // NOLINTNEXTLINE(misc-no-recursion)
        ssize_t n = at < size ? resp_value_size(bytes + at, size - at) : 0;
        if (n <= 0)
            return n;
        at += (size_t) n;
    }
    return (ssize_t) at;
}

ssize_t resp_value_size(const char *bytes, size_t size)
{
    size_t line = line_size(bytes, size);
    if (line == 0)
        return 0;
    long number = strtol(bytes + 1, NULL, 10);
    switch (bytes[0]) {
    case '+':
    case ':':
        return (ssize_t) line;
    case '$':
        if (number < 0)
            return (ssize_t) line;
        return size < line + (size_t) number + 2 ? 0 : (ssize_t) line + number + 2;
    case '*':
        return list_size(bytes, size, number, line);
    default:
        return -1;
    }
}

// What is left of an answer that is known to be whole.
typedef struct cursor {
    const char *bytes;
    size_t size;
} cursor;

static void skip(cursor *c, size_t size)
{
    c->bytes += size;
    c->size -= size;
}

static long enter_list(cursor *c)
{
    long count = strtol(c->bytes + 1, NULL, 10);
    skip(c, line_size(c->bytes, c->size));
    return count;
}

static void skip_value(cursor *c)
{
    ssize_t size = resp_value_size(c->bytes, c->size);
    skip(c, size > 0 ? (size_t) size : 0);
}

int resp_entry_ids(const char *bytes, size_t size, buf *ids)
{
    cursor c = {bytes, size};
    if (enter_list(&c) < 1)  // no stream has anything
        return 0;
    enter_list(&c);
    skip_value(&c);  // its name
    long count = enter_list(&c);
    for (long i = 0; i < count; i++) {
        enter_list(&c);
        const char *id = c.bytes;
        skip_value(&c);
        buf_append(ids, id, (size_t) (c.bytes - id));
        skip_value(&c);
    }
    return (int) count;
}
