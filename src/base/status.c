// status - building, extending and reading failures.
#define STATUS_DEFINED_HERE
#include "base/status.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// What every constructor falls back to: never freed, never extended.
static char no_memory_message[] = "out of memory";
static status no_memory = {
    .code = STATUS_RESOURCE_EXHAUSTED, .message = no_memory_message, .retry_delay_ms = -1};

static char *format_text(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static char *format_text(const char *format, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

// status_take builds a status around message, which it owns from here on; NULL: memory is short.
static status *status_take(status_code code, char *message)
{
    status *s = message ? malloc(sizeof *s) : NULL;
    if (!s) {
        free(message);
        return &no_memory;
    }
    *s = (status){.code = code, .message = message, .retry_delay_ms = -1};
    return s;
}

status *status_new_v(status_code code, const char *format, va_list args)
{
    return status_take(code, format_text(format, args));
}

status *status_new(status_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status *s = status_new_v(code, format, args);
    va_end(args);
    return s;
}

// status_push_violation copies field and owns description.
static bool status_push_violation(status *s, const char *field, char *description)
{
    if (s == &no_memory || !description) {
        free(description);
        return false;
    }
    char *name = strdup(field);
    status_violation *grown =
        name ? realloc(s->violations, (s->violation_count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(name);
        free(description);
        return false;
    }
    s->violations = grown;
    s->violations[s->violation_count++] = (status_violation){name, description};
    return true;
}

// status_field_failure owns description.
static status *status_field_failure(status_code code, const char *field, char *description)
{
    if (!description) {
        return &no_memory;
    }
    status *s = status_new(code, "%s: %s", field, description);
    (void) status_push_violation(s, field, description);
    return s;
}

status *status_bad_field(const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *description = format_text(format, args);
    va_end(args);
    return status_field_failure(STATUS_INVALID_ARGUMENT, field, description);
}

status *status_unsupported_field(const char *field)
{
    return status_field_failure(STATUS_UNIMPLEMENTED, field,
                                strdup("is not supported by this server"));
}

void status_add_violation(status *s, const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void) status_push_violation(s, field, format_text(format, args));
    va_end(args);
}

// The message of a failure over one field begins with its name.
static void prefix_message(status *s, const char *prefix)
{
    const char *field = s->violation_count > 0 ? s->violations[0].field : "";
    size_t size = strlen(field);
    char *longer = NULL;
    if (size > 0 && strncmp(s->message, field, size) == 0 && s->message[size] == ':' &&
        asprintf(&longer, "%s%s", prefix, s->message) >= 0) {
        free(s->message);
        s->message = longer;
    }
}

void status_prefix_fields(status *s, const char *prefix)
{
    prefix_message(s, prefix);
    for (size_t i = 0; i < s->violation_count; i++) {
        char *longer = NULL;
        if (asprintf(&longer, "%s%s", prefix, s->violations[i].field) < 0) {
            return;
        }
        free(s->violations[i].field);
        s->violations[i].field = longer;
    }
}

static status_code code_of_errno(int error)
{
    switch (error) {
    case ENOENT:
        return STATUS_NOT_FOUND;
    case EEXIST:
        return STATUS_ALREADY_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_PERMISSION_DENIED;
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
        return STATUS_RESOURCE_EXHAUSTED;
    case ETIMEDOUT:
        return STATUS_DEADLINE_EXCEEDED;
    case ECANCELED:
        return STATUS_CANCELLED;
    case EINVAL:
        return STATUS_INVALID_ARGUMENT;
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EAGAIN:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
        return STATUS_UNAVAILABLE;
    default:
        return STATUS_INTERNAL;
    }
}

status *status_errno(int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_FREE char *what = format_text(format, args);
    va_end(args);
    char text[128];
    return what ? status_new(code_of_errno(error), "%s: %s", what,
                             strerror_r(error, text, sizeof text))
                : &no_memory;
}

status *status_copy(const status *s)
{
    if (!s) {
        return NULL;
    }
    status *copy = status_take(s->code, strdup(s->message));
    if (copy == &no_memory) {
        return copy;
    }
    copy->retry_delay_ms = s->retry_delay_ms;
    for (size_t i = 0; i < s->violation_count; i++) {
        const status_violation *v = &s->violations[i];
        (void) status_push_violation(copy, v->field, strdup(v->description));
    }
    return copy;
}

void status_free(status *s)
{
    if (!s || s == &no_memory) {
        return;
    }
    for (size_t i = 0; i < s->violation_count; i++) {
        free(s->violations[i].field);
        free(s->violations[i].description);
    }
    free(s->violations);
    free(s->message);
    free(s);
}

status_code status_code_of(const status *s)
{
    return s ? s->code : STATUS_OK;
}

typedef struct code_row {
    const char *name;
    const char *text;
    int http;
} code_row;

// The row of UNKNOWN stands for every foreign number.
static const code_row *row_of(status_code code)
{
    static const code_row rows[] = {
#define X(number, name, http, text) [number] = {#name, text, http},
        STATUS_CODE_MAP(X)
#undef X
    };
    bool known = (unsigned) code < sizeof rows / sizeof rows[0];
    return &rows[known ? code : STATUS_UNKNOWN];
}

const char *status_code_name(status_code code)
{
    return row_of(code)->name;
}

const char *status_code_text(status_code code)
{
    return row_of(code)->text;
}

int status_code_http(status_code code)
{
    return row_of(code)->http;
}
