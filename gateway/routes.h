// routes - which method and path is which call; a row each.
#ifndef ERRAND_GATEWAY_ROUTES_H
#define ERRAND_GATEWAY_ROUTES_H

#include "errand/v1/job.pb-c.h"
#include "gateway/exchange.h"
#include "gateway/upstream.h"
#include "gateway/uri.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#define API_TIMEOUT_MS      15000   // of a call, besides what it waits
#define API_LONG_TIMEOUT_MS 600000  // of one that does as much as there is to do

struct gateway;
typedef struct route route;

// A call of the API on its way from HTTP to RPC and back.
typedef struct api_call {
    struct gateway *gateway;
    exchange *x;
    const route *route;
    uri_span variables[URI_MAX_VARIABLES];
    int variable_count;
    ProtobufCMessage *request;  // in the exchange's arena
    upstream_call rpc;
    int64_t deadline_us;  // on the monotonic clock; 0: none
    bool has_key;         // the client sent an Idempotency-Key
    bool waits;           // counted as a waiting call
} api_call;

typedef enum route_body {
    ROUTE_NO_BODY,
    ROUTE_OPTIONAL_BODY,  // the request message, if there is one
    ROUTE_MESSAGE_BODY,   // the request message
    ROUTE_JOB_BODY,       // field `job` of the request message
    ROUTE_QUEUE_BODY,     // field `queue`, and its members are the `update_mask`
} route_body;

struct route {
    const char *method;
    const char *pattern;
    route_body body;
    // The RPC behind it; NULL: `answer` does it all.
    const ProtobufCServiceDescriptor *service;
    const char *rpc;
    // prepare completes the request and the call; false: the reply is there. NULL: nothing to do.
    bool (*prepare)(api_call *call);
    // answer makes the HTTP reply from the RPC's. NULL: 200 and the reply as JSON.
    void (*answer)(api_call *call, const ProtobufCMessage *reply);
    // fail makes the HTTP reply from a failure, which it takes. NULL: a problem.
    void (*fail)(api_call *call, status *failure);
};

// routes_find returns the route of a request, with the values of its variables. NULL: the reply
// says why not (404, or 405 with Allow).
const route *routes_find(exchange *x, uri_span ret_variables[static URI_MAX_VARIABLES],
                         int *ret_count);

// routes_allow writes the methods that a path takes, as in Allow; false: there is no such path.
#define ROUTES_MAX_ALLOW 64
bool routes_allow(const char *path, char ret[static ROUTES_MAX_ALLOW]);

// routes_list is the whole table.
const route *routes_list(size_t *ret_count);

// ---- the parts that rows name ----

bool api_submit_prepare(api_call *call);
void api_list_answer(api_call *call, const ProtobufCMessage *reply);
void api_submit_answer(api_call *call, const ProtobufCMessage *reply);
void api_submit_fail(api_call *call, status *failure);
void api_job_answer(api_call *call, const ProtobufCMessage *reply);
void api_result_answer(api_call *call, const ProtobufCMessage *reply);
void api_output_answer(api_call *call, const ProtobufCMessage *reply);
bool api_long_prepare(api_call *call);
bool api_events_prepare(api_call *call);
bool api_queue_read(api_call *call);
void api_queue_fail(api_call *call, status *failure);
bool api_ready_prepare(api_call *call);
void api_ready_answer(api_call *call, const ProtobufCMessage *reply);
void api_ready_fail(api_call *call, status *failure);
bool api_metrics_prepare(api_call *call);
void dashboard_answer(api_call *call, const ProtobufCMessage *reply);
void api_openapi_answer(api_call *call, const ProtobufCMessage *reply);
void api_health_answer(api_call *call, const ProtobufCMessage *reply);

// api_reply_json makes a message the reply.
void api_reply_json(exchange *x, int http_status, const ProtobufCMessage *message);

// api_is_final tells whether a job in this state has ended.
bool api_is_final(Errand__V1__Job__State state);

// api_is_prompt tells whether a call is about one job and does not wait: such calls take about the
// same time, and many can be sent together.
bool api_is_prompt(const api_call *call);

// api_strip_prefix takes the prefix from the paths of wrong fields, for a body that is a field of
// the request: its own paths must not start with that field.
void api_strip_prefix(status *failure, const char *prefix);

// ---- for those that make calls without a route ----

// api_new_message makes an empty message in the arena; NULL when that is full.
ProtobufCMessage *api_new_message(const ProtobufCMessageDescriptor *type, arena *memory);

// api_allow_outcomes lets the body of a Report be half as large again as others: the largest result
// has room in it as base64.
void api_allow_outcomes(exchange *x, const char *rpc);

// api_prepare_rpc fills call->rpc with what the header of the request says.
void api_prepare_rpc(api_call *call, const ProtobufCServiceDescriptor *service, const char *method);

// api_fit_deadline makes the call end by its deadline; DEADLINE_EXCEEDED when that has passed.
status *api_fit_deadline(api_call *call) __attribute__((warn_unused_result));

// api_log_server logs trouble with the server, a line a second at most.
void api_log_server(api_call *call, const char *event, const status *failure);

// api_call_upstream sends call->request and waits for the reply. A call that may wait is counted
// meanwhile, or does not wait when too many do.
status *api_call_upstream(api_call *call, upstream_reply_fn *take_reply, void *data)
    __attribute__((warn_unused_result));

// api_run does the call of a route and makes the reply.
void api_run(api_call *call);

#endif
