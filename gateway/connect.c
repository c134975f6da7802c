// connect - the Connect protocol over the same calls: POST /errand.v1.<Service>/<Method>.
#include "gateway/connect_internal.h"

#include "gateway/encoding.h"
#include "gateway/headers.h"
#include "gateway/problem.h"

#include <string.h>

// ---- what is not a call ----

static bool check_method(connect_call *c)
{
    exchange *x = c->call.x;
    if (strcmp(x->method, "POST") == 0 ||
        (strcmp(x->method, "GET") == 0 && c->method.reads && !c->method.streams)) {
        return true;
    }
    const char *allow = connect_allow(x->path);
    exchange_add_header(x, "Allow", allow);
    connect_refuse(x, 405, "unknown", "this method is called by POST, and by GET only if it reads");
    return false;
}

// ---- unary calls ----

static void take_reply(void *data, const ProtobufCMessage *reply)
{
    connect_call *c = data;
    exchange *x = c->call.x;
    x->http_status = 200;
    x->content_type = c->codec == CONNECT_JSON ? "application/json" : "application/proto";
    buf_clear(&x->reply);
    status *failure = connect_encode(c->codec, reply, &x->reply);
    if (failure != NULL) {
        (void) problem_take(x, failure);
    }
}

static bool read_message(connect_call *c)
{
    exchange *x = c->call.x;
    if (strcmp(x->method, "GET") == 0) {
        return connect_get_message(c);
    }
    api_allow_outcomes(x, c->method.descriptor->name);
    return x->read_body(x) && encoding_unpack_body(x, exchange_field(x, "Content-Encoding"));
}

// An Idempotency-Key or a request-id makes a repeated call the same one.
static bool read_request_id(connect_call *c)
{
    exchange *x = c->call.x;
    const char *value = exchange_field(x, "Idempotency-Key");
    value = value != NULL ? value : exchange_field(x, "Request-Id");
    if (value == NULL) {
        return true;
    }
    c->call.rpc.request_id = headers_idempotency_key(value, x->memory);
    return c->call.rpc.request_id != NULL ||
           problem_refuse(x, 400, "the request-id must be 1 to 255 visible characters");
}

static void run_unary(connect_call *c)
{
    exchange *x = c->call.x;
    if (!connect_read_head(c) || !read_message(c) || !connect_decode(c, buf_slice(&x->body))) {
        return;
    }
    api_prepare_rpc(&c->call, c->method.service, c->method.descriptor->name);
    if (!read_request_id(c)) {
        return;
    }
    if (c->method.is_long) {
        c->call.rpc.timeout_ms = API_LONG_TIMEOUT_MS;
    }
    status *failure = api_call_upstream(&c->call, take_reply, c);
    if (failure != NULL) {
        (void) problem_take(x, failure);
    }
}

void connect_serve(gateway *g, exchange *x)
{
    connect_call c = {.call = {.gateway = g, .x = x}};
    x->write_failure = connect_write_failure;
    x->failure_data = &c;
    if (!connect_find(x->path, &c.method)) {
        connect_refuse(x, 404, "unimplemented", "there is no such method");
        x->write_failure = NULL;
        return;
    }
    x->route = (exchange_route){c.method.descriptor, "", x->path};
    if (!check_method(&c) || !connect_read_codec(&c)) {
        // Refused; the reply is there.
    } else if (c.method.streams) {
        connect_run_stream(&c);
    } else {
        run_unary(&c);
    }
    x->write_failure = NULL;  // c goes
}
