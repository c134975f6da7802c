// errandd - the server: store, engine, RPC service, result pipeline, built-in workers and gateway.
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/program.h"
#include "engine/engine.h"
#include "gateway/gateway.h"
#include "job/queue_text.h"
#include "job/spec.h"
#include "rpc/server.h"
#include "rpc/threads.h"
#include "service/service.h"
#include "store/sqlite.h"
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPROC_RPC     "inproc://errandd-rpc"
#define INPROC_RESULTS "inproc://errandd-results"
#define MAX_URLS       16
#define ANSWERS_MS     2000  // at the end: for calls that are being answered

typedef struct settings {
    char *data;
    config_list rpc;
    config_list results;
    config_listen http;
    int64_t http_connections;
    int64_t http_streams;
    int64_t workers;
    int64_t max_per_host;
    bool allow_private_addresses;
    int64_t drain_timeout;
    int64_t max_message;
    int64_t max_input;
    int64_t max_result;
    int64_t max_body;
    config_list origins;
    config_list hosts;
    config_map webhook_secrets;
    config_map queues;
    int log_level;
    int log_format;
} settings;

static const char *const url_schemes[] = {"tcp://", "ipc://", NULL};

// clang-format off
static const config_row rows[] = {
    {.key = "data", .type = CONFIG_STRING, .fallback = "./errand-data", .value_name = "DIR",
     .help = "directory of the store", CONFIG_FIELD(settings, data)},
    {.key = "rpc", .type = CONFIG_LIST, .fallback = "tcp://127.0.0.1:6710", .value_name = "URL", .names = url_schemes, .max = MAX_URLS,
     .help = "address of the RPC service", CONFIG_FIELD(settings, rpc)},
    {.key = "results", .type = CONFIG_LIST, .fallback = "tcp://127.0.0.1:6711", .value_name = "URL", .names = url_schemes, .max = MAX_URLS,
     .help = "address of the result pipeline", CONFIG_FIELD(settings, results)},
    {.key = "http", .type = CONFIG_LISTEN, .fallback = "127.0.0.1:6780",
     .help = "address of the HTTP gateway, or off", CONFIG_FIELD(settings, http)},
    {.key = "http_connections", .type = CONFIG_INT, .fallback = "2560", .min = 8, .max = 100000,
     .help = "HTTP connections open at once", CONFIG_FIELD(settings, http_connections)},
    {.key = "http_streams", .type = CONFIG_INT, .fallback = "512", .max = 50000,
     .help = "event streams open at once, half of the connections at most", CONFIG_FIELD(settings, http_streams)},
    {.key = "workers", .type = CONFIG_INT, .fallback = "256", .max = 65536,
     .help = "jobs that the built-in workers run at once; 0: none", CONFIG_FIELD(settings, workers)},
    {.key = "max_per_host", .type = CONFIG_INT, .fallback = "256", .max = 65536,
     .help = "connections of the built-in workers to one host at once; 0: no limit", CONFIG_FIELD(settings, max_per_host)},
    {.key = "allow_private_addresses", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether http jobs may reach loopback and private addresses even though the server is bound beyond loopback",
     CONFIG_FIELD(settings, allow_private_addresses)},
    {.key = "drain_timeout", .type = CONFIG_DURATION, .fallback = "30s", .max = 3600000000,
     .help = "time for running jobs to end when the server is stopped", CONFIG_FIELD(settings, drain_timeout)},
    {.key = "max_message", .type = CONFIG_SIZE, .fallback = "32MiB", .min = 65536, .max = (int64_t) 1 << 30,
     .help = "largest RPC message", CONFIG_FIELD(settings, max_message)},
    {.key = "max_input", .type = CONFIG_SIZE, .fallback = "8MiB", .min = 1024, .max = (int64_t) 1 << 29,
     .help = "largest input of a job", CONFIG_FIELD(settings, max_input)},
    {.key = "max_result", .type = CONFIG_SIZE, .fallback = "16MiB", .min = 1024, .max = (int64_t) 1 << 29,
     .help = "largest result of a job", CONFIG_FIELD(settings, max_result)},
    {.key = "max_body", .type = CONFIG_SIZE, .fallback = "16MiB", .min = 1024, .max = (int64_t) 1 << 29,
     .help = "largest HTTP request body", CONFIG_FIELD(settings, max_body)},
    {.key = "origins", .type = CONFIG_LIST, .value_name = "ORIGIN",
     .help = "origins of web pages that may call the gateway", CONFIG_FIELD(settings, origins)},
    {.key = "hosts", .type = CONFIG_LIST, .value_name = "NAME",
     .help = "further names by which the gateway may be addressed", CONFIG_FIELD(settings, hosts)},
    {.key = "webhook_secrets", .type = CONFIG_MAP, .secret = true,
     .accepts = job_secret_is_good, .accepted = "whsec_ with the base64 of 24 to 64 bytes",
     .help = "signing secrets of callbacks by name, whsec_...", CONFIG_FIELD(settings, webhook_secrets)},
    {.key = "queues", .type = CONFIG_MAP, .value_name = "NAME=SETTINGS", .reloadable = true, .max = 100000,
     .accepts = queue_text_is_good, .accepted = QUEUE_TEXT_FORM,
     .help = "settings of queues by name, given to them at the start and at a reload", CONFIG_FIELD(settings, queues)},
    {.key = "log_level", .type = CONFIG_CHOICE, .fallback = "info", .names = program_log_levels,
     .help = "least important messages to log", .reloadable = true, CONFIG_FIELD(settings, log_level)},
    {.key = "log_format", .type = CONFIG_CHOICE, .fallback = "text", .names = program_log_formats,
     .help = "form of the log on standard error", .reloadable = true, CONFIG_FIELD(settings, log_format)},
};

