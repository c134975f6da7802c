// dashboard - a page that shows queues, workers and jobs, by the same API as everybody else.
//
// It is part of the program, loads nothing from elsewhere, and runs no script but its own.
#include "gateway/routes.h"

#include <string.h>

// Made of the files in dashboard/ when the program is built.
extern const unsigned char dashboard_html[], dashboard_js[], dashboard_css[];
extern const size_t dashboard_html_size, dashboard_js_size, dashboard_css_size;

#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void reply(exchange *x, const char *type, const unsigned char *bytes, size_t size)
{
    x->http_status = 200;
    x->content_type = type;
    x->cache_control = "no-cache";
    exchange_add_header(x, "Content-Security-Policy", POLICY);
    exchange_add_header(x, "Referrer-Policy", "no-referrer");
    buf_append(&x->reply, bytes, size);
}

void dashboard_answer(api_call *call, const ProtobufCMessage *message)
{
    (void) message;
    const char *pattern = call->route->pattern;
    if (strcmp(pattern, "/dashboard.js") == 0) {
        reply(call->x, "text/javascript; charset=utf-8", dashboard_js, dashboard_js_size);
    } else if (strcmp(pattern, "/dashboard.css") == 0) {
        reply(call->x, "text/css; charset=utf-8", dashboard_css, dashboard_css_size);
    } else {
        reply(call->x, "text/html; charset=utf-8", dashboard_html, dashboard_html_size);
    }
}
