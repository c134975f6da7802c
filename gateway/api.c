// api - a request becomes an RPC and its reply becomes JSON, as the route's row says.
#include "gateway/routes.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/attend.h"
#include "gateway/encoding.h"
#include "gateway/gateway_internal.h"
#include "gateway/headers.h"
#include "gateway/negotiate.h"
#include "gateway/problem.h"
#include "json/codec.h"

#include <stdio.h>
#include <string.h>

#define MAX_VARIABLE_NAME 32
#define MAX_WAIT_MS       60000
#define LOG_EVERY_US      1000000

static const ProtobufCMessageDescriptor *request_type(const route *r)
{
    return protobuf_c_service_descriptor_get_method_by_name(r->service, r->rpc)->input;
}

ProtobufCMessage *api_new_message(const ProtobufCMessageDescriptor *type, arena *memory)
{
    ProtobufCMessage *message = arena_alloc(memory, type->sizeof_message);
    if (message != NULL) {
        protobuf_c_message_init(type, message);
    }
    return message;
}

static bool out_of_memory(exchange *x)
{
    return problem_refuse(x, 503, "not enough memory for this request now");
}

// Asked before anything is done: a call whose answer is not wanted must not be made.
static bool check_accept(const api_call *call)
{
    const route *r = call->route;
    if (strncmp(r->pattern, "/v1/", 4) != 0 || r->answer == api_output_answer) {
        return true;  // these judge for themselves
    }
    const char *type = r->prepare == api_events_prepare ? "text/event-stream" : "application/json";
    return negotiate_type(exchange_list(call->x, "Accept"), type) ||
           problem_refuse(call->x, 406, "the answer is %s", type);
}

static bool check_content_type(const api_call *call)
{
    exchange *x = call->x;
    route_body body = call->route->body;
    bool needs_body =
        body == ROUTE_MESSAGE_BODY || body == ROUTE_JOB_BODY || body == ROUTE_QUEUE_BODY;
    if (!needs_body && !exchange_has_body(x)) {
        return true;
    }
    if (exchange_count_fields(x, "Content-Type") != 1 ||
        !headers_is_json(exchange_field(x, "Content-Type"))) {
        return problem_refuse(x, 415, "the body must be JSON, Content-Type: application/json");
    }
    if (exchange_count_fields(x, "Content-Encoding") > 1 ||
        !encoding_known(exchange_field(x, "Content-Encoding"))) {
        exchange_add_header(x, "Accept-Encoding", "gzip, identity");
        return problem_refuse(x, 415, "the only Content-Encoding known is gzip");
    }
    return true;
}

static bool decode_body(exchange *x, const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret)
{
    status *failure = json_decode(type, (const char *) x->body.bytes, x->body.size, x->memory, ret);
    return failure == NULL || problem_take(x, failure);
}

// The body as the field `job` of the request.
static bool read_job(api_call *call)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(call->request->descriptor, "job");
    ProtobufCMessage *job = NULL;
    if (!decode_body(call->x, field->descriptor, &job)) {
        return false;
    }
    *(ProtobufCMessage **) ((uint8_t *) call->request + field->offset) = job;
    return true;
}

void api_allow_outcomes(exchange *x, const char *rpc)
{
    if (strcmp(rpc, "Report") == 0) {
        x->max_body_bytes += x->max_body_bytes / 2;
    }
}

static bool read_body(api_call *call)
{
    exchange *x = call->x;
    if (call->route->rpc != NULL) {
        api_allow_outcomes(x, call->route->rpc);
    }
    if (!x->read_body(x) || !encoding_unpack_body(x, exchange_field(x, "Content-Encoding"))) {
        return false;
    }
    switch (call->route->body) {
    case ROUTE_JOB_BODY:
        return read_job(call);
    case ROUTE_QUEUE_BODY:
        return api_queue_read(call);
    case ROUTE_MESSAGE_BODY:
        return decode_body(x, call->request->descriptor, &call->request);
    case ROUTE_OPTIONAL_BODY:
        return x->body.size == 0 || decode_body(x, call->request->descriptor, &call->request);
    case ROUTE_NO_BODY:
        break;
    }
    return x->body.size == 0 || problem_refuse(x, 400, "this path takes no body");
}

static bool read_variables(api_call *call)
{
    for (int i = 0; i < call->variable_count; i++) {
        char name[MAX_VARIABLE_NAME];
        const uri_span *value = &call->variables[i];
        const char *text = uri_decode(value->start, value->size, false, call->x->memory);
        if (!uri_variable_name(call->route->pattern, i, name, sizeof name) || text == NULL) {
            return problem_refuse_field(call->x, name, "is not percent-encoded UTF-8");
        }
        status *failure = json_decode_field(call->request, name, text, call->x->memory);
        if (failure != NULL) {
            return problem_take(call->x, failure);
        }
    }
    return true;
}