static const config_section sections[] = {
    {.title = "SIGNALS",
     .text = "SIGTERM and SIGINT drain: no more jobs are started, running ones may end within drain_timeout, "
             "the rest is given back. A second signal leaves at once. Nothing that was acknowledged is lost either way.\n\n"
             "SIGHUP reads the settings again, takes those that can be changed in a running server, and logs which "
             "of the others have changed."},
};

static const config_program config = {
    .name = "errandd",
    .summary = "background work for any service, without a broker",
    .description = "Takes jobs over RPC and HTTP, keeps them on disk, has workers run them, and keeps the results.",
    .version = ERRAND_VERSION,
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .sections = sections,
    .section_count = sizeof sections / sizeof sections[0],
    .settings_size = sizeof(settings),
};
// clang-format on

// Everything that runs, bottom up.
typedef struct server {
    const settings *settings;
    rpc_threads *threads;
    store *store;
    engine *engine;
    service *service;
    service_secret *secrets;
    rpc_server *rpc;
    collector *collector;
    uuid worker_id;
    worker *worker;
    gateway *gateway;
    char *rpc_urls[MAX_URLS], *results_urls[MAX_URLS], *http_url;
    size_t rpc_count, results_count;
} server;

static status *start_threads(server *v)
{
    return rpc_threads_halve(&v->threads);
}

static settings loaded;

// What a message must have beside a job or a result: names, headers, times.
#define MESSAGE_RESERVE 65536

