// http_head - the head of a reply.
#include "gateway/http_internal.h"

#include "base/clock.h"

static const char *date_text(http_thread *t)
{
    time_t now = (time_t) (clock_wall_us(clock_system()) / 1000000);
    if (now != t->date_second) {
        struct tm parts;
        if (gmtime_r(&now, &parts) == NULL ||
            strftime(t->date, sizeof t->date, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0) {
            t->date[0] = '\0';
        }
        t->date_second = now;
    }
    return t->date;
}

// The body is measured, comes in chunks, or, for want of chunks, ends with the connection.
static void append_framing(http_thread *t)
{
    exchange *x = &t->x;
    if (x->http_status == 204 || x->http_status == 304) {
        return;
    }
    buf_append_format(&t->head, "Content-Type: %s\r\n", x->content_type);
    if (!x->streaming) {
        buf_append_format(&t->head, "Content-Length: %zu\r\n", x->reply.size);
    } else if (!x->is_http_1_0) {
        buf_append_text(&t->head, "Transfer-Encoding: chunked\r\n");
    }
}

void http_head_make(http_thread *t)
{
    exchange *x = &t->x;
    buf_clear(&t->head);
    buf_append_format(&t->head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", x->http_status,
                      exchange_phrase(x->http_status), date_text(t));
    append_framing(t);
    buf_append_format(&t->head,
                      "X-Content-Type-Options: nosniff\r\nCache-Control: %s\r\n"
                      "Connection: %s\r\n",
                      x->cache_control, x->close ? "close" : "keep-alive");
    buf_append(&t->head, x->extra.bytes, x->extra.size);
    buf_append(&t->head, "\r\n", 2);
}
