// service - the RPC methods and the result collector: from messages to engine commands and back.
#ifndef ERRAND_SERVICE_SERVICE_H
#define ERRAND_SERVICE_SERVICE_H

#include "base/status.h"
#include "engine/engine.h"
#include "job/spec.h"
#include "rpc/server.h"
#include "service/access.h"
#include "service/page.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct service service;

// A named signing secret of callbacks, whsec_...
typedef struct service_secret {
    const char *name;
    const char *secret;
} service_secret;

typedef struct service_options {
    engine *engine;  // borrowed, like all pointers here
    store *store;
    job_limits limits;
    size_t max_message_bytes;
    size_t max_held_bytes;  // of pushed outcomes that are not stored yet; 0: 256 MiB
    int64_t lease_us;
    const service_secret *secrets;
    size_t secret_count;
    const page_key *page_key;  // copied; NULL: one of this run
    access_table *access;  // of the result pipeline, as the RPC server has it; NULL: everybody's
} service_options;

status *service_new(const service_options *options, service **ret);

// service_register adds all services to the server, before it listens.
void service_register(service *s, rpc_server *server);

// service_announce says where the server listens, for GetInfo; once, also while calls come in.
status *service_announce(service *s, char *const *rpc_urls, size_t rpc_count,
                         char *const *results_urls, size_t results_count);

// service_set_queue changes the settings of a queue that mask names (job/queue.h), and waits until
// that is stored. Not for the engine's threads.
status *service_set_queue(service *s, const char *name, const queue_settings *settings,
                          unsigned mask);

// service_drain makes GetInfo say `draining`.
void service_drain(service *s);
// service_stop ends what it does in the background, before the RPC server stops.
void service_stop(service *s);
void service_free(service *s);  // after the server has stopped; accepts NULL

// ---- the result pipeline ----

typedef struct collector collector;

// collector_open makes the PULL side; collector_listen binds it (tcp, tls+tcp, ipc, inproc) and
// writes the real URL, owned by the caller; files are of tls+tcp. collector_close waits for batches
// under way. Accepts NULL.
status *collector_open(service *s, collector **ret);
status *collector_listen(collector *c, const char *url, const tls_files *files, char **ret_url);
// collector_renew_tls reads the certificates again, for connections to come.
status *collector_renew_tls(collector *c, const tls_files *files);
void collector_close(collector *c);
size_t collector_held_bytes(collector *c);  // of outcomes that are not stored yet

#endif
