// errandd-server - everything that runs in errandd, started bottom up and taken down top down.
#include "errandd-server.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "gateway/gateway.h"
#include "job/queue_text.h"
#include "rpc/server.h"
#include "rpc/threads.h"
#include "service/service.h"
#include "store/sqlite.h"
#include "worker/pool.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPROC_RPC        "inproc://errandd-rpc"
#define INPROC_RESULTS    "inproc://errandd-results"
#define ANSWERS_MS        2000  // at the end: for calls that are being answered
#define WORKER_COUNT      2     // built in: of http jobs, of commands
#define SERVED_PER_WORKER 100   // names and pairs of queues and kinds, on average
#define RESERVED_PART     16    // of max_calls, for those that do not wait

struct server {
    const settings *settings;
    rpc_threads *threads;
    store *store;
    engine *engine;
    access_table *access;
    service *service;
    service_secret *secrets;
    rpc_server *rpc;
    collector *collector;
    uuid worker_ids[WORKER_COUNT];
    exec_commands *commands;
    bool trusting;                  // at the start: see settings_trusting
    atomic_bool private_withdrawn;  // from http jobs: tokens have come since
    pool *worker;
    gateway *gateway;
    char worker_token[TOKEN_TEXT_SIZE], gateway_token[TOKEN_TEXT_SIZE];
    char *rpc_urls[MAX_URLS], *results_urls[MAX_URLS], *http_url;
    size_t rpc_count, results_count;
};

static status *start_threads(server *v)
{
    return rpc_threads_halve(&v->threads);
}

// What is read first of a store may be where it is damaged; the store alone knows its folder.
static status *named(const char *data, status *failure)
{
    if (failure == NULL) {
        return NULL;
    }
    status *told = status_new(failure->code, "%s: %s", data, failure->message);
    status_free(failure);
    return told;
}

static status *start_store(server *v)
{
    status *failure = store_sqlite_open(v->settings->data, &v->store);
    if (failure != NULL) {
        return failure;
    }
    engine_options options;
    engine_options_init(&options);
    options.store = v->store;
    options.callers_lead = true;
    options.own_workers = v->worker_ids;
    options.own_worker_count = WORKER_COUNT;
    options.max_sessions = (size_t) v->settings->max_sessions;
    options.max_served = options.max_sessions * SERVED_PER_WORKER;
    options.max_leases = (size_t) v->settings->max_leases;
    options.max_routes = (size_t) v->settings->max_routes;
    options.max_queues = (size_t) v->settings->max_queues;
    options.max_named_queues = (size_t) v->settings->metrics_queues;
    options.max_feed_changes = (size_t) v->settings->watch_history;
    if ((int64_t) options.max_reply_bytes > v->settings->max_message / 4) {
        options.max_reply_bytes = (size_t) v->settings->max_message / 4;
    }
    return named(v->settings->data, engine_start(&options, &v->engine));
}

// The parts of the server itself call it like any other program, with tokens of this run.
static status *start_access(server *v)
{
    status *failure = access_new(&v->access);
    if (failure != NULL) {
        return failure;
    }
    access_add_own(v->access, "errandd", ACCESS_WORK, v->worker_token);
    access_add_own(v->access, "gateway", ACCESS_ANY, v->gateway_token);
    return access_load(v->access, &v->settings->tokens);
}

static status *start_service(server *v)
{
    const settings *s = v->settings;
    v->secrets = calloc(s->webhook_secrets.count + 1, sizeof *v->secrets);
    if (v->secrets == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < s->webhook_secrets.count; i++) {
        v->secrets[i] =
            (service_secret){s->webhook_secrets.pairs[i].key, s->webhook_secrets.pairs[i].value};
    }
    const page_key key = page_key_open(s->data);
    const service_options options = {
        .engine = v->engine,
        .store = v->store,
        .limits = {(size_t) s->max_input, (size_t) s->max_result},
        .max_message_bytes = (size_t) s->max_message,
        .max_held_bytes = (size_t) s->max_pending_results,
        .lease_us = 30 * 1000000LL,
        .secrets = v->secrets,
        .secret_count = s->webhook_secrets.count,
        .page_key = &key,
        .access = v->access,
    };
    return service_new(&options, &v->service);
}