// Each has to fit into one message, and a job may take more room there than when it was submitted.
static status *check_sizes(void)
{
    const settings *s = &loaded;
    int64_t largest = s->max_message / 4 * 3 - MESSAGE_RESERVE;
    const char *key = s->max_input > largest ? "max_input" : "max_result";
    int64_t found = s->max_input > largest ? s->max_input : s->max_result;
    if (found <= largest) {
        return NULL;
    }
    return status_bad_field(key,
                            "found %lld bytes, expected at most %lld: a message of max_message, "
                            "%lld bytes, can carry no more",
                            (long long) found, (long long) (largest > 0 ? largest : 0),
                            (long long) s->max_message);
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
    options.own_worker = &v->worker_id;
    if ((int64_t) options.max_reply_bytes > v->settings->max_message / 4) {
        options.max_reply_bytes = (size_t) v->settings->max_message / 4;
    }
    return engine_start(&options, &v->engine);
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
    const service_options options = {
        .engine = v->engine,
        .store = v->store,
        .limits = {(size_t) s->max_input, (size_t) s->max_result},
        .max_message_bytes = (size_t) s->max_message,
        .lease_us = 30 * 1000000LL,
        .secrets = v->secrets,
        .secret_count = s->webhook_secrets.count,
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
    status *failure = collector_open(v->service, &v->collector);
    if (failure == NULL) {
        failure = collector_listen(v->collector, INPROC_RESULTS, &unused);
        free(unused);
    }
    for (size_t i = 0; failure == NULL && i < v->settings->results.count; i++) {
        failure =
            collector_listen(v->collector, v->settings->results.items[i], &v->results_urls[i]);
        v->results_count += failure == NULL;
    }
    return failure;
}

static status *listen_rpc(server *v)
{
    char *unused = NULL;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_message_bytes = (size_t) v->settings->max_message;
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

static bool is_local(const char *url)
{
    return strncmp(url, "ipc://", 6) == 0 || strncmp(url, "tcp://127.", 10) == 0 ||
           strncmp(url, "tcp://localhost:", 16) == 0 || strncmp(url, "tcp://[::1]", 11) == 0;
}

static bool are_local(const config_list *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (!is_local(urls->items[i])) {
            return false;
        }
    }
    return true;
}

// Bound to loopback only and without tokens: whoever can submit can reach these addresses anyway.
static bool loopback_only(const settings *s)
{
    if (!are_local(&s->rpc) || !are_local(&s->results)) {
        return false;
    }
    const char *http = s->http.address;
    return http == NULL || strncmp(http, "127.", 4) == 0 || strncmp(http, "localhost:", 10) == 0 ||
           strncmp(http, "[::1]", 5) == 0;
}

static status *start_worker(server *v)
{
    const settings *s = v->settings;
    worker_options options;
    if (s->workers == 0) {
        return NULL;
    }
    worker_options_init(&options);
    options.id = &v->worker_id;
    options.rpc_url = INPROC_RPC;
    options.results_url = INPROC_RESULTS;
    options.concurrency = (int) s->workers;
    options.max_message_bytes = (size_t) s->max_message;
    options.max_result_bytes = (size_t) s->max_result;
    options.max_per_host = (size_t) s->max_per_host;
    options.allow_private_addresses = s->allow_private_addresses || loopback_only(s);
    options.drain_timeout_us = s->drain_timeout;
    return worker_start(&options, &v->worker);
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
    options.rpc_url = INPROC_RPC;
    options.threads = (size_t) s->http_connections;
    options.max_streams = (size_t) s->http_streams;
    options.max_body_bytes = (size_t) s->max_body;
    options.max_message_bytes = (size_t) s->max_message;
    options.origins = (const char *const *) s->origins.items;
    options.origin_count = s->origins.count;
    options.hosts = (const char *const *) s->hosts.items;
    options.host_count = s->hosts.count;
    return gateway_start(&options, &v->gateway, &v->http_url);
}

static void announce(const server *v)
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

static status *start(server *v)
{
    static status *(*const steps[])(server *) = {
        start_threads,  start_store, start_service, declare_queues,
        listen_results, listen_rpc,  start_worker,  start_gateway,
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
    worker_stop(v->worker, now);
    if (v->service != NULL) {
        service_stop(v->service);
    }
    gateway_stop(v->gateway);
    if (v->rpc != NULL) {
        rpc_server_stop(v->rpc, ANSWERS_MS);
    }
    collector_close(v->collector);
}

static void stop(server *v, bool now)
{
    drain(v, now);
    if (v->engine != NULL) {
        engine_stop(v->engine);
    }
    rpc_server_free(v->rpc);
    service_free(v->service);
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
    free(v->secrets);
}

static server *serving;  // for reloads, which come on the main thread

static void reloaded(void)
{
    status *failure = declare_queues(serving);
    if (failure != NULL) {
        log_error("reload_failed", LOG_STATUS(failure));
    }
    status_free(failure);
}

static status *serve(void)
{
    const settings *s = &loaded;
    // The built-in worker has the same id in every run: so the engine knows whose jobs were left.
    server v = {.settings = s, .worker_id = uuid_derive("errandd", "built-in worker", 0)};
    status *failure = start(&v);
    if (failure == NULL) {
        serving = &v;
        announce(&v);
        program_wait_for_end();
    }
    stop(&v, failure != NULL);
    return failure;
}

int main(int argc, char **argv)
{
    const program self = {
        .config = &config,
        .settings = &loaded,
        .log_level = &loaded.log_level,
        .log_format = &loaded.log_format,
        .check = check_sizes,
        .reloaded = reloaded,
        .serve = serve,
    };
    return program_main(&self, argc, argv);
}
