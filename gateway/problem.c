// problem - failures as application/problem+json (RFC 9457).
#include "gateway/problem.h"

#include "json/codec.h"

#include <stdio.h>

#define MAX_TEXT       256
#define UNAVAILABLE_MS 1000

static void append_violations(buf *out, const status *failure)
{
    buf_append_text(out, ",\"violations\":[");
    for (size_t i = 0; i < failure->violation_count; i++) {
        buf_append_text(out, i == 0 ? "{\"field\":" : ",{\"field\":");
        json_append_string(out, failure->violations[i].field);
        buf_append_text(out, ",\"description\":");
        json_append_string(out, failure->violations[i].description);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

static void append_problem(buf *out, int http_status, const status *failure)
{
    buf_append_text(out, "{\"type\":\"about:blank\",\"title\":");
    json_append_string(out, exchange_phrase(http_status));
    buf_append_format(out, ",\"status\":%d,\"detail\":", http_status);
    json_append_string(out, failure->message);
    buf_append_format(out, ",\"code\":\"%s\"", status_code_name(failure->code));
    if (failure->violation_count > 0) {
        append_violations(out, failure);
    }
    buf_append_char(out, '}');
}

static void add_retry_after(exchange *x, int64_t delay_ms)
{
    char seconds[24];
    (void) snprintf(seconds, sizeof seconds, "%lld", (long long) (delay_ms + 999) / 1000);
    exchange_add_header(x, "Retry-After", seconds);
}

int64_t problem_retry_delay_ms(const status *failure)
{
    if (failure->retry_delay_ms < 0 && failure->code == STATUS_UNAVAILABLE) {
        return UNAVAILABLE_MS;
    }
    return failure->retry_delay_ms;
}

void problem_add_hints(exchange *x, const status *failure)
{
    int64_t delay_ms = problem_retry_delay_ms(failure);
    if (delay_ms >= 0) {
        add_retry_after(x, delay_ms);
    }
    if (x->http_status == 401) {
        exchange_add_header(x, "WWW-Authenticate", "Bearer");
        x->close = true;  // civetweb closes after a 401 whatever we say
    }
}

void problem_write(exchange *x, int http_status, const status *failure)
{
    if (x->write_failure != NULL) {
        x->write_failure(x, http_status, failure);
        return;
    }
    x->http_status = http_status != 0 ? http_status : status_code_http(failure->code);
    x->content_type = "application/problem+json";
    buf_clear(&x->reply);
    append_problem(&x->reply, x->http_status, failure);
    problem_add_hints(x, failure);
}

// The code that comes nearest to an HTTP status of the gateway's own.
static status_code code_of(int http_status)
{
    switch (http_status) {
    case 403:
        return STATUS_PERMISSION_DENIED;
    case 404:
        return STATUS_NOT_FOUND;
    case 405:
    case 501:
    case 505:
        return STATUS_UNIMPLEMENTED;
    case 408:
        return STATUS_DEADLINE_EXCEEDED;
    case 413:
    case 414:
    case 431:
        return STATUS_RESOURCE_EXHAUSTED;
    case 500:
        return STATUS_INTERNAL;
    case 503:
        return STATUS_UNAVAILABLE;
    default:
        return STATUS_INVALID_ARGUMENT;
    }
}

bool problem_refuse(exchange *x, int http_status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO(status) failure = status_new_v(code_of(http_status), format, args);
    va_end(args);
    problem_write(x, http_status, failure);
    return false;
}

bool problem_refuse_field(exchange *x, const char *field, const char *format, ...)
{
    char text[MAX_TEXT];
    va_list args;
    va_start(args, format);
    (void) vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return problem_take(x, status_bad_field(field, "%s", text));
}

bool problem_take(exchange *x, status *failure)
{
    problem_write(x, 0, failure);
    status_free(failure);
    return false;
}