// What the configuration says of a queue is set like by hand; the rest of its settings stays.
static status *declare_queues(server *v)
{
    const config_map *queues = &v->settings->queues;
    status *failure = NULL;
    for (size_t i = 0; failure == NULL && i < queues->count; i++) {
        queue_settings wanted;
        unsigned mask = 0;
        queue_settings_init(&wanted);
        (void) queue_text_read(queues->pairs[i].value, &wanted, &mask);
        failure = service_set_queue(v->service, queues->pairs[i].key, &wanted, mask);
    }
    return failure;
}

static status *listen_results(server *v)
{
    char *unused = NULL;
    const tls_files tls = settings_tls(v->settings);
    status *failure = collector_open(v->service, &v->collector);
    if (failure == NULL) {
        failure = collector_listen(v->collector, INPROC_RESULTS, &tls, &unused);
        free(unused);
    }
    for (size_t i = 0; failure == NULL && i < v->settings->results.count; i++) {
        failure = collector_listen(v->collector, v->settings->results.items[i], &tls,
                                   &v->results_urls[i]);
        v->results_count += failure == NULL;
    }
    return failure;
}

static void together(void *data, bool begins)
{
    engine_together(data, begins);
}

static status *listen_rpc(server *v)
{
    char *unused = NULL;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_message_bytes = (size_t) v->settings->max_message;
    options.max_calls = (size_t) v->settings->max_calls;
    options.reserved_calls = options.max_calls / RESERVED_PART;
    options.max_parked_per_peer = (size_t) v->settings->max_waiting_per_connection;
    options.authorize = access_authorize;
    options.authorize_data = v->access;
    options.together = together;
    options.together_data = v->engine;
    options.tls = settings_tls(v->settings);
    status *failure = rpc_server_new(&options, &v->rpc);
    if (failure != NULL) {
        return failure;
    }
    service_register(v->service, v->rpc);
    failure = rpc_server_listen(v->rpc, INPROC_RPC, &unused);
    free(unused);
    for (size_t i = 0; failure == NULL && i < v->settings->rpc.count; i++) {
        failure = rpc_server_listen(v->rpc, v->settings->rpc.items[i], &v->rpc_urls[i]);
        v->rpc_count += failure == NULL;
    }
    return failure != NULL ? failure
                           : service_announce(v->service, v->rpc_urls, v->rpc_count,
                                              v->results_urls, v->results_count);
}

static status *start_worker(server *v)
{
    const settings *s = v->settings;
    const worker_server self = {.rpc_url = INPROC_RPC, .results_url = INPROC_RESULTS};
    pool_options options;
    if (s->workers == 0) {
        if (s->commands.count > 0) {
            log_warn("commands_not_run", LOG_STR("reason", "workers is 0"));
        }
        return NULL;
    }
    status *failure = exec_commands_open(&s->commands, &v->commands);
    if (failure != NULL) {
        return failure;
    }
    pool_options_init(&options);
    options.worker.id = &v->worker_ids[0];
    options.exec_id = &v->worker_ids[1];
    options.commands = v->commands;
    options.processes = (int) s->processes;
    options.worker.servers = &self;
    options.worker.server_count = 1;
    options.worker.token = v->worker_token;
    options.worker.concurrency = (int) s->workers;
    options.worker.max_message_bytes = (size_t) s->max_message;
    options.worker.max_result_bytes = (size_t) s->max_result;
    options.worker.max_held_bytes = (size_t) s->max_buffered;
    options.worker.drain_timeout_us = s->drain_timeout;
    options.http.max_per_host = (size_t) s->max_per_host;
    v->trusting = settings_trusting(s);
    options.http.allow_private_addresses = s->allow_private_addresses || v->trusting;
    options.http.private_withdrawn = s->allow_private_addresses ? NULL : &v->private_withdrawn;
    return pool_start(&options, &v->worker);
}

static status *start_gateway(server *v)
{
    const settings *s = v->settings;
    gateway_options options;
    if (s->http.address == NULL) {
        return NULL;
    }
    gateway_options_init(&options);
    options.listen = s->http.address;
    options.https = (https_files){.cert = s->http_tls_cert, .key = s->http_tls_key};
    options.server = v->rpc;
    options.token = v->gateway_token;
    options.threads = (size_t) s->http_connections;
    options.access_log = s->access_log;
    options.max_streams = (size_t) s->http_streams;
    options.max_body_bytes = (size_t) s->max_body;
    options.max_message_bytes = (size_t) s->max_message;
    options.origins = (const char *const *) s->origins.items;
    options.origin_count = s->origins.count;
    options.allow_credentials = s->origin_credentials;
    options.require_connect_version = s->require_connect_version;
    options.hosts = (const char *const *) s->hosts.items;
    options.host_count = s->hosts.count;
    return gateway_start(&options, &v->gateway, &v->http_url);
}

