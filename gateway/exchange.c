// exchange - one HTTP request and the reply that is being made for it.
#include "gateway/exchange.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KEPT_BUFFER ((size_t) 256 * 1024)  // a larger one is given back after the exchange

void exchange_init(exchange *x, size_t memory_cap)
{
    *x = (exchange){.memory_cap = memory_cap};
}

void exchange_fini(exchange *x)
{
    arena_free(x->memory);
    buf_fini(&x->body);
    buf_fini(&x->extra);
    buf_fini(&x->reply);
}

static void empty_buffer(buf *b)
{
    if (b->capacity > KEPT_BUFFER) {
        buf_fini(b);
    }
    buf_clear(b);
}

// Most threads never see a request, so that the memory comes with the first.
static bool empty_memory(exchange *x)
{
    if (x->memory != NULL && arena_is_shared(x->memory)) {
        arena_free(x->memory);  // a call that nobody waits for still reads it
        x->memory = NULL;
    }
    if (x->memory != NULL) {
        arena_reset(x->memory);
    } else {
        x->memory = arena_new(x->memory_cap);
    }
    return x->memory != NULL;
}

bool exchange_reset(exchange *x)
{
    empty_buffer(&x->body);
    empty_buffer(&x->extra);
    empty_buffer(&x->reply);
    x->field_count = 0;
    x->method = x->path = x->remote = x->request_id = NULL;
    x->start_us = clock_mono_us(clock_system());
    x->route = (exchange_route){0};
    x->content_length = 0;
    x->http_status = 200;
    x->content_type = "application/json";
    x->cache_control = "no-store";
    x->assume_gzip = false;
    x->write_failure = NULL;
    x->close = false;
    x->streaming = false;
    return empty_memory(x);
}

const char *exchange_field(const exchange *x, const char *name)
{
    for (size_t i = 0; i < x->field_count; i++) {
        if (strcasecmp(x->fields[i].name, name) == 0) {
            return x->fields[i].value;
        }
    }
    return NULL;
}

// The first one alone when memory is short.
static const char *join(arena *memory, const char *list, const char *more)
{
    size_t size = strlen(list) + strlen(more) + sizeof ", ";
    char *joined = memory != NULL ? arena_alloc(memory, size) : NULL;
    if (joined == NULL) {
        return list;
    }
    (void) snprintf(joined, size, "%s, %s", list, more);
    return joined;
}

const char *exchange_list(const exchange *x, const char *name)
{
    const char *list = NULL;
    for (size_t i = 0; i < x->field_count; i++) {
        if (strcasecmp(x->fields[i].name, name) == 0) {
            const char *value = x->fields[i].value;
            list = list == NULL ? value : join(x->memory, list, value);
        }
    }
    return list;
}

size_t exchange_count_fields(const exchange *x, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < x->field_count; i++) {
        count += strcasecmp(x->fields[i].name, name) == 0;
    }
    return count;
}

bool exchange_is_method(const exchange *x, const char *method)
{
    const char *own = strcmp(x->method, "HEAD") == 0 ? "GET" : x->method;
    return strcmp(own, method) == 0;
}

bool exchange_has_body(const exchange *x)
{
    return x->content_length != 0;
}

void exchange_add_header(exchange *x, const char *name, const char *value)
{
    buf_append_text(&x->extra, name);
    buf_append(&x->extra, ": ", 2);
    buf_append_text(&x->extra, value);
    buf_append(&x->extra, "\r\n", 2);
}

const char *exchange_phrase(int http_status)
{
    static const struct {
        int http_status;
        const char *phrase;
    } table[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].http_status == http_status) {
            return table[i].phrase;
        }
    }
    return http_status < 500 ? "Error" : "Server Error";
}
