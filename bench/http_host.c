// http_host - their flags, and the folder of the one that keeps anything.
#include "bench/http_host.h"

#include "bench/child.h"
#include "bench/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PYTHON    "/usr/bin/python3"
#define PATH_SIZE (FOLDER_PATH_SIZE + 32)

struct http_host {
    child *process;
    char folder[FOLDER_PATH_SIZE];  // "": it has none
};

status *http_host_start_errandd(const bench_options *options, size_t connections, http_host **ret)
{
    char program[PATH_SIZE], data[PATH_SIZE], ipc[PATH_SIZE], count[24];
    AUTO(http_host) h = calloc(1, sizeof *h);
    if (!h)
        return status_errno(ENOMEM, "host");
    status *failure = folder_make(options, h->folder);
    if (failure)
        return failure;
    (void) snprintf(program, sizeof program, "%s", options->errandd);
    (void) snprintf(data, sizeof data, "%s/data", h->folder);
    (void) snprintf(ipc, sizeof ipc, "ipc://%s/rpc", h->folder);
    (void) snprintf(count, sizeof count, "%zu", connections);
    char data_flag[] = "--data", rpc_flag[] = "--rpc", results_flag[] = "--results";
    char http_flag[] = "--http", any_http[] = "127.0.0.1:0", any_port[] = "tcp://127.0.0.1:0";
    char workers_flag[] = "--workers", none[] = "0", level_flag[] = "--log-level", level[] = "warn";
    char connections_flag[] = "--http-connections";
    char *argv[] = {program, data_flag,        data,     rpc_flag,   any_port, rpc_flag,
                    ipc,     results_flag,     any_port, http_flag,  any_http, workers_flag,
                    none,    connections_flag, count,    level_flag, level,    NULL};
    failure = child_start(argv, 4, &h->process);
    if (!failure)
        *ret = TAKE(h);
    return failure;
}

status *http_host_start_gateway(const bench_options *options, const http_host *server,
                                http_host **ret)
{
    char program[PATH_SIZE], ipc[PATH_SIZE];
    AUTO(http_host) h = calloc(1, sizeof *h);
    if (!h)
        return status_errno(ENOMEM, "host");
    const char *slash = strrchr(options->errandd, '/');
    int size = slash ? (int) (slash - options->errandd) + 1 : 0;
    (void) snprintf(program, sizeof program, "%.*serrand-gateway", size, options->errandd);
    (void) snprintf(ipc, sizeof ipc, "ipc://%s/rpc", server->folder);
    char server_flag[] = "--server", http_flag[] = "--http", any_http[] = "127.0.0.1:0";
    char level_flag[] = "--log-level", level[] = "warn";
    char *argv[] = {program, server_flag, ipc, http_flag, any_http, level_flag, level, NULL};
    status *failure = child_start(argv, 1, &h->process);
    if (!failure)
        *ret = TAKE(h);
    return failure;
}

status *http_host_start_hello(http_host **ret)
{
    const char *const arguments[] = {"serve-hello", NULL};
    AUTO(http_host) h = calloc(1, sizeof *h);
    if (!h)
        return status_errno(ENOMEM, "host");
    status *failure = child_start_self(arguments, 1, &h->process);
    if (!failure)
        *ret = TAKE(h);
    return failure;
}

status *http_host_start_aiohttp(http_host **ret)
{
    char python[] = PYTHON, script[] = ERRAND_BENCH_HTTP_PEER;
    char *argv[] = {python, script, NULL};
    AUTO(http_host) h = calloc(1, sizeof *h);
    if (!h)
        return status_errno(ENOMEM, "host");
    status *failure = child_start(argv, 1, &h->process);
    if (!failure)
        *ret = TAKE(h);
    return failure;
}

bool http_host_has_aiohttp(void)
{
    // Our own words, no input.
    return access(PYTHON, X_OK) == 0 &&
           system(PYTHON " -c 'import aiohttp' 2>/dev/null") == 0;  // NOLINT(concurrency-mt-unsafe)
}

static void free_host(http_host *h)
{
    if (h->folder[0])
        folder_remove(h->folder);
    free(h);
}

status *http_host_stop(http_host *h)
{
    if (!h)
        return NULL;
    status *failure = child_stop(h->process);
    free_host(h);
    return failure;
}

void http_host_abandon(http_host *h)
{
    if (!h)
        return;
    child_kill(h->process);
    free_host(h);
}

const char *http_host_url(const http_host *h)
{
    return child_url(h->process, "http", 0);
}

const char *http_host_rpc_url(const http_host *h)
{
    return child_url(h->process, "rpc", 0);
}

pid_t http_host_pid(const http_host *h)
{
    return child_pid(h->process);
}

const char *http_host_folder(const http_host *h)
{
    return h->folder;
}
