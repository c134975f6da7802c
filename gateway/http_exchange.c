// http_exchange - one request of civetweb as an exchange, and the reply back.
#include "gateway/http_internal.h"

#include "base/clock.h"
#include "gateway/access.h"
#include "gateway/encoding.h"
#include "gateway/framing.h"
#include "gateway/problem.h"

#include <civetweb.h>
#include <stdio.h>
#include <string.h>

#define READ_STEP        65536
#define LARGE_BODY       65536                 // from here on bodies count against the common cap
#define MAX_LARGE_BODIES ((size_t) 256 << 20)  // bytes of them in all
#define LINGER_US        5000000
#define LINGER_END_US    200000  // when all are leaving
#define MAX_LINGER       ((size_t) 64 << 20)
#define ONE_WRITE        65536  // a reply up to this size goes out in one write
#define FREE_WRITE       4096   // as much fits in the system's buffer
#define SLOWEST_READER   16384  // bytes a second, besides the time of a request

// ---- the request ----

// "Name : value" is no header field to others. civetweb overwrites with NULs whatever stands
// between the name and the value up to the colon, in the same buffer: more than one tells.
static bool is_name_spaced(const struct mg_header *field)
{
    const char *gap = field->name + strlen(field->name) + 1;
    return field->value > gap && memchr(gap, '\0', (size_t) (field->value - gap)) != NULL;
}

// civetweb takes a folded line, one that starts with a space, for the end of the header: fields
// behind it, such as a length, are not seen. Only an empty line ends it.
static bool is_cut_short(const struct mg_request_info *info)
{
    if (info->num_headers == 0 || info->num_headers >= EXCHANGE_MAX_FIELDS) {
        return false;
    }
    const char *at = info->http_headers[info->num_headers - 1].value;
    at += strlen(at);
    while (*at == '\0') {
        at++;  // where the line ended
    }
    return *at != '\r' && *at != '\n';
}

// Blanks behind a value are none of it (RFC 9110, section 5.5); civetweb takes off those before it.
static const char *without_blanks(const exchange *x, const char *value)
{
    size_t size = strlen(value);
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t')) {
        size--;
    }
    if (value[size] == '\0' || x->memory == NULL) {
        return value;
    }
    char *copy = arena_copy(x->memory, value, size + 1);
    if (copy == NULL) {
        return value;
    }
    copy[size] = '\0';
    return copy;
}

static bool take_request(http_thread *t, const struct mg_request_info *info)
{
    exchange *x = &t->x;
    x->remote = info->remote_addr;
    t->remote_port = info->remote_port;
    x->method = info->request_method;
    x->path = info->local_uri_raw;
    x->query = info->query_string;
    x->is_http_1_0 = strcmp(info->http_version, "1.0") == 0;
    if (is_cut_short(info)) {
        x->close = true;
        return problem_refuse(x, 400, "a header field is folded");
    }
    for (int i = 0; i < info->num_headers; i++) {
        if (is_name_spaced(&info->http_headers[i])) {
            x->close = true;
            return problem_refuse(x, 400, "a header field is malformed");
        }
        x->fields[x->field_count++] = (http_field){info->http_headers[i].name,
                                                   without_blanks(x, info->http_headers[i].value)};
    }
    if (x->path == NULL || *x->path != '/') {
        x->close = true;
        return problem_refuse(x, 400, "the request target must be a path");
    }
    return true;
}

// ---- its body ----

static bool lost_body(http_thread *t)
{
    exchange *x = &t->x;
    x->close = true;
    t->body_read = true;  // there is no more to come
    if (watch_was_late(t->place)) {
        return problem_refuse(x, 408, "the request did not arrive in time");
    }
    return problem_refuse(x, 400, "the body ended early or is badly chunked");
}

static bool too_large(http_thread *t)
{
    t->x.close = true;
    return problem_refuse(&t->x, 413, "the body is larger than %zu bytes", t->x.max_body_bytes);
}

// Large bodies of all requests together are capped; small ones do not count.
static bool hold_large(http_thread *t, size_t size)
{
    if (size <= LARGE_BODY || size <= t->large_bytes) {
        return true;
    }
    size_t more = size - t->large_bytes;
    if (atomic_fetch_add(&t->server->large_bodies, more) + more > MAX_LARGE_BODIES) {
        atomic_fetch_sub(&t->server->large_bodies, more);
        t->x.close = true;
        return problem_refuse(&t->x, 503, "too many large requests at the same time");
    }
    t->large_bytes = size;
    return true;
}

