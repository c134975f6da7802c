// gateway - the JSON HTTP API in front of the RPCs.
#include "gateway/gateway.h"

#include "gateway/access.h"
#include "gateway/connect.h"
#include "gateway/gateway_internal.h"
#include "gateway/problem.h"
#include "gateway/routes.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_THREADS 2560
#define DEFAULT_STREAMS 512
#define DRAIN_MS        3000

static const char *const default_rpc_urls[] = {"tcp://127.0.0.1:6710"};

void gateway_options_init(gateway_options *options)
{
    *options = (gateway_options){
        .listen = "127.0.0.1:6780",
        .rpc_urls = default_rpc_urls,
        .rpc_url_count = 1,
        .threads = DEFAULT_THREADS,
        .max_streams = DEFAULT_STREAMS,
        .connect_timeout_us = 3000000,
        .heartbeat_us = 15000000,
        .max_body_bytes = (size_t) 16 << 20,
        .max_message_bytes = (size_t) 32 << 20,
        .request_timeout_us = 30000000,
    };
}

static void answer_options(const gateway *g, exchange *x)
{
    char routes[ROUTES_MAX_ALLOW];
    const char *allow = NULL;
    if (connect_is_path(x->path)) {
        allow = connect_allow(x->path);
    } else if (routes_allow(x->path, routes)) {
        allow = routes;
    }
    if (allow == NULL) {
        (void) problem_refuse(x, 404, "there is nothing at this path");
        return;
    }
    x->http_status = 204;
    exchange_add_header(x, "Allow", allow);
    origin_preflight(&g->rules, x, allow);
}

static void ended(void *data, const exchange *x)
{
    const gateway *g = data;
    access_ended(x, g->access_log);
}

static void handle(void *data, exchange *x)
{
    gateway *g = data;
    if (!origin_check(&g->rules, x)) {
        return;
    }
    if (strcmp(x->method, "OPTIONS") == 0) {
        answer_options(g, x);
        return;
    }
    if (connect_is_path(x->path)) {
        connect_serve(g, x);
        return;
    }
    api_call call = {.gateway = g, .x = x};
    call.route = routes_find(x, call.variables, &call.variable_count);
    if (call.route != NULL) {
        api_run(&call);
    }
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; names != NULL && i < count; i++) {
        free(names[i]);
    }
    free(names);
}

static bool copy_names(const char *const *names, size_t count, char ***ret, size_t *ret_count)
{
    if (count == 0) {
        return true;
    }
    char **copies = calloc(count, sizeof *copies);
    for (size_t i = 0; copies != NULL && i < count; i++) {
        copies[i] = strdup(names[i]);
        if (copies[i] == NULL) {
            free_names(copies, count);
            return false;
        }
    }
    *ret = copies;
    *ret_count = count;
    return copies != NULL;
}

static status *copy_rules(const gateway_options *options, origin_rules *rules)
{
    const char *colon = strrchr(options->listen, ':');
    size_t size = colon != NULL ? (size_t) (colon - options->listen) : 0;
    rules->allow_credentials = options->allow_credentials;
    rules->listen_host = strndup(options->listen, size);
    if (rules->listen_host == NULL ||
        !copy_names(options->hosts, options->host_count, &rules->hosts, &rules->host_count) ||
        !copy_names(options->origins, options->origin_count, &rules->origins,
                    &rules->origin_count)) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return NULL;
}

static status *open_upstream(gateway *g, const gateway_options *options)
{
    if (options->server != NULL) {
        return upstream_open_local(options->server, options->token, &g->up);
    }
    const upstream_options servers = {
        .urls = options->rpc_urls,
        .url_count = options->rpc_url_count,
        .token = options->token,
        .tls = options->tls,
        .max_message_bytes = options->max_message_bytes,
        .max_calls = options->threads,
        .connect_timeout_ms = (options->connect_timeout_us + 999) / 1000,
    };
    return upstream_open(&servers, &g->up);
}

static status *start(gateway *g, const gateway_options *options, char **ret_url)
{
    atomic_store(&g->max_waiting, options->threads / 2);
    g->max_streams = options->max_streams;
    g->heartbeat_us = options->heartbeat_us;
    g->access_log = options->access_log;
    g->require_connect_version = options->require_connect_version;
    status *failure = copy_rules(options, &g->rules);
    if (failure == NULL) {
        failure = open_upstream(g, options);
    }
    if (failure != NULL) {
        return failure;
    }
    const http_server_options http = {.listen = options->listen,
                                      .tls = options->https,
                                      .threads = options->threads,
                                      .max_body_bytes = options->max_body_bytes,
                                      .request_timeout_us = options->request_timeout_us,
                                      .handle = handle,
                                      .ended = ended,
                                      .data = g};
    failure = http_server_start(&http, &g->http, ret_url);
    if (failure == NULL) {
        atomic_store(&g->max_waiting, http_server_threads(g->http) / 2);
    }
    return failure;
}

status *gateway_start(const gateway_options *options, gateway **ret, char **ret_url)
{
    gateway *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    status *failure = start(g, options, ret_url);
    if (failure != NULL) {
        gateway_stop(g);
        return failure;
    }
    *ret = g;
    return NULL;
}

// Long waits must not hold up a stop: they end as their methods say, or fail with UNAVAILABLE,
// which tells clients to come again. Everything else gets its answer.
static void drain(gateway *g)
{
    http_server_quiesce(g->http);
    http_server_wait(g->http, atomic_load(&g->waiting), DRAIN_MS);
    upstream_stop(g->up);
    http_server_wait(g->http, 0, DRAIN_MS);
}

status *gateway_renew_https(gateway *g)
{
    return http_server_renew_tls(g->http);
}

void gateway_stop(gateway *g)
{
    if (g == NULL) {
        return;
    }
    if (g->http != NULL) {
        drain(g);
    }
    http_server_free(g->http);
    upstream_free(g->up);
    free(g->rules.listen_host);
    free_names(g->rules.hosts, g->rules.host_count);
    free_names(g->rules.origins, g->rules.origin_count);
    free(g);
}