static bool is_variable(const api_call *call, const char *name)
{
    char variable[MAX_VARIABLE_NAME];
    for (int i = 0; i < call->variable_count; i++) {
        if (uri_variable_name(call->route->pattern, i, variable, sizeof variable) &&
            strcmp(variable, name) == 0) {
            return true;
        }
    }
    return false;
}

// What stands in the path or comes in the body can not come in the query too.
static bool read_parameter(api_call *call, const uri_pair *pair)
{
    route_body body = call->route->body;
    if (body == ROUTE_MESSAGE_BODY || body == ROUTE_QUEUE_BODY || strchr(pair->name, '.') != NULL ||
        (body == ROUTE_JOB_BODY && strcmp(pair->name, "job") == 0) ||
        is_variable(call, pair->name)) {
        return problem_refuse_field(call->x, pair->name, "no such query parameter");
    }
    status *failure = json_decode_field(call->request, pair->name, pair->value, call->x->memory);
    return failure == NULL || problem_take(call->x, failure);
}

static bool is_listed(const uri_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_query(api_call *call)
{
    uri_pair pairs[URI_MAX_PARAMETERS];
    size_t count = 0;
    const char *wrong = uri_parse_query(call->x->query, call->x->memory, pairs, &count);
    if (wrong != NULL) {
        return problem_refuse(call->x, 400, "%s", wrong);
    }
    for (size_t i = 0; i < count; i++) {
        if (call->request == NULL) {
            return problem_refuse_field(call->x, pairs[i].name, "no such query parameter");
        }
        if (is_listed(pairs, i, pairs[i].name)) {
            return problem_refuse_field(call->x, pairs[i].name, "given twice in the query");
        }
        if (!read_parameter(call, &pairs[i])) {
            return false;
        }
    }
    return true;
}

static Google__Protobuf__Duration **wait_slot(ProtobufCMessage *request)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "wait");
    return field == NULL ? NULL
                         : (Google__Protobuf__Duration **) ((uint8_t *) request + field->offset);
}

// A call that waits takes a thread: beyond the cap it is answered at once with the state so far.
static void admit_wait(api_call *call)
{
    Google__Protobuf__Duration **wait = wait_slot(call->request);
    if (wait == NULL || *wait == NULL || (*wait)->seconds < 0) {
        return;
    }
    if (atomic_fetch_add(&call->gateway->waiting, 1) >= call->gateway->max_waiting) {
        atomic_fetch_sub(&call->gateway->waiting, 1);
        *wait = NULL;
        return;
    }
    call->waits = true;
    int64_t seconds = (*wait)->seconds < MAX_WAIT_MS / 1000 ? (*wait)->seconds + 1 : 60;
    call->rpc.timeout_ms += seconds * 1000;
    if (call->rpc.timeout_ms > MAX_WAIT_MS + 5000) {
        call->rpc.timeout_ms = MAX_WAIT_MS + 5000;
    }
}

void api_prepare_rpc(api_call *call, const ProtobufCServiceDescriptor *service, const char *method)
{
    call->rpc = (upstream_call){
        .service = service,
        .method = method,
        .memory = call->x->memory,
        .timeout_ms = API_TIMEOUT_MS,
        .token = headers_bearer(exchange_field(call->x, "Authorization")),
        .traceparent = headers_traceparent(exchange_field(call->x, "traceparent")),
    };
}

// An Idempotency-Key is the request-id of the call: sent again, it does nothing twice.
static bool read_key(api_call *call)
{
    const char *value = exchange_field(call->x, "Idempotency-Key");
    if (value == NULL || strcmp(call->route->method, "GET") == 0) {
        return true;
    }
    const char *key = headers_idempotency_key(value, call->x->memory);
    if (key == NULL || exchange_count_fields(call->x, "Idempotency-Key") > 1) {
        return problem_refuse(call->x, 400,
                              "Idempotency-Key must be one key of 1 to 255 visible characters");
    }
    call->rpc.request_id = key;
    call->has_key = true;
    return true;
}

static bool make_request(api_call *call)
{
    call->request = api_new_message(request_type(call->route), call->x->memory);
    if (call->request == NULL) {
        return out_of_memory(call->x);
    }
    api_prepare_rpc(call, call->route->service, call->route->rpc);
    return read_key(call);
}

