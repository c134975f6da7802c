// errandd-settings - what errandd can be told, and what follows from it.
#include "errandd-settings.h"

#include "base/log.h"
#include "base/program.h"
#include "gateway/https.h"
#include "gateway/origin_form.h"
#include "job/queue_text.h"
#include "job/spec.h"
#include "rpc/address.h"
#include "service/access.h"
#include "worker/exec_settings.h"

#include <string.h>

static const char *const url_schemes[] = {"tcp://", "tls+tcp://", "ipc://", NULL};

// clang-format off
static const config_row rows[] = {
    {.key = "data", .type = CONFIG_STRING, .fallback = "./errand-data", .value_name = "DIR",
     .help = "directory of the store", CONFIG_FIELD(settings, data)},
    {.key = "rpc", .type = CONFIG_LIST, .fallback = "tcp://127.0.0.1:6710", .value_name = "URL", .names = url_schemes, .max = MAX_URLS,
     .accepts = address_is_good, .accepted = ADDRESS_FORM,
     .help = "address of the RPC service", CONFIG_FIELD(settings, rpc)},
    {.key = "results", .type = CONFIG_LIST, .fallback = "tcp://127.0.0.1:6711", .value_name = "URL", .names = url_schemes, .max = MAX_URLS,
     .accepts = address_is_good, .accepted = ADDRESS_FORM,
     .help = "address of the result pipeline", CONFIG_FIELD(settings, results)},
    {.key = "http", .type = CONFIG_LISTEN, .fallback = "127.0.0.1:6780",
     .help = "address of the HTTP gateway, or off", CONFIG_FIELD(settings, http)},
    HTTPS_ROWS(settings),
    {.key = "http_connections", .type = CONFIG_INT, .fallback = "2560", .min = 8, .max = 100000,
     .help = "HTTP connections open at once", CONFIG_FIELD(settings, http_connections)},
    {.key = "http_streams", .type = CONFIG_INT, .fallback = "512", .max = 50000,
     .help = "event streams open at once, half of the connections at most", CONFIG_FIELD(settings, http_streams)},
    {.key = "workers", .type = CONFIG_INT, .fallback = "256", .max = 65536,
     .help = "jobs that the built-in workers run at once; 0: none", CONFIG_FIELD(settings, workers)},
    {.key = "max_per_host", .type = CONFIG_INT, .fallback = "256", .max = 65536,
     .help = "transfers of the built-in workers to one host at once; 0: no limit", CONFIG_FIELD(settings, max_per_host)},
    {.key = "max_buffered", .type = CONFIG_SIZE, .fallback = "512MiB", .min = 1 << 20, .max = (int64_t) 1 << 40,
     .help = "memory for results that the built-in workers have not handed over yet; beyond it responses are read one at a time", CONFIG_FIELD(settings, max_buffered)},
    {.key = "commands", .type = CONFIG_MAP, .value_name = "NAME=SETTINGS", .record = &exec_settings_record,
     .judge = exec_settings_check, .accepted = EXEC_COMMANDS_FORM,
     .help = "commands that the built-in workers run for jobs of kind exec, by name", CONFIG_FIELD(settings, commands)},
    {.key = "processes", .type = CONFIG_INT, .fallback = "0", .max = 4096,
     .help = "commands that the built-in workers run at once; 0: as many as there are cores", CONFIG_FIELD(settings, processes)},
    {.key = "allow_private_addresses", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether http jobs may reach loopback and private addresses even though the server is bound beyond loopback",
     CONFIG_FIELD(settings, allow_private_addresses)},
    {.key = "drain_timeout", .type = CONFIG_DURATION, .fallback = "30s", .max = 3600000000,
     .help = "time for running jobs to end when the server is stopped", CONFIG_FIELD(settings, drain_timeout)},
    {.key = "max_message", .type = CONFIG_SIZE, .fallback = "32MiB", .min = 96 << 10, .max = (int64_t) 1 << 30,
     .help = "largest RPC message", CONFIG_FIELD(settings, max_message)},
    {.key = "max_calls", .type = CONFIG_INT, .fallback = "16384", .min = 64, .max = 1000000,
     .help = "RPC calls at work or waiting at once; a sixteenth is kept for those that do not wait", CONFIG_FIELD(settings, max_calls)},
    {.key = "max_waiting_per_connection", .type = CONFIG_INT, .fallback = "8192", .min = 1, .max = 1000000,
     .help = "RPC calls of one connection that wait at once; further ones are answered with the state so far", CONFIG_FIELD(settings, max_waiting_per_connection)},
    {.key = "max_input", .type = CONFIG_SIZE, .fallback = "8MiB", .min = 1024, .max = (int64_t) 1 << 29,
     .help = "largest input of a job", CONFIG_FIELD(settings, max_input)},
    {.key = "max_result", .type = CONFIG_SIZE, .fallback = "16MiB", .min = 1024, .max = (int64_t) 1 << 29,
     .help = "largest result of a job", CONFIG_FIELD(settings, max_result)},
    {.key = "max_pending_results", .type = CONFIG_SIZE, .fallback = "256MiB", .min = 1 << 20, .max = (int64_t) 1 << 40,
     .help = "memory for results that workers have pushed and that are not stored yet; beyond it workers wait", CONFIG_FIELD(settings, max_pending_results)},
    {.key = "max_body", .type = CONFIG_SIZE, .fallback = "16MiB", .min = 1024, .max = (int64_t) 1 << 29,
     .help = "largest HTTP request body", CONFIG_FIELD(settings, max_body)},
    {.key = "origins", .type = CONFIG_LIST, .value_name = "ORIGIN",
     .accepts = origin_is_good, .accepted = ORIGIN_FORM,
     .help = "origins of web pages that may call the gateway", CONFIG_FIELD(settings, origins)},
    {.key = "origin_credentials", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether pages of the origins named may send cookies, for a proxy that looks at them",
     CONFIG_FIELD(settings, origin_credentials)},
    {.key = "require_connect_version", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether Connect calls without Connect-Protocol-Version are refused",
     CONFIG_FIELD(settings, require_connect_version)},
    {.key = "hosts", .type = CONFIG_LIST, .value_name = "NAME",
     .help = "further names by which the gateway may be addressed", CONFIG_FIELD(settings, hosts)},
    {.key = "tokens", .type = CONFIG_MAP, .value_name = "NAME=TOKEN", .reloadable = true,
     .accepts = access_text_is_good, .accepted = ACCESS_TEXT_FORM, .record = &access_text_record, .judge = access_text_judge,
     .help = "bearer tokens by the name of who has them; none: everybody who can connect may do everything", CONFIG_FIELD(settings, tokens)},
    {.key = "insecure", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether to start although other hosts can connect without a token or certificate", CONFIG_FIELD(settings, insecure)},
    {.key = "tls.cert", .type = CONFIG_STRING, .value_name = "FILE",
     .help = "certificate of the tls+tcp:// addresses, PEM, with those between it and its authority", CONFIG_FIELD(settings, tls_cert)},
    {.key = "tls.key", .type = CONFIG_STRING, .value_name = "FILE",
     .help = "private key of tls.cert, PEM", CONFIG_FIELD(settings, tls_key)},
    {.key = "tls.client_ca", .type = CONFIG_STRING, .value_name = "FILE",
     .help = "authorities whose certificates clients must have, PEM; none: no certificates are asked for", CONFIG_FIELD(settings, tls_client_ca)},
    {.key = "webhook_secrets", .type = CONFIG_MAP, .secret = true,
     .accepts = job_secret_is_good, .accepted = "whsec_ with the base64 of 24 to 64 bytes",
     .help = "signing secrets of callbacks by name, whsec_...", CONFIG_FIELD(settings, webhook_secrets)},
    {.key = "queues", .type = CONFIG_MAP, .value_name = "NAME=SETTINGS", .reloadable = true, .max = 100000,
     .accepts = queue_text_is_good, .accepted = QUEUE_TEXT_FORM, .record = &queue_text_record, .judge = queue_text_judge,
     .help = "settings of queues by name, given to them at the start and at a reload", CONFIG_FIELD(settings, queues)},
    {.key = "max_sessions", .type = CONFIG_INT, .fallback = "10000", .min = 16, .max = 10000000,
     .help = "worker processes known at once; those that hold nothing and are silent make room for others", CONFIG_FIELD(settings, max_sessions)},
    {.key = "max_leases", .type = CONFIG_INT, .fallback = "1000000", .min = 1, .max = 100000000,
     .help = "jobs that run at once, on all workers together; further ones wait", CONFIG_FIELD(settings, max_leases)},
    {.key = "max_routes", .type = CONFIG_INT, .fallback = "100000", .min = 1, .max = 10000000,
     .help = "pairs of a queue and a kind that jobs may have; one is made by its first job, and stays", CONFIG_FIELD(settings, max_routes)},
    {.key = "max_queues", .type = CONFIG_INT, .fallback = "100000", .min = 1, .max = 10000000,
     .help = "queues that may exist; one is made by its first job or its first setting, and stays", CONFIG_FIELD(settings, max_queues)},
    {.key = "metrics_queues", .type = CONFIG_INT, .fallback = "200", .min = 0, .max = 10000,
     .help = "queues that the metrics tell apart; the others count together as \"other\"", CONFIG_FIELD(settings, metrics_queues)},
    {.key = "watch_history", .type = CONFIG_INT, .fallback = "131072", .min = 1000, .max = 100000000,
     .help = "changes of jobs kept in memory, 64 bytes each, for those who watch queues and come back", CONFIG_FIELD(settings, watch_history)},
    {.key = "access_log", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether every HTTP request is logged; those that fail on the server's side always are", CONFIG_FIELD(settings, access_log)},
    PROGRAM_LOG_ROWS(settings),
};

static const config_section sections[] = {
    {.title = "SIGNALS",
     .text = "SIGTERM and SIGINT drain: no more jobs are started, running ones may end within drain_timeout, "
             "the rest is given back. A second signal leaves at once. Nothing that was acknowledged is lost either way.\n\n"
             "SIGHUP reads the settings again, takes those that can be changed in a running server, and logs which "
             "of the others have changed. Certificates are read again too."},
};

const config_program settings_config = {
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

// What a message must have beside a job or a result: names, headers, times.
#define MESSAGE_RESERVE 65536

// Each has to fit into one message, and a job may take more room there than when it was submitted.
static status *check_sizes(const settings *s)
{
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

// ---- who can connect ----

// address is HOST:PORT. A name that only begins like an address may be any host's.
static bool is_loopback(const char *address)
{
    bool numeric = address[strspn(address, "0123456789.")] == ':';
    return (numeric && strncmp(address, "127.", 4) == 0) ||
           strncmp(address, "localhost:", 10) == 0 || strncmp(address, "[::1]:", 6) == 0;
}

static bool is_local(const char *url)
{
    url += tls_is_url(url) ? 4 : 0;
    return strncmp(url, "ipc://", 6) == 0 ||
           (strncmp(url, "tcp://", 6) == 0 && is_loopback(url + 6));
}

// The first that other hosts can reach; NULL: none. certified: those that ask for certificates do
// not count.
static const char *exposed_of(const config_list *urls, bool certified)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (!is_local(urls->items[i]) && !(certified && tls_is_url(urls->items[i]))) {
            return urls->items[i];
        }
    }
    return NULL;
}

static const char *exposed_http(const settings *s)
{
    const char *http = s->http.address;
    return http == NULL || is_loopback(http) ? NULL : http;
}

bool settings_trusting(const settings *s)
{
    return s->tokens.count == 0 && exposed_of(&s->rpc, false) == NULL &&
           exposed_of(&s->results, false) == NULL && exposed_http(s) == NULL;
}

static status *refuse_exposed(const char *key, const char *address, bool has_tls)
{
    return status_bad_field(
        key,
        "%s can be reached from other hosts, and whoever connects could do everything. Configure "
        "tokens (`errand token new` makes one)%s, or say insecure: true (--insecure) if the "
        "network keeps strangers away",
        address, has_tls ? ", or use tls+tcp:// with tls.client_ca" : "");
}

static status *check_exposure(const settings *s)
{
    bool certified = s->tls_client_ca != NULL;
    const char *rpc = exposed_of(&s->rpc, certified);
    const char *results = exposed_of(&s->results, certified);
    const char *http = exposed_http(s);
    if (s->insecure || s->tokens.count > 0 || (rpc == NULL && results == NULL && http == NULL)) {
        return NULL;
    }
    if (rpc != NULL || results != NULL) {
        return refuse_exposed(rpc != NULL ? "rpc" : "results", rpc != NULL ? rpc : results, true);
    }
    return refuse_exposed("http", http, false);
}

static const char *in_clear(const config_list *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (!is_local(urls->items[i]) && !tls_is_url(urls->items[i])) {
            return urls->items[i];
        }
    }
    return NULL;
}

static void warn(const char *key, const char *address, const char *reason)
{
    if (address != NULL) {
        log_warn("exposed", LOG_STR("key", key), LOG_STR("address", address),
                 LOG_STR("reason", reason));
    }
}

void settings_warn(const settings *s)
{
    static const char open[] = "everybody who can connect may do everything";
    static const char clear[] = "tokens and jobs cross the network unencrypted";
    bool tokens = s->tokens.count > 0, certified = s->tls_client_ca != NULL;
    warn("rpc", tokens ? in_clear(&s->rpc) : exposed_of(&s->rpc, certified), tokens ? clear : open);
    warn("results", tokens ? in_clear(&s->results) : exposed_of(&s->results, certified),
         tokens ? clear : open);
    warn("http", tokens && s->http_tls_cert != NULL ? NULL : exposed_http(s),
         tokens ? clear : open);
}

// ---- tokens and certificates ----

static status *check_tokens(const settings *s)
{
    access_table *trial;
    status *failure = access_new(&trial);
    if (failure == NULL) {
        failure = access_load(trial, &s->tokens);
        access_free(trial);
    }
    return failure;
}

tls_files settings_tls(const settings *s)
{
    return (tls_files){.cert = s->tls_cert, .key = s->tls_key, .ca = s->tls_client_ca};
}

static bool any_tls(const config_list *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (tls_is_url(urls->items[i])) {
            return true;
        }
    }
    return false;
}

bool settings_any_tls(const settings *s)
{
    return any_tls(&s->rpc) || any_tls(&s->results);
}

static status *check_tls(const settings *s)
{
    const tls_files files = settings_tls(s);
    const https_files http_files = {.cert = s->http_tls_cert, .key = s->http_tls_key};
    status *failure = https_check(&http_files);
    if (failure == NULL && settings_any_tls(s)) {
        failure = tls_check_server(&files);
    }
    return failure;
}

// Not who can connect: without its last token the server is closed, not open. And files of
// certificates are told of one by one.
status *settings_check_reload(const void *fresh)
{
    const settings *s = fresh;
    status *failure = check_sizes(s);
    return failure != NULL ? failure : check_tokens(s);
}

status *settings_check(const settings *s)
{
    static status *(*const checks[])(const settings *) = {check_sizes, check_tokens, check_tls,
                                                          check_exposure};
    status *failure = NULL;
    for (size_t i = 0; failure == NULL && i < sizeof checks / sizeof checks[0]; i++) {
        failure = checks[i](s);
    }
    return failure;
}
