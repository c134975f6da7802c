// path - where in a message a value stands, told by proto names only once something is wrong there.
#include "json/path.h"

#include "base/buf.h"
#include "json/position.h"

#include <stdio.h>
#include <string.h>

#define MAX_SHOWN_NAME 64  // characters of a name that a stranger chose
#define MAX_PATH       1024
#define MAX_TEXT       512

// Appends at most MAX_SHOWN_NAME bytes of a name, cut between characters.
static void append_name(buf *out, const char *name)
{
    size_t size = strlen(name);
    if (size <= MAX_SHOWN_NAME) {
        buf_append(out, name, size);
        return;
    }
    size = MAX_SHOWN_NAME;
    while (size > 0 && ((unsigned char) name[size] & 0xc0) == 0x80) {
        size--;
    }
    buf_append(out, name, size);
    buf_append_text(out, "...");
}

static void append_step(buf *out, const path *where)
{
    switch (where->step) {
    case PATH_FIELD:
    case PATH_UNKNOWN:
        if (out->size > 0) {
            buf_append_char(out, '.');
        }
        append_name(out, where->name);
        break;
    case PATH_INDEX:
        buf_append_format(out, "[%zu]", where->index);
        break;
    case PATH_KEY:
        buf_append_char(out, '[');
        append_name(out, where->name);
        buf_append_char(out, ']');
        break;
    }
}

static void append_path(buf *out, const path *where)
{
    if (where != NULL && out->size < MAX_PATH) {
        append_path(out, where->parent);
        append_step(out, where);
    }
}

unsigned path_levels(const path *where)
{
    return where != NULL ? where->levels : 1;
}

static status *fail_with(const path *where, const char *text)
{
    if (where == NULL) {
        return status_new(STATUS_INVALID_ARGUMENT, "%s", text);
    }
    AUTO_BUF field;
    buf_init(&field, 0);
    append_path(&field, where);
    const char *name = buf_text(&field);
    return status_bad_field(name != NULL ? name : "", "%s", text);
}

status *path_fail(const path *where, const char *format, ...)
{
    char text[MAX_TEXT];
    position at;
    va_list args;
    va_start(args, format);
    int used = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (used >= 0 && (size_t) used < sizeof text && position_find(where, &at)) {
        (void) snprintf(text + used, sizeof text - (size_t) used, " (line %zu, column %zu)",
                        at.line, at.column);
    }
    return fail_with(where, text);
}