static bool hold(exchange *x, size_t size)
{
    return hold_large(x->owner, size);
}

static void release_large(http_thread *t)
{
    if (t->large_bytes > 0) {
        atomic_fetch_sub(&t->server->large_bodies, t->large_bytes);
        t->large_bytes = 0;
    }
}

static void say_continue(http_thread *t)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (t->expects_continue) {
        t->expects_continue = false;
        (void) mg_write(t->connection, text, sizeof text - 1);
    }
}

// Reads a piece; sets *ret_end at the end of the body.
static bool read_piece(http_thread *t, size_t step, bool *ret_end)
{
    buf *body = &t->x.body;
    if (!hold_large(t, body->size + step)) {
        return false;
    }
    if (!buf_reserve(body, step)) {
        t->x.close = true;
        return problem_refuse(&t->x, 503, "not enough memory for this request now");
    }
    int count = mg_read(t->connection, body->bytes + body->size, step);
    if (count < 0) {
        return lost_body(t);
    }
    body->size += (size_t) count;
    *ret_end = count == 0;
    return true;
}

static bool read_sized(http_thread *t)
{
    size_t size = (size_t) t->x.content_length;
    bool end = false;
    while (t->x.body.size < size && !end) {
        size_t left = size - t->x.body.size;
        if (!read_piece(t, left < READ_STEP ? left : READ_STEP, &end)) {
            return false;
        }
    }
    return t->x.body.size == size || lost_body(t);
}

// civetweb takes the chunks apart, but takes sloppy ones too: hence no request behind such a body.
static bool read_chunked(http_thread *t)
{
    bool end = false;
    t->x.close = true;
    while (!end) {
        if (!read_piece(t, READ_STEP, &end)) {
            return false;
        }
        if (t->x.body.size > t->x.max_body_bytes) {
            return too_large(t);
        }
    }
    return !watch_was_late(t->place) || lost_body(t);
}

static bool read_body(exchange *x)
{
    http_thread *t = x->owner;
    if (x->content_length > 0 && (size_t) x->content_length > x->max_body_bytes) {
        return too_large(t);
    }
    if (x->content_length == 0) {
        return true;
    }
    say_continue(t);
    watch_set_deadline(t->place, WATCH_READING,
                       clock_mono_us(clock_system()) + t->server->options.request_timeout_us);
    bool ok = x->content_length < 0 ? read_chunked(t) : read_sized(t);
    watch_set_deadline(t->place, WATCH_READING, 0);
    t->body_read |= ok;
    return ok;
}

// ---- the reply ----

// civetweb waits for each piece that the system takes, however small: a client that reads a byte
// now and then would hold the thread for ever.
static bool write_all(http_thread *t, const buf *bytes)
{
    bool may_block = bytes->size > FREE_WRITE || t->x.streaming;
    if (may_block) {
        int64_t time_us = t->server->options.request_timeout_us +
                          (int64_t) (bytes->size / SLOWEST_READER) * 1000000;
        watch_set_deadline(t->place, WATCH_WRITING, clock_mono_us(clock_system()) + time_us);
    }
    bool ok =
        !bytes->failed && mg_write(t->connection, bytes->bytes, bytes->size) == (int) bytes->size;
    if (may_block) {
        watch_set_deadline(t->place, WATCH_WRITING, 0);
    }
    t->x.close |= !ok;
    return ok;
}

static void send_reply(http_thread *t, bool with_body)
{
    exchange *x = &t->x;
    if (x->reply.failed || x->extra.failed) {
        (void) problem_refuse(x, 503, "not enough memory for the reply now");
    }
    encoding_pack_reply(x);
    http_head_make(t);
    bool apart = with_body && x->reply.size > ONE_WRITE;
    if (with_body && !apart) {
        buf_append(&t->head, x->reply.bytes, x->reply.size);
    }
    if (write_all(t, &t->head) && apart) {
        (void) write_all(t, &x->reply);
    }
}

