// routes - which method and path is which call; a row each.
#include "gateway/routes.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"
#include "gateway/problem.h"

#include <stdio.h>
#include <string.h>

#define JOBS    (&errand__v1__job_service__descriptor)
#define QUEUES  (&errand__v1__queue_service__descriptor)
#define WORKERS (&errand__v1__worker_service__descriptor)
#define SERVER  (&errand__v1__server_service__descriptor)

// clang-format off
static const route table[] = {
    {"POST",   "/v1/jobs",                  ROUTE_JOB_BODY,      JOBS, "Submit",
     api_submit_prepare, api_submit_answer, api_submit_fail},
    {"GET",    "/v1/jobs/{id}:explain",     ROUTE_NO_BODY,       JOBS, "Explain",   NULL, NULL, NULL},
    {"GET",    "/v1/jobs/{id}",             ROUTE_NO_BODY,       JOBS, "Get",
     NULL, api_job_answer, NULL},
    {"GET",    "/v1/jobs/{id}/result",      ROUTE_NO_BODY,       JOBS, "GetResult",
     NULL, api_result_answer, NULL},
    {"GET",    "/v1/jobs/{id}/output",      ROUTE_NO_BODY,       JOBS, "GetResult",
     NULL, api_output_answer, NULL},
    {"GET",    "/v1/jobs/{id}/events",      ROUTE_NO_BODY,       JOBS, "Watch",
     api_events_prepare, NULL, NULL},
    {"GET",    "/v1/jobs",                  ROUTE_NO_BODY,       JOBS, "List",
     NULL, api_list_answer, NULL},
    {"POST",   "/v1/jobs:batch",            ROUTE_MESSAGE_BODY,  JOBS, "BatchSubmit",
     NULL, api_list_answer, NULL},
    {"DELETE", "/v1/jobs/{id}",             ROUTE_NO_BODY,       JOBS, "Delete",    NULL, NULL, NULL},
    {"POST",   "/v1/jobs/{id}:cancel",      ROUTE_OPTIONAL_BODY, JOBS, "Cancel",    NULL, NULL, NULL},
    {"POST",   "/v1/jobs/{id}:retry",       ROUTE_OPTIONAL_BODY, JOBS, "Retry",     NULL, NULL, NULL},
    {"POST",   "/v1/jobs:cancel",           ROUTE_MESSAGE_BODY,  JOBS, "CancelMany",
     api_long_prepare, NULL, NULL},
    {"POST",   "/v1/jobs:retry",            ROUTE_MESSAGE_BODY,  JOBS, "RetryMany",
     api_long_prepare, NULL, NULL},
    {"POST",   "/v1/jobs:delete",           ROUTE_MESSAGE_BODY,  JOBS, "DeleteMany",
     api_long_prepare, NULL, NULL},

    {"POST",   "/v1/work:lease",            ROUTE_MESSAGE_BODY,  WORKERS, "Lease",     NULL, NULL, NULL},
    {"POST",   "/v1/work:heartbeat",        ROUTE_MESSAGE_BODY,  WORKERS, "Heartbeat", NULL, NULL, NULL},
    {"POST",   "/v1/work:report",           ROUTE_MESSAGE_BODY,  WORKERS, "Report",    NULL, NULL, NULL},
    {"GET",    "/v1/workers",               ROUTE_NO_BODY,       WORKERS, "List",
     NULL, api_list_answer, NULL},

    {"GET",    "/v1/queues",                ROUTE_NO_BODY,       QUEUES, "List",
     NULL, api_list_answer, NULL},
    {"GET",    "/v1/queues/{queue}",        ROUTE_NO_BODY,       QUEUES, "Get",    NULL, NULL, NULL},
    {"GET",    "/v1/queues/{queue}/events", ROUTE_NO_BODY,       QUEUES, "Watch",
     api_events_prepare, NULL, NULL},
    {"PATCH",  "/v1/queues/{queue.name}",   ROUTE_QUEUE_BODY,    QUEUES, "Update",
     NULL, NULL, api_queue_fail},
    {"POST",   "/v1/queues/{queue}:pause",  ROUTE_OPTIONAL_BODY, QUEUES, "Pause",  NULL, NULL, NULL},
    {"POST",   "/v1/queues/{queue}:resume", ROUTE_OPTIONAL_BODY, QUEUES, "Resume", NULL, NULL, NULL},
    {"POST",   "/v1/queues/{queue}:purge",  ROUTE_OPTIONAL_BODY, QUEUES, "Purge",
     api_long_prepare, NULL, NULL},

    {"GET",    "/v1/server",                ROUTE_NO_BODY,       SERVER, "GetInfo",  NULL, NULL, NULL},
    {"GET",    "/v1/server/stats",          ROUTE_NO_BODY,       SERVER, "GetStats", NULL, NULL, NULL},

    {"GET",    "/healthz",                  ROUTE_NO_BODY,       NULL, NULL,
     NULL, api_health_answer, NULL},
    {"GET",    "/readyz",                   ROUTE_NO_BODY,       SERVER, "GetInfo",
     api_ready_prepare, api_ready_answer, api_ready_fail},
    {"GET",    "/metrics",                  ROUTE_NO_BODY,       SERVER, "GetStats",
     api_metrics_prepare, NULL, NULL},
    {"GET",    "/openapi.json",             ROUTE_NO_BODY,       NULL, NULL,
     NULL, api_openapi_answer, NULL},
    {"GET",    "/",                         ROUTE_NO_BODY,       NULL, NULL,
     NULL, dashboard_answer, NULL},
    {"GET",    "/dashboard.js",             ROUTE_NO_BODY,       NULL, NULL,
     NULL, dashboard_answer, NULL},
    {"GET",    "/dashboard.css",            ROUTE_NO_BODY,       NULL, NULL,
     NULL, dashboard_answer, NULL},
};
// clang-format on

static void allow_method(char *allow, const char *method)
{
    size_t used = strlen(allow);
    bool is_get = strcmp(method, "GET") == 0;
    (void) snprintf(allow + used, ROUTES_MAX_ALLOW - used, "%s%s%s", used > 0 ? ", " : "", method,
                    is_get ? ", HEAD" : "");
}

bool routes_allow(const char *path, char ret[static ROUTES_MAX_ALLOW])
{
    uri_span variables[URI_MAX_VARIABLES];
    *ret = '\0';
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (uri_match(table[i].pattern, path, variables) >= 0) {
            allow_method(ret, table[i].method);
        }
    }
    if (*ret == '\0') {
        return false;
    }
    allow_method(ret, "OPTIONS");
    return true;
}

static void refuse_unknown(exchange *x)
{
    char allow[ROUTES_MAX_ALLOW];
    if (!routes_allow(x->path, allow)) {
        problem_refuse(x, 404, "there is nothing at this path");
        return;
    }
    exchange_add_header(x, "Allow", allow);
    problem_refuse(x, 405, "this path does not take the method; it takes %s", allow);
}

const route *routes_find(exchange *x, uri_span ret_variables[static URI_MAX_VARIABLES],
                         int *ret_count)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int count = uri_match(table[i].pattern, x->path, ret_variables);
        if (count >= 0 && exchange_is_method(x, table[i].method)) {
            *ret_count = count;
            x->route = (exchange_route){&table[i], table[i].method, table[i].pattern};
            return &table[i];
        }
    }
    refuse_unknown(x);
    return NULL;
}

const route *routes_list(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof table[0];
    return table;
}