void server_announce(const server *v)
{
    for (size_t i = 0; i < v->rpc_count; i++) {
        (void) printf("listening rpc %s\n", v->rpc_urls[i]);
    }
    for (size_t i = 0; i < v->results_count; i++) {
        (void) printf("listening results %s\n", v->results_urls[i]);
    }
    if (v->http_url != NULL) {
        (void) printf("listening http %s\n", v->http_url);
    }
    (void) fflush(stdout);
}

static status *start_all(server *v)
{
    static status *(*const steps[])(server *) = {
        start_threads,  start_store, start_access, start_service, declare_queues,
        listen_results, listen_rpc,  start_worker, start_gateway,
    };
    status *failure = NULL;
    for (size_t i = 0; failure == NULL && i < sizeof steps / sizeof steps[0]; i++) {
        failure = steps[i](v);
    }
    return failure;
}

// now: a start that failed does not wait for jobs that were begun meanwhile.
static void drain(server *v, bool now)
{
    if (v->service != NULL) {
        service_drain(v->service);
    }
    if (v->engine != NULL) {
        engine_drain(v->engine);
    }
    pool_stop(v->worker, now);
    if (v->service != NULL) {
        service_stop(v->service);
    }
    gateway_stop(v->gateway);
    if (v->rpc != NULL) {
        rpc_server_stop(v->rpc, ANSWERS_MS);
    }
    collector_close(v->collector);
}

static void take_down(server *v, bool now)
{
    drain(v, now);
    if (v->engine != NULL) {
        engine_stop(v->engine);
    }
    rpc_server_free(v->rpc);
    service_free(v->service);
    access_free(v->access);
    engine_free(v->engine);
    if (v->store != NULL) {
        v->store->ops->close(v->store);
    }
    for (size_t i = 0; i < MAX_URLS; i++) {
        free(v->rpc_urls[i]);
        free(v->results_urls[i]);
    }
    rpc_threads_restore(v->threads);
    free(v->http_url);
    exec_commands_free(v->commands);
    free(v->secrets);
    free(v);
}

status *server_start(const settings *s, server **ret)
{
    server *v = calloc(1, sizeof *v);
    if (v == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    v->settings = s;
    // The built-in workers have the same ids in every run: so the engine knows whose jobs were
    // left.
    for (uint32_t i = 0; i < WORKER_COUNT; i++) {
        v->worker_ids[i] = uuid_derive("errandd", "built-in worker", i);
    }
    status *failure = start_all(v);
    if (failure != NULL) {
        take_down(v, true);
        return failure;
    }
    *ret = v;
    return NULL;
}

void server_stop(server *v)
{
    take_down(v, false);
}

// ---- reload ----

// With the first tokens those who may submit are no longer those who may use the host. That stays
// so until the next start, like the need of a token.
static void withdraw_private(server *v)
{
    const settings *s = v->settings;
    if (!v->trusting || s->allow_private_addresses || settings_trusting(s) ||
        atomic_exchange(&v->private_withdrawn, true)) {
        return;
    }
    log_warn(
        "private_addresses_closed",
        LOG_STR("reason", "there are tokens; allow_private_addresses opens them to http jobs"));
}

// The files may have changed, whatever their names.
static status *renew_certificates(server *v)
{
    const tls_files files = settings_tls(v->settings);
    if (!settings_any_tls(v->settings)) {
        return NULL;
    }
    status *failure = rpc_server_renew_tls(v->rpc);
    if (failure == NULL) {
        failure = collector_renew_tls(v->collector, &files);
    }
    if (failure == NULL) {
        log_info("certificates_renewed", LOG_STR("cert", files.cert));
    }
    return failure;
}

void server_reload(server *v)
{
    withdraw_private(v);
    status *failures[] = {access_load(v->access, &v->settings->tokens), declare_queues(v),
                          renew_certificates(v),
                          v->gateway != NULL ? gateway_renew_https(v->gateway) : NULL};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i] != NULL) {
            log_error("reload_failed", LOG_STATUS(failures[i]));
        }
        status_free(failures[i]);
    }
}
