// api_server - health, readiness, metrics and the OpenAPI document.
#include "gateway/routes.h"

#include "base/metrics.h"
#include "errand/v1/server_service.pb-c.h"
#include "gateway/openapi.h"
#include "gateway/problem.h"

#include <string.h>

#define READY_TIMEOUT_MS 2000

static void reply_health(exchange *x, const char *health)
{
    x->http_status = 200;
    buf_append_format(&x->reply, "{\"status\":\"%s\"}", health);
}

void api_health_answer(api_call *call, const ProtobufCMessage *reply)
{
    (void) reply;
    reply_health(call->x, "ok");
}

// Whether the gateway can serve, not whether this caller may: hence with the gateway's own token.
bool api_ready_prepare(api_call *call)
{
    call->rpc.token = NULL;
    call->rpc.timeout_ms = READY_TIMEOUT_MS;
    return true;
}

void api_ready_answer(api_call *call, const ProtobufCMessage *reply)
{
    const Errand__V1__ServerInfo *info = (const Errand__V1__ServerInfo *) reply;
    if (strcmp(info->health, "serving") == 0) {
        reply_health(call->x, "serving");
    } else {
        (void) problem_refuse(call->x, 503, "the server is %s", info->health);
    }
}

// Anybody may ask: the reason is for the log, where that of a missing connection stands already.
void api_ready_fail(api_call *call, status *failure)
{
    bool refused =
        failure->code == STATUS_UNAUTHENTICATED || failure->code == STATUS_PERMISSION_DENIED;
    api_log_server(call, "not_ready", failure);
    status_free(failure);
    (void) problem_refuse(call->x, 503, "%s",
                          refused ? "the server does not take the gateway's own token"
                                  : "the server does not answer");
}

// ---- metrics ----

static void reply_metrics(exchange *x)
{
    x->http_status = 200;
    x->content_type = METRICS_CONTENT_TYPE;
    buf_clear(&x->reply);
    metrics_render(&x->reply);
}

static void ignore_reply(void *data, const ProtobufCMessage *reply)
{
    (void) data;
    (void) reply;
}

// They are this process's own. In errandd the service adds what the engine counts; elsewhere the
// server is asked for its numbers, of all queues, only to learn whether this caller may see them. A
// gateway whose server is away tells its own numbers all the same. They are collected once the
// call is over: that asks the engine, whose thread may be the one that brings the reply.
bool api_metrics_prepare(api_call *call)
{
    ((Errand__V1__GetStatsRequest *) call->request)->whole = true;
    status *failure = api_call_upstream(call, ignore_reply, NULL);
    bool away = status_code_of(failure) == STATUS_UNAVAILABLE ||
                status_code_of(failure) == STATUS_DEADLINE_EXCEEDED;
    if (failure != NULL && !away) {
        return problem_take(call->x, failure);
    }
    status_free(failure);
    reply_metrics(call->x);
    return false;  // the reply is there
}

// ---- OpenAPI ----

void api_openapi_answer(api_call *call, const ProtobufCMessage *reply)
{
    (void) reply;
    const buf *document = openapi_document();
    if (document == NULL) {
        (void) problem_refuse(call->x, 503, "not enough memory for this request now");
        return;
    }
    call->x->http_status = 200;
    buf_append(&call->x->reply, document->bytes, document->size);
}