void api_strip_prefix(status *failure, const char *prefix)
{
    size_t size = strlen(prefix);
    if (strncmp(failure->message, prefix, size) == 0 && failure->violation_count > 0) {
        memmove(failure->message, failure->message + size, strlen(failure->message + size) + 1);
    }
    for (size_t i = 0; i < failure->violation_count; i++) {
        char *field = failure->violations[i].field;
        if (strncmp(field, prefix, size) == 0) {
            memmove(field, field + size, strlen(field + size) + 1);
        }
    }
}

// For calls that do as much as there is to do.
bool api_long_prepare(api_call *call)
{
    call->rpc.timeout_ms = API_LONG_TIMEOUT_MS;
    return true;
}

void api_reply_json(exchange *x, int http_status, const ProtobufCMessage *message)
{
    x->http_status = http_status;
    buf_clear(&x->reply);
    status *failure = json_encode(message, &x->reply);
    if (failure != NULL) {
        (void) problem_take(x, failure);
    }
}

void api_list_answer(api_call *call, const ProtobufCMessage *reply)
{
    exchange *x = call->x;
    x->http_status = 200;
    buf_clear(&x->reply);
    status *failure = json_encode_listing(reply, &x->reply);
    if (failure != NULL) {
        (void) problem_take(x, failure);
    }
}

static void on_reply(void *data, const ProtobufCMessage *reply)
{
    api_call *call = data;
    if (call->route->answer != NULL) {
        call->route->answer(call, reply);
    } else {
        api_reply_json(call->x, 200, reply);
    }
}

status *api_fit_deadline(api_call *call)
{
    if (call->deadline_us == 0) {
        return NULL;
    }
    int64_t left_ms = (call->deadline_us - clock_mono_us(clock_system())) / 1000;
    if (left_ms <= 0) {
        return status_new(STATUS_DEADLINE_EXCEEDED, "the time of the call is over");
    }
    if (left_ms < call->rpc.timeout_ms) {
        call->rpc.timeout_ms = left_ms;
    }
    return NULL;
}

void api_log_server(api_call *call, const char *event, const status *failure)
{
    int64_t now_us = clock_mono_us(clock_system());
    int64_t last_us = atomic_load(&call->gateway->logged_us);
    bool is_due = last_us == 0 || now_us - last_us >= LOG_EVERY_US;
    if (is_due && atomic_compare_exchange_strong(&call->gateway->logged_us, &last_us, now_us)) {
        log_warn(event, LOG_STATUS(failure),
                 LOG_STR("request_id", call->x->request_id != NULL ? call->x->request_id : ""));
    }
}

// Where the server is concerns who runs the gateway, not who calls it.
static status *without_address(api_call *call, status *failure)
{
    bool is_ours = failure != NULL && (failure->code == STATUS_UNAVAILABLE ||
                                       failure->code == STATUS_DEADLINE_EXCEEDED);
    if (!is_ours || strstr(failure->message, "://") == NULL) {
        return failure;
    }
    api_log_server(call, "server_unreachable", failure);
    status *plain = status_new(failure->code, failure->code == STATUS_UNAVAILABLE
                                                  ? "the gateway has no connection to the server"
                                                  : "the server did not answer in time");
    plain->retry_delay_ms = failure->retry_delay_ms;
    status_free(failure);
    return plain;
}

status *api_call_upstream(api_call *call, upstream_reply_fn *take_reply, void *data)
{
    admit_wait(call);
    call->rpc.request = call->request;
    call->rpc.prompt = api_is_prompt(call);
    status *failure = api_fit_deadline(call);
    if (failure == NULL) {
        failure = call->waits ? attend_run(call, take_reply, data)
                              : upstream_run(call->gateway->up, &call->rpc, take_reply, data);
    }
    if (call->waits) {
        atomic_fetch_sub(&call->gateway->waiting, 1);
    }
    return without_address(call, failure);
}

static void make_call(api_call *call)
{
    status *failure = api_call_upstream(call, on_reply, call);
    if (failure != NULL && call->route->fail != NULL) {
        call->route->fail(call, failure);
    } else if (failure != NULL) {
        (void) problem_take(call->x, failure);
    }
}

void api_run(api_call *call)
{
    const route *r = call->route;
    bool has_rpc = r->service != NULL;
    if (!check_accept(call) || !check_content_type(call) || (has_rpc && !make_request(call)) ||
        !read_body(call) || !read_variables(call) || !read_query(call) ||
        (r->prepare != NULL && !r->prepare(call))) {
        return;
    }
    if (has_rpc) {
        make_call(call);
    } else {
        r->answer(call, NULL);
    }
}
