// link - what a worker has of one server: opened, told who it is, and taken down.
#include "worker/internal.h"

#include "worker/answer.h"

#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_LEASE_US 30000000  // until the server says

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *status_from_error(errand_error *error)
{
    if (error == NULL) {
        return NULL;
    }
    status *failure = status_new((status_code) error->code, "%s", error->message);
    errand_error_free(error);
    return failure;
}

static void describe(worker_link *l)
{
    worker *w = l->w;
    errand__v1__worker__init(&l->self);
    l->self.id = l->id;
    l->self.host = w->host;
    l->self.pid = (int32_t) getpid();
    l->self.n_queues = w->options.queue_count;
    l->self.queues = w->queues;
    l->self.n_kinds = w->options.handler_count;
    l->self.kinds = w->kinds;
    l->self.concurrency = w->options.concurrency;
}

// Each server knows the worker by an id of its own: two addresses may lead to the same server, or
// to two with one store, and the numbers of Leases and batches must not mix.
static void identify(worker_link *l)
{
    worker *w = l->w;
    uuid fresh = uuid_new_v7(clock_wall_us(w->clock));
    const uuid *wanted = l == w->links ? w->options.id : NULL;
    (void) uuid_format(wanted != NULL ? wanted : &fresh, l->id);
}

static status *connect_server(worker_link *l)
{
    const worker_options *wanted = &l->w->options;
    errand_client_options options = {
        .url = l->rpc_url,
        .token = wanted->token,
        .max_message_bytes = wanted->max_message_bytes,
        .max_in_flight = 16,
        .tls_ca = wanted->tls.ca,
        .tls_cert = wanted->tls.cert,
        .tls_key = wanted->tls.key,
        .tls_server_name = wanted->tls.server_name,
    };
    status *failure = status_from_error(errand_client_open(&options, &l->client));
    return failure != NULL ? failure : push_open(l);
}

status *link_open(worker *w, worker_link *l, const worker_server *server)
{
    l->w = w;
    l->lease_us = DEFAULT_LEASE_US;
    heartbeat_plan_init(&l->beats, DEFAULT_LEASE_US);
    l->expiry_us = INT64_MAX;
    l->learns = server->results_url == NULL;
    l->rpc_url = strdup(server->rpc_url);
    l->results_url = l->learns ? NULL : strdup(server->results_url);
    if (l->rpc_url == NULL || (!l->learns && l->results_url == NULL)) {
        return no_memory();
    }
    identify(l);
    describe(l);
    outbox_init(&l->source.outbox, l->id, w->authorization, w->options.max_message_bytes / 8);
    return connect_server(l);
}

void link_close(worker_link *l)
{
    pipeline_close(l->pipeline);
    l->pipeline = NULL;
    errand_client_close(l->client);
    l->client = NULL;
}

void link_free(worker_link *l)
{
    lease_close(l);
    outbox_fini(&l->source.outbox);
    free(l->rpc_url);
    free(l->results_url);
}
