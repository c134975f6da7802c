// errandd-server - everything that runs in errandd: store, engine, RPC service, result pipeline,
// built-in workers and gateway.
#ifndef ERRAND_ERRANDD_SERVER_H
#define ERRAND_ERRANDD_SERVER_H

#include "errandd-settings.h"

#include "base/status.h"

typedef struct server server;

// server_start starts all of it; nothing is left when it fails. The settings are borrowed.
status *server_start(const settings *s, server **ret);

// server_announce prints where it listens, a line each.
void server_announce(const server *v);

// server_reload applies what the settings say by now of tokens, queues and certificates. What fails
// is logged and stays as it was.
void server_reload(server *v);

// server_stop waits for the jobs that run, as long as the settings allow, and frees the server.
void server_stop(server *v);

#endif
