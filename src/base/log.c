// log - builds one line on the stack and writes it at once.
//
// A line is never longer than the buffer: long values are cut, and a field that no longer fits is
// left out whole, so that JSON stays JSON.
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_CAP = 8192, VALUE_CAP = 1024 };

static _Atomic log_level current_level = LOG_LEVEL_INFO;
static _Atomic log_format current_format = LOG_FORMAT_TEXT;

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

void log_setup(log_level level, log_format format)
{
    atomic_store(&current_level, level);
    atomic_store(&current_format, format);
}

bool log_enabled(log_level level)
{
    return level >= atomic_load_explicit(&current_level, memory_order_relaxed);
}

bool log_level_parse(const char *name, log_level *ret)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (log_level) i;
            return true;
        }
    }
    return false;
}

static void append_time(buf *line, int64_t wall_us)
{
    time_t seconds = (time_t) (wall_us / 1000000);
    struct tm utc = {0};
    char date[32] = "";
    if (gmtime_r(&seconds, &utc)) {
        (void) strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    buf_append_format(line, "%s.%06dZ", date, (int) (wall_us % 1000000));
}

static void append_escaped_byte(buf *line, uint8_t byte, bool json)
{
    if (byte == '"' || byte == '\\') {
        buf_append_format(line, "\\%c", byte);
    } else if (byte == '\n') {
        buf_append_text(line, "\\n");
    } else if (byte >= 0x80) {  // not UTF-8
        if (json) {
            buf_append_text(line, "\\ufffd");
        } else {
            buf_append_format(line, "\\x%02x", byte);
        }
    } else if (byte < 0x20 || byte == 0x7f) {
        buf_append_format(line, json ? "\\u%04x" : "\\x%02x", byte);
    } else {
        buf_append_char(line, (char) byte);
    }
}

static void append_quoted(buf *line, const char *text, bool json)
{
    size_t size = strnlen(text, VALUE_CAP + 1);
    bool cut = size > VALUE_CAP;
    const uint8_t *at = (const uint8_t *) text;
    const uint8_t *end = at + (cut ? VALUE_CAP : size);
    buf_append_char(line, '"');
    while (at < end) {
        size_t step = utf8_char_size(at, (size_t) (end - at));
        if (step > 1) {
            buf_append(line, at, step);
            at += step;
        } else {
            append_escaped_byte(line, *at++, json);
        }
    }
    buf_append_text(line, cut ? "...\"" : "\"");
}

static bool needs_quotes(const char *text)
{
    size_t size = strnlen(text, VALUE_CAP + 1);
    if (size == 0 || size > VALUE_CAP || !utf8_valid(text, size)) {
        return true;
    }
    for (size_t i = 0; i < size; i++) {
        if ((uint8_t) text[i] <= ' ' || strchr("\"\\=\x7f", text[i])) {
            return true;
        }
    }
    return false;
}

static void append_string(buf *line, const char *text, bool json)
{
    if (!text) {
        buf_append_text(line, "null");
    } else if (json || needs_quotes(text)) {
        append_quoted(line, text, json);
    } else {
        buf_append_text(line, text);
    }
}

static void append_status(buf *line, const status *failure, bool json)
{
    char text[VALUE_CAP + 64];
    int size = snprintf(text, sizeof text, "%s: %s", status_code_name(status_code_of(failure)),
                        failure ? failure->message : status_code_text(STATUS_OK));
    append_string(line, size < 0 ? NULL : text, json);
}

static void append_value(buf *line, const log_field *field, bool json)
{
    switch (field->type) {
    case LOG_FIELD_STR:
        append_string(line, field->str, json);
        break;
    case LOG_FIELD_INT:
        buf_append_format(line, "%lld", (long long) field->integer);
        break;
    case LOG_FIELD_STATUS:
        append_status(line, field->failure, json);
        break;
    }
}

static void append_field(buf *line, const log_field *field, bool json)
{
    size_t before = line->size;
    if (json) {
        buf_append_text(line, ",");
        append_quoted(line, field->key, json);
        buf_append_text(line, ":");
    } else {
        buf_append_format(line, " %s=", field->key);
    }
    append_value(line, field, json);
    if (line->failed) {
        line->size = before;
        line->failed = false;
    }
}

static void append_head(buf *line, log_level level, const char *event, bool json)
{
    buf_append_text(line, json ? "{\"time\":\"" : "");
    append_time(line, clock_wall_us(clock_system()));
    buf_append_format(line, json ? "\",\"level\":\"%s\",\"event\":" : " %s ", level_names[level]);
    append_string(line, event, json);
}

// write_whole gives up on an error: there is no better place to tell about it.
static void write_whole(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(STDERR_FILENO, bytes, size);
        if (done < 0 && errno != EINTR) {
            return;
        }
        if (done > 0) {
            bytes += done;
            size -= (size_t) done;
        }
    }
}

void log_write(log_level level, const char *event, const log_field *fields, size_t count)
{
    if (!log_enabled(level)) {
        return;
    }
    bool json = atomic_load(&current_format) == LOG_FORMAT_JSON;
    uint8_t memory[LINE_CAP + 4];  // the end of the line always fits
    buf line = {.bytes = memory, .capacity = sizeof memory, .cap = LINE_CAP};
    append_head(&line, level, event, json);
    for (size_t i = 0; i < count; i++) {
        append_field(&line, &fields[i], json);
    }
    line.cap = sizeof memory;
    buf_append_text(&line, json ? "}\n" : "\n");
    write_whole(line.bytes, line.size);
}