// A chunk goes out in one write, the first one with the head.
static bool stream(exchange *x, const buf *piece)
{
    http_thread *t = x->owner;
    if (!x->streaming) {
        x->streaming = true;
        x->close = true;  // so that a client that never ends it costs one connection at most
        http_head_make(t);
    } else {
        buf_clear(&t->head);
    }
    if (x->is_http_1_0) {
        buf_append(&t->head, piece->bytes, piece->size);
    } else if (piece->size > 0) {
        buf_append_format(&t->head, "%zx\r\n", piece->size);
        buf_append(&t->head, piece->bytes, piece->size);
        buf_append(&t->head, "\r\n", 2);
    }
    return !piece->failed && write_all(t, &t->head);
}

static void end_stream(http_thread *t)
{
    static const char last_chunk[] = "0\r\n\r\n";
    if (!t->x.is_http_1_0) {
        (void) mg_write(t->connection, last_chunk, sizeof last_chunk - 1);
    }
}

// A client that is still sending would lose our reply to a reset if the connection just went. The
// request itself is over: a stop cuts this short.
void http_exchange_linger(http_thread *t)
{
    if (!t->x.close || t->body_read || !exchange_has_body(&t->x) || t->expects_continue) {
        return;
    }
    char bytes[4096];
    bool stopping = atomic_load_explicit(&t->server->quiescing, memory_order_relaxed);
    watch_set_deadline(t->place, WATCH_READING,
                       clock_mono_us(clock_system()) + (stopping ? LINGER_END_US : LINGER_US));
    size_t total = 0;
    int count = mg_read(t->connection, bytes, sizeof bytes);
    while (count > 0 && total < MAX_LINGER) {
        total += (size_t) count;
        count = mg_read(t->connection, bytes, sizeof bytes);
    }
    watch_set_deadline(t->place, WATCH_READING, 0);
}

// ---- both ----

static bool begin(http_thread *t, struct mg_connection *connection)
{
    bool ok = exchange_reset(&t->x);
    t->x.owner = t;
    t->x.read_body = read_body;
    t->x.stream = stream;
    t->x.hold = hold;
    t->x.is_alive = http_is_alive;
    t->x.wait_begin = http_wait_begin;
    t->x.wait_end = http_wait_end;
    t->x.max_body_bytes = t->server->options.max_body_bytes;
    t->connection = connection;
    t->expects_continue = false;
    t->body_read = false;
    return ok;
}

static bool wants_close(const exchange *x)
{
    const char *connection = exchange_list(x, "Connection");
    return x->is_http_1_0 || (connection != NULL && strcasestr(connection, "close") != NULL);
}

static void finish(http_thread *t)
{
    exchange *x = &t->x;
    bool body_left = exchange_has_body(x) && !t->body_read;
    if (body_left || wants_close(x) || watch_is_crowded(t->server->watch) ||
        atomic_load_explicit(&t->server->quiescing, memory_order_relaxed)) {
        x->close = true;
    }
    if (x->streaming) {
        end_stream(t);
    } else {
        send_reply(t, strcmp(x->method, "HEAD") != 0);
    }
    if (x->close) {
        mg_disable_connection_keep_alive(t->connection);
    }
    release_large(t);
}

int http_exchange_serve(http_thread *t, struct mg_connection *connection)
{
    exchange *x = &t->x;
    bool has_memory = begin(t, connection);
    bool taken = take_request(t, mg_get_request_info(connection));
    access_begin(x);
    if (!taken || !framing_check(x)) {
        // Refused; the reply is there.
    } else if (!has_memory) {
        (void) problem_refuse(x, 503, "not enough memory for this request now");
    } else {
        t->expects_continue = framing_expects_continue(x);
        t->server->options.handle(t->server->options.data, x);
    }
    finish(t);
    t->server->options.ended(t->server->options.data, x);
    return x->http_status;
}

void http_exchange_error(http_thread *t, struct mg_connection *connection, int http_status,
                         const char *message)
{
    (void) begin(t, connection);
    t->x.method = "GET";
    t->x.close = true;
    access_begin(&t->x);
    (void) problem_refuse(&t->x, http_status, "%s", message);
    send_reply(t, true);
    t->server->options.ended(t->server->options.data, &t->x);
    mg_disable_connection_keep_alive(connection);
}
