// server - an errandd of our own with an empty data folder on disk.
#ifndef ERRAND_BENCH_SERVER_H
#define ERRAND_BENCH_SERVER_H

#include "base/cleanup.h"
#include "base/status.h"
#include "bench/options.h"
#include "rpc/client.h"

#include <stdint.h>
#include <sys/types.h>

typedef struct server server;

// server_start starts errandd with that many built-in workers (0: none), without HTTP.
status *server_start(const bench_options *options, int64_t workers, server **ret);

// server_stop ends it with SIGTERM and removes the data folder; the failure says how that went
// wrong. Accepts NULL. server_abandon is for paths that fail already.
status *server_stop(server *s);
void server_abandon(server *s);
DEFINE_AUTO(server, server_abandon)

// server_restart ends it and starts it again over the same folder, at new addresses; ret_seconds is
// from then until it listens.
status *server_restart(const bench_options *options, int64_t workers, server *s,
                       double *ret_seconds);

pid_t server_pid(const server *s);
const char *server_rpc_url(const server *s);      // tcp
const char *server_rpc_ipc_url(const server *s);  // ipc
const char *server_results_url(const server *s);  // tcp
const char *server_results_ipc_url(const server *s);
// server_ipc_url writes an ipc URL in the folder of the server, for others to listen on.
void server_ipc_url(const server *s, const char *name, char *ret_url, size_t size);
double server_folder_mib(const server *s);

// server_client opens a client of it, over tcp; server_ipc_client over ipc.
status *server_client(const server *s, rpc_client **ret);
status *server_ipc_client(const server *s, rpc_client **ret);
DEFINE_AUTO(rpc_client, rpc_client_close)

#endif
