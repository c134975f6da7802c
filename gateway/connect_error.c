// connect_error - failures as the Connect protocol tells them.
#include "gateway/connect_internal.h"

#include "base/crypto.h"
#include "gateway/problem.h"
#include "json/codec.h"
#include "json/time_text.h"

#include <ctype.h>
#include <string.h>

// ---- details: messages of google.rpc, which are small enough to be written by hand ----

static void append_varint(buf *out, uint64_t value)
{
    while (value >= 0x80) {
        buf_append_char(out, (char) (value | 0x80));
        value >>= 7;
    }
    buf_append_char(out, (char) value);
}

// A field of bytes, text or a message.
static void append_counted(buf *out, unsigned id, slice bytes)
{
    append_varint(out, id << 3 | 2);
    append_varint(out, bytes.size);
    buf_append(out, bytes.bytes, bytes.size);
}

static void append_text(buf *out, unsigned id, const char *text)
{
    append_counted(out, id, (slice){(const uint8_t *) text, strlen(text)});
}

static void append_number(buf *out, unsigned id, uint64_t value)
{
    if (value != 0) {
        append_varint(out, id << 3);
        append_varint(out, value);
    }
}

// BadRequest {repeated FieldViolation field_violations = 1 {field = 1, description = 2}}
static void make_bad_request(const status *failure, buf *out)
{
    AUTO_BUF violation;
    buf_init(&violation, 0);
    for (size_t i = 0; i < failure->violation_count; i++) {
        buf_clear(&violation);
        append_text(&violation, 1, failure->violations[i].field);
        append_text(&violation, 2, failure->violations[i].description);
        append_counted(out, 1, buf_slice(&violation));
    }
}

// RetryInfo {Duration retry_delay = 1 {seconds = 1, nanos = 2}}
static void make_retry_info(int64_t delay_ms, buf *out)
{
    AUTO_BUF duration;
    buf_init(&duration, 0);
    append_number(&duration, 1, (uint64_t) (delay_ms / 1000));
    append_number(&duration, 2, (uint64_t) (delay_ms % 1000 * 1000000));
    append_counted(out, 1, buf_slice(&duration));
}

static void append_unpadded(buf *out, const buf *bytes)
{
    size_t room = crypto_base64_size(bytes->size);
    if (!buf_reserve(out, room)) {
        return;
    }
    crypto_base64_encode(bytes->bytes, bytes->size, (char *) out->bytes + out->size);
    out->size += room - 1;
    while (out->bytes[out->size - 1] == '=') {
        out->size--;
    }
}

static void begin_detail(buf *out, const char *type, const buf *value, bool *first)
{
    buf_append_format(out, "%s{\"type\":\"google.rpc.%s\",\"value\":\"",
                      *first ? ",\"details\":[" : ",", type);
    append_unpadded(out, value);
    buf_append_text(out, "\",\"debug\":");
    *first = false;
}

static void append_violations(buf *out, const status *failure)
{
    const char *before = "{\"fieldViolations\":[{\"field\":";
    for (size_t i = 0; i < failure->violation_count; i++) {
        buf_append_text(out, before);
        json_append_string(out, failure->violations[i].field);
        buf_append_text(out, ",\"description\":");
        json_append_string(out, failure->violations[i].description);
        before = "},{\"field\":";
    }
    buf_append_text(out, "}]}");
}

static void append_details(buf *out, const status *failure)
{
    AUTO_BUF value;
    buf_init(&value, 0);
    bool first = true;
    if (failure->violation_count > 0) {
        make_bad_request(failure, &value);
        begin_detail(out, "BadRequest", &value, &first);
        append_violations(out, failure);
        buf_append_char(out, '}');
    }
    char delay[TIME_TEXT_SIZE];
    int64_t delay_ms = problem_retry_delay_ms(failure);
    if (delay_ms >= 0 &&
        time_text_format_duration(delay_ms / 1000, (int32_t) (delay_ms % 1000) * 1000000, delay)) {
        buf_clear(&value);
        make_retry_info(delay_ms, &value);
        begin_detail(out, "RetryInfo", &value, &first);
        buf_append_format(out, "{\"retryDelay\":\"%s\"}}", delay);
    }
    if (!first) {
        buf_append_char(out, ']');
    }
}

// ---- the error ----

// The codes are gRPC's in lower case, and one of them is spelt another way.
static void append_code(buf *out, status_code code)
{
    if (code == STATUS_CANCELLED) {
        buf_append_text(out, "canceled");
        return;
    }
    for (const char *at = status_code_name(code); *at != '\0'; at++) {
        buf_append_char(out, (char) tolower((unsigned char) *at));
    }
}

void connect_append_error(buf *out, const status *failure)
{
    buf_append_text(out, "{\"code\":\"");
    append_code(out, failure->code);
    buf_append_text(out, "\",\"message\":");
    json_append_string(out, failure->message);
    append_details(out, failure);
    buf_append_char(out, '}');
}

static void write_stream_failure(exchange *x, const connect_call *c, const status *failure)
{
    x->http_status = 200;
    x->content_type =
        c->codec == CONNECT_JSON ? "application/connect+json" : "application/connect+proto";
    connect_append_end(&x->reply, failure);
}

// The HTTP status is always the one of the code.
void connect_write_failure(exchange *x, int http_status, const status *failure)
{
    (void) http_status;
    const connect_call *c = x->failure_data;
    buf_clear(&x->reply);
    if (c->in_stream) {
        write_stream_failure(x, c, failure);
        return;
    }
    x->http_status = status_code_http(failure->code);
    x->content_type = "application/json";
    connect_append_error(&x->reply, failure);
    problem_add_hints(x, failure);
}

void connect_refuse(exchange *x, int http_status, const char *code, const char *message)
{
    x->http_status = http_status;
    x->content_type = "application/json";
    buf_clear(&x->reply);
    buf_append_format(&x->reply, "{\"code\":\"%s\",\"message\":", code);
    json_append_string(&x->reply, message);
    buf_append_char(&x->reply, '}');
}
