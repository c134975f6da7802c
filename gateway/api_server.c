// api_server - health and readiness.
#include "gateway/routes.h"

#include "errand/v1/server_service.pb-c.h"
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

void api_ready_fail(api_call *call, status *failure)
{
    (void) problem_refuse(call->x, 503, "the server does not answer: %s", failure->message);
    status_free(failure);
}
