// http_host - programs that answer HTTP, started for a measurement.
#ifndef ERRAND_BENCH_HTTP_HOST_H
#define ERRAND_BENCH_HTTP_HOST_H

#include "base/cleanup.h"
#include "base/status.h"
#include "bench/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct http_host http_host;

// http_host_start_errandd starts a server without workers. As many connections may be open.
status *http_host_start_errandd(const bench_options *options, size_t connections, http_host **ret);
// http_host_start_gateway starts an errand-gateway before it, over ipc. It has to go first.
status *http_host_start_gateway(const bench_options *options, const http_host *server,
                                http_host **ret);
status *http_host_start_hello(http_host **ret);
// http_host_start_aiohttp starts the program of http_peer.py.
status *http_host_start_aiohttp(http_host **ret);
bool http_host_has_aiohttp(void);

status *http_host_stop(http_host *h);  // accepts NULL
void http_host_abandon(http_host *h);
DEFINE_AUTO(http_host, http_host_abandon)

const char *http_host_url(const http_host *h);      // http://127.0.0.1:PORT
const char *http_host_rpc_url(const http_host *h);  // of an errandd, tcp
pid_t http_host_pid(const http_host *h);
const char *http_host_folder(const http_host *h);  // of an errandd

#endif
