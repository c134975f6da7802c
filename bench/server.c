// server - the data folder, the flags, the end.
#include "bench/server.h"
#include "bench/child.h"
#include "bench/folder.h"
#include "bench/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVER_LISTENERS 4  // two for RPC, two for results
#define PATH_SIZE        FOLDER_PATH_SIZE
#define SERVER_CALLS     "200000"  // that wait or are at work
#define SERVER_SESSIONS  "100000"

struct server {
    child *process;
    char folder[FOLDER_PATH_SIZE];
    char data[FOLDER_PATH_SIZE + 8];
};

static status *start_process(const bench_options *options, int64_t workers, server *s)
{
    char program[PATH_SIZE], count[24], per_host[24], ipc[PATH_SIZE + 32],
        results_ipc[PATH_SIZE + 32];
    (void) snprintf(program, sizeof program, "%s", options->errandd);
    (void) snprintf(count, sizeof count, "%lld", (long long) workers);
    (void) snprintf(per_host, sizeof per_host, "%lld", (long long) options->max_per_host);
    server_ipc_url(s, "rpc", ipc, sizeof ipc);
    server_ipc_url(s, "results", results_ipc, sizeof results_ipc);
    char data_flag[] = "--data", rpc_flag[] = "--rpc", results_flag[] = "--results";
    char http_flag[] = "--http", workers_flag[] = "--workers", level_flag[] = "--log-level";
    char any_port[] = "tcp://127.0.0.1:0", off[] = "off", level[] = "warn";
    char calls_flag[] = "--max-calls", calls[] = SERVER_CALLS;
    char sessions_flag[] = "--max-sessions", sessions[] = SERVER_SESSIONS;
    char per_host_flag[] = "--max-per-host";
    char *argv[] = {program,  data_flag,     s->data,  rpc_flag,     any_port,    rpc_flag,
                    ipc,      results_flag,  any_port, results_flag, results_ipc, http_flag,
                    off,      workers_flag,  count,    calls_flag,   calls,       sessions_flag,
                    sessions, per_host_flag, per_host, level_flag,   level,       NULL};
    return child_start(argv, SERVER_LISTENERS, &s->process);
}

status *server_start(const bench_options *options, int64_t workers, server **ret)
{
    AUTO(server) s = calloc(1, sizeof *s);
    if (!s)
        return status_errno(ENOMEM, "server");
    status *failure = folder_make(options, s->folder);
    if (failure)
        return failure;
    (void) snprintf(s->data, sizeof s->data, "%s/data", s->folder);
    failure = start_process(options, workers, s);
    if (!failure && (!server_rpc_ipc_url(s) || !server_results_url(s)))
        failure = status_new(STATUS_INTERNAL, "errandd did not name its listeners");
    if (failure)
        return failure;
    *ret = TAKE(s);
    return NULL;
}

static void free_server(server *s)
{
    folder_remove(s->folder);
    free(s);
}

status *server_stop(server *s)
{
    if (!s)
        return NULL;
    status *failure = child_stop(s->process);
    free_server(s);
    return failure;
}

void server_abandon(server *s)
{
    if (!s)
        return;
    child_kill(s->process);
    free_server(s);
}

status *server_restart(const bench_options *options, int64_t workers, server *s,
                       double *ret_seconds)
{
    status *failure = child_stop(TAKE(s->process));
    double start_s = monotonic_s();
    if (!failure)
        failure = start_process(options, workers, s);
    *ret_seconds = monotonic_s() - start_s;
    return failure;
}

pid_t server_pid(const server *s)
{
    return child_pid(s->process);
}

// The first listener is the tcp one, as the flags have it.
const char *server_rpc_url(const server *s)
{
    return child_url(s->process, "rpc", 0);
}

const char *server_rpc_ipc_url(const server *s)
{
    return child_url(s->process, "rpc", 1);
}

const char *server_results_url(const server *s)
{
    return child_url(s->process, "results", 0);
}

const char *server_results_ipc_url(const server *s)
{
    return child_url(s->process, "results", 1);
}

void server_ipc_url(const server *s, const char *name, char *ret_url, size_t size)
{
    (void) snprintf(ret_url, size, "ipc://%s/%s", s->folder, name);
}

double server_folder_mib(const server *s)
{
    return usage_folder_mib(s->data);
}

static status *open_client(const char *url, rpc_client **ret)
{
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = url;
    return rpc_client_open(&options, ret);
}

status *server_client(const server *s, rpc_client **ret)
{
    return open_client(server_rpc_url(s), ret);
}

status *server_ipc_client(const server *s, rpc_client **ret)
{
    return open_client(server_rpc_ipc_url(s), ret);
}
