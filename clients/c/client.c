// client - the public client: a thin face over rpc/client.
#include "client.h"
#include "error.h"

#include "base/cleanup.h"
#include "base/status.h"
#include "rpc/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct errand_client {
    rpc_client *rpc;
    pthread_mutex_t lock;  // of what follows; within it those of rpc/client
    int references;        // the owner's, and those of watches
    bool closed;
};

// Metadata value for a token: NULL for NULL (the client's own), "" for "" (none).
static status *authorization_new(const char *token, char **ret)
{
    char *text = NULL;
    if (token != NULL && asprintf(&text, "%s%s", *token == '\0' ? "" : "Bearer ", token) < 0) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    *ret = text;
    return NULL;
}

static void fill_rpc_options(const errand_client_options *options, rpc_client_options *ret)
{
    rpc_client_options_init(ret);
    ret->url = ERRAND_DEFAULT_URL;
    if (options == NULL) {
        return;
    }
    if (options->url != NULL) {
        ret->url = options->url;
    }
    if (options->max_message_bytes != 0) {
        ret->max_message_bytes = options->max_message_bytes;
    }
    if (options->max_in_flight != 0) {
        ret->max_in_flight = options->max_in_flight;
    }
    if (options->timeout_ms > 0) {
        ret->default_timeout_ms = options->timeout_ms;
    }
    ret->connect_timeout_ms = options->connect_timeout_ms;
    ret->tls = (tls_files){.ca = options->tls_ca,
                           .cert = options->tls_cert,
                           .key = options->tls_key,
                           .server_name = options->tls_server_name};
}

errand_error *errand_client_open(const errand_client_options *options, errand_client **ret)
{
    rpc_client_options rpc_options;
    fill_rpc_options(options, &rpc_options);
    const char *token = options == NULL ? NULL : options->token;
    AUTO_FREE char *authorization = NULL;
    status *failure =
        authorization_new(token != NULL && *token != '\0' ? token : NULL, &authorization);
    if (failure != NULL) {
        return error_from(failure);
    }
    rpc_options.authorization = authorization;
    AUTO_FREE errand_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return error_no_memory();
    }
    failure = rpc_client_open(&rpc_options, &client->rpc);
    if (failure != NULL) {
        return error_from(failure);
    }
    client->references = 1;
    (void) pthread_mutex_init(&client->lock, NULL);
    *ret = TAKE(client);
    return NULL;
}

void errand_client_close(errand_client *client)
{
    if (client == NULL) {
        return;
    }
    pthread_mutex_lock(&client->lock);
    client->closed = true;
    pthread_mutex_unlock(&client->lock);
    rpc_client_close(client->rpc);
    client_let_go(client);
}

errand_client *client_hold(errand_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->references++;
    pthread_mutex_unlock(&client->lock);
    return client;
}

void client_let_go(errand_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool last = --client->references == 0;
    pthread_mutex_unlock(&client->lock);
    if (last) {
        (void) pthread_mutex_destroy(&client->lock);
        free(client);
    }
}

bool client_enter(errand_client *client)
{
    pthread_mutex_lock(&client->lock);
    if (client->closed) {
        pthread_mutex_unlock(&client->lock);
        return false;
    }
    return true;
}

void client_leave(errand_client *client)
{
    pthread_mutex_unlock(&client->lock);
}

void errand_client_reconnect(errand_client *client)
{
    rpc_client_reconnect(client->rpc);
}

bool errand_client_is_connected(errand_client *client)
{
    return rpc_client_is_connected(client->rpc);
}

// The options of one call as rpc/client wants them; *ret_authorization owns what they point to.
static status *fill_call_options(const errand_call_options *options, rpc_call_options *ret,
                                 char **ret_authorization)
{
    *ret = (rpc_call_options){0};
    *ret_authorization = NULL;
    if (options == NULL) {
        return NULL;
    }
    status *failure = authorization_new(options->token, ret_authorization);
    if (failure != NULL) {
        return failure;
    }
    ret->timeout_ms = options->timeout_ms;
    ret->request_id = options->request_id;
    ret->traceparent = options->traceparent;
    ret->once = options->once;
    ret->ends = options->ends;
    ret->prompt = options->prompt;
    ret->authorization = *ret_authorization;
    return NULL;
}

errand_error *errand_call(errand_client *client, const ProtobufCServiceDescriptor *service,
                          const char *method, const ProtobufCMessage *request,
                          const errand_call_options *options, ProtobufCMessage **ret_reply)
{
    rpc_call_options rpc_options;
    AUTO_FREE char *authorization = NULL;
    status *failure = fill_call_options(options, &rpc_options, &authorization);
    if (failure == NULL) {
        failure = rpc_client_call(client->rpc, service, method, request, &rpc_options, ret_reply);
    }
    return error_from(failure);
}

// One call started by errand_start, until its done function has run.
typedef struct started_call {
    errand_done_fn *done;
    void *data;
} started_call;

static void finish_started(void *data, const ProtobufCMessage *reply, const status *failure)
{
    started_call call = *(started_call *) data;
    free(data);
    errand_error *error = error_view(failure);
    call.done(call.data, reply, error);
    errand_error_free(error);
}

// NOLINTNEXTLINE(readability-function-size): errand_call's arguments, and who is told.
void errand_start(errand_client *client, const ProtobufCServiceDescriptor *service,
                  const char *method, const ProtobufCMessage *request,
                  const errand_call_options *options, errand_done_fn *done, void *data)
{
    rpc_call_options rpc_options;
    AUTO_FREE char *authorization = NULL;
    AUTO(status) failure = fill_call_options(options, &rpc_options, &authorization);
    started_call *call = failure == NULL ? malloc(sizeof *call) : NULL;
    if (call == NULL) {
        done(data, NULL, error_no_memory());
        return;
    }
    *call = (started_call){.done = done, .data = data};
    rpc_client_start(client->rpc, service, method, request, &rpc_options, finish_started, call);
}
