// pool - the workers as errandd and errand-worker run them: with handlers for the kinds built in.
#include "worker/pool.h"

#include "worker/exec_handler.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct pool {
    worker *http;
    worker *exec;  // NULL: no commands
};

void pool_options_init(pool_options *options)
{
    *options = (pool_options){.http = {.max_per_host = 256}};
    worker_options_init(&options->worker);
}

const char *const pool_kinds[] = {"http", "exec", NULL};

static bool is_served(const pool_options *options, const char *kind)
{
    for (size_t i = 0; i < options->kind_count; i++) {
        if (strcmp(options->kinds[i], kind) == 0) {
            return true;
        }
    }
    return options->kind_count == 0;
}

static status *start_http(const pool_options *options, pool *p)
{
    if (!is_served(options, "http")) {
        return NULL;
    }
    if (options->worker.concurrency == 0 && exec_commands_count(options->commands) > 0) {
        return NULL;
    }
    const worker_handler handler = {
        .kind = "http", .ops = &http_handler, .settings = &options->http};
    worker_options wanted = options->worker;
    wanted.handlers = &handler;
    wanted.handler_count = 1;
    return worker_start(&wanted, &p->http);
}

static status *start_exec(const pool_options *options, pool *p)
{
    if (!is_served(options, "exec") || exec_commands_count(options->commands) == 0) {
        return NULL;
    }
    const worker_handler handler = {
        .kind = "exec", .ops = &exec_handler, .settings = options->commands};
    worker_options wanted = options->worker;
    wanted.id = options->exec_id;
    wanted.connected = p->http == NULL ? wanted.connected : NULL;  // it is told once
    wanted.handlers = &handler;
    wanted.handler_count = 1;
    wanted.concurrency =
        options->processes > 0 ? options->processes : (int) uv_available_parallelism();
    return worker_start(&wanted, &p->exec);
}

status *pool_start(const pool_options *options, pool **ret)
{
    pool *p = calloc(1, sizeof *p);
    status *failure =
        p == NULL ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory") : start_http(options, p);
    failure = failure != NULL ? failure : start_exec(options, p);
    if (failure == NULL && p->http == NULL && p->exec == NULL) {
        failure = status_bad_field("kinds", "nothing is served: kind exec needs commands");
    }
    if (failure != NULL) {
        pool_stop(p, true);
        return failure;
    }
    *ret = p;
    return NULL;
}

void pool_stop(pool *p, bool now)
{
    if (p == NULL) {
        return;
    }
    if (p->http != NULL && p->exec != NULL) {
        worker_drain(p->exec);
        worker_drain(p->http);
    }
    worker_stop(p->exec, now);
    worker_stop(p->http, now);
    free(p);
}
