// errand-gateway - the HTTP gateway as a program of its own, for a host apart from the server.
#include "base/config.h"
#include "base/log.h"
#include "base/program.h"
#include "base/token.h"
#include "gateway/gateway.h"
#include "gateway/origin_form.h"
#include "rpc/address.h"
#include "rpc/tls_files.h"
#include "rpc/tls_rows.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_SERVERS 16

typedef struct settings {
    config_listen http;
    config_list servers;
    char *http_tls_cert;
    char *http_tls_key;
    char *token;
    char *token_file;
    char *tls_ca;
    char *tls_cert;
    char *tls_key;
    char *tls_server_name;
    int64_t connections;
    int64_t streams;
    int64_t max_body;
    int64_t max_message;
    int64_t request_timeout;
    config_list allowed_origins;
    config_list allowed_hosts;
    bool allow_credentials;
    bool require_connect_version;
    bool access_log;
    int log_level;
    int log_format;
} settings;

static const char *const url_schemes[] = {"tcp://", "ipc://", "tls+tcp://", NULL};

// clang-format off
static const config_row rows[] = {
    {.key = "http", .type = CONFIG_LISTEN, .fallback = "127.0.0.1:6780",
     .help = "address to serve HTTP on", CONFIG_FIELD(settings, http)},
    HTTPS_ROWS(settings),
    {.key = "server", .type = CONFIG_LIST, .fallback = "tcp://127.0.0.1:6710", .value_name = "URL",
     .names = url_schemes, .max = MAX_SERVERS,
     .accepts = address_is_good, .accepted = ADDRESS_FORM,
     .help = "RPC address of the Errand server; several only when all share one store: calls go to the first one that is well", CONFIG_FIELD(settings, servers)},
    {.key = "token", .type = CONFIG_STRING, .secret = true,
     .help = "token for the gateway's own calls, such as /readyz", CONFIG_FIELD(settings, token)},
    {.key = "token_file", .type = CONFIG_STRING, .value_name = "FILE",
     .help = "file with the token, instead of token", CONFIG_FIELD(settings, token_file)},
    TLS_CLIENT_ROWS(settings),
    {.key = "connections", .type = CONFIG_INT, .fallback = "2560", .min = 8, .max = 16384,
     .help = "HTTP connections open at once; half of them may wait for results",
     CONFIG_FIELD(settings, connections)},
    {.key = "streams", .type = CONFIG_INT, .fallback = "512", .min = 0, .max = 8192,
     .help = "event streams open at once, half of the connections at most",
     CONFIG_FIELD(settings, streams)},
    {.key = "max_body", .type = CONFIG_SIZE, .fallback = "16MiB", .min = 1, .max = (int64_t) 1 << 30,
     .help = "largest body of an HTTP request", CONFIG_FIELD(settings, max_body)},
    {.key = "max_message", .type = CONFIG_SIZE, .fallback = "32MiB", .min = 1,
     .max = (int64_t) 1 << 30,
     .help = "largest RPC message, as the server has it", CONFIG_FIELD(settings, max_message)},
    {.key = "request_timeout", .type = CONFIG_DURATION, .fallback = "30s", .min = 100000,
     .max = 3600000000,
     .help = "time for the body of a request to arrive", CONFIG_FIELD(settings, request_timeout)},
    {.key = "allowed_origins", .type = CONFIG_LIST, .value_name = "ORIGIN",
     .accepts = origin_is_good, .accepted = ORIGIN_FORM,
     .help = "origins whose web pages may use the API, such as https://app.example.com",
     CONFIG_FIELD(settings, allowed_origins)},
    {.key = "allow_credentials", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether pages of the origins named may send cookies, for a proxy that looks at them",
     CONFIG_FIELD(settings, allow_credentials)},
    {.key = "require_connect_version", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether Connect calls without Connect-Protocol-Version are refused",
     CONFIG_FIELD(settings, require_connect_version)},
    {.key = "allowed_hosts", .type = CONFIG_LIST, .value_name = "NAME",
     .help = "names that the gateway is reached under, besides addresses and localhost",
     CONFIG_FIELD(settings, allowed_hosts)},
    {.key = "access_log", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether every HTTP request is logged; those that fail on the server's side always are",
     CONFIG_FIELD(settings, access_log)},
    PROGRAM_LOG_ROWS(settings),
};

static const config_program config = {
    .name = "errand-gateway",
    .summary = "HTTP gateway of an Errand server",
    .description = "Serves the JSON HTTP API of Errand on this host and passes the calls on to the "
                   "RPC of a server, or of several that share one store. errandd has the same gateway built in.",
    .version = ERRAND_VERSION,
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .settings_size = sizeof(settings),
};
// clang-format on

static gateway_options options_of(const settings *s)
{
    gateway_options options;
    gateway_options_init(&options);
    options.listen = s->http.address;
    options.https = (https_files){.cert = s->http_tls_cert, .key = s->http_tls_key};
    options.rpc_urls = (const char *const *) s->servers.items;
    options.rpc_url_count = s->servers.count;
    options.tls = (tls_files){
        .cert = s->tls_cert, .key = s->tls_key, .ca = s->tls_ca, .server_name = s->tls_server_name};
    options.threads = (size_t) s->connections;
    options.access_log = s->access_log;
    options.max_streams = (size_t) s->streams;
    options.max_body_bytes = (size_t) s->max_body;
    options.max_message_bytes = (size_t) s->max_message;
    options.request_timeout_us = s->request_timeout;
    options.origins = (const char *const *) s->allowed_origins.items;
    options.origin_count = s->allowed_origins.count;
    options.allow_credentials = s->allow_credentials;
    options.require_connect_version = s->require_connect_version;
    options.hosts = (const char *const *) s->allowed_hosts.items;
    options.host_count = s->allowed_hosts.count;
    return options;
}

static settings loaded;
static gateway *serving;

// The files have to be there, and to be what they should.
static status *check_files(const settings *s)
{
    AUTO_FREE char *token = NULL;
    const gateway_options options = options_of(s);
    status *failure = token_choose(s->token, s->token_file, &token);
    if (failure == NULL) {
        failure = https_check(&options.https);
    }
    return failure != NULL ? failure
                           : tls_check_client(&options.tls, s->servers.items, s->servers.count);
}

static status *check(void)
{
    const settings *s = &loaded;
    if (s->http.address == NULL) {
        return status_bad_field("http", "found off, expected HOST:PORT");
    }
    if (s->servers.count == 0) {
        return status_bad_field("server", "found none, expected the address of a server");
    }
    return check_files(s);
}

static void reloaded(void)
{
    AUTO(status) failure = gateway_renew_https(serving);
    if (failure != NULL) {
        log_error("reload_failed", LOG_STATUS(failure));
    }
}

static status *serve(void)
{
    const settings *s = &loaded;
    gateway_options options = options_of(s);
    gateway *g = NULL;
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *token = NULL;
    status *failure = token_choose(s->token, s->token_file, &token);
    options.token = token;
    failure = failure != NULL ? failure : gateway_start(&options, &g, &url);
    if (failure != NULL) {
        return failure;
    }
    (void) printf("listening http %s\n", url);
    (void) fflush(stdout);
    serving = g;
    program_wait_for_end();
    gateway_stop(g);
    return NULL;
}

int main(int argc, char **argv)
{
    const program self = {
        .config = &config,
        .settings = &loaded,
        .log_level = &loaded.log_level,
        .log_format = &loaded.log_format,
        .check = check,
        .reloaded = reloaded,
        .serve = serve,
    };
    return program_main(&self, argc, argv);
}
