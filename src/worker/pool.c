// pool - the worker as errandd and errand-worker run it: with handlers for the kinds built in.
#include "worker/pool.h"

void pool_options_init(pool_options *options)
{
    *options = (pool_options){.http = {.max_per_host = 256}};
    worker_options_init(&options->worker);
}

status *pool_start(const pool_options *options, worker **ret)
{
    const worker_handler handlers[] = {
        {.kind = "http", .ops = &http_handler, .settings = &options->http},
    };
    worker_options wanted = options->worker;
    wanted.handlers = handlers;
    wanted.handler_count = sizeof handlers / sizeof handlers[0];
    return worker_start(&wanted, ret);
}
