// errand-worker - a pool of workers as a program of its own, for a host apart from the server.
#include "base/cleanup.h"
#include "base/config.h"
#include "base/program.h"
#include "base/token.h"
#include "job/served.h"
#include "rpc/address.h"
#include "rpc/tls_files.h"
#include "rpc/tls_rows.h"
#include "worker/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    config_list servers;
    config_list results;
    char *token;
    char *token_file;
    char *tls_ca;
    char *tls_cert;
    char *tls_key;
    char *tls_server_name;
    int64_t concurrency;
    config_list queues;
    config_list kinds;
    int64_t max_per_host;
    int64_t max_buffered;
    int64_t max_message;
    int64_t max_result;
    config_map commands;
    int64_t processes;
    bool allow_private_addresses;
    int64_t drain_timeout;
    int log_level;
    int log_format;
} settings;

static const char *const url_schemes[] = {"tcp://", "tls+tcp://", "ipc://", NULL};

// clang-format off
static const config_row rows[] = {
    {.key = "server", .type = CONFIG_LIST, .fallback = "tcp://127.0.0.1:6710", .value_name = "URL",
     .names = url_schemes, .max = WORKER_MAX_SERVERS,
     .accepts = address_is_good, .accepted = ADDRESS_FORM,
     .help = "RPC addresses of the Errand servers that are served", CONFIG_FIELD(settings, servers)},
    {.key = "results", .type = CONFIG_LIST, .value_name = "URL", .names = url_schemes, .max = WORKER_MAX_SERVERS,
     .accepts = address_is_good, .accepted = ADDRESS_FORM,
     .help = "addresses of their result pipelines, in the same order; none: each server is asked for its own",
     CONFIG_FIELD(settings, results)},
    {.key = "token", .type = CONFIG_STRING, .secret = true,
     .help = "token that lets this worker lease jobs", CONFIG_FIELD(settings, token)},
    {.key = "token_file", .type = CONFIG_STRING, .value_name = "FILE",
     .help = "file with the token, instead of token", CONFIG_FIELD(settings, token_file)},
    TLS_CLIENT_ROWS(settings),
    {.key = "concurrency", .type = CONFIG_INT, .fallback = "256", .max = 65536, .alias = "workers",
     .help = "jobs of kind http run at once, for all servers together; 0: none, only commands",
     CONFIG_FIELD(settings, concurrency)},
    {.key = "queues", .type = CONFIG_LIST, .value_name = "QUEUE",
     .accepts = served_is_good, .accepted = SERVED_FORM,
     .help = "queues that are served, with a weight if several have jobs, such as mail=3; none: all", CONFIG_FIELD(settings, queues)},
    {.key = "kinds", .type = CONFIG_LIST, .value_name = "KIND",
     .help = "kinds that are served, of http and exec; none: all", CONFIG_FIELD(settings, kinds)},
    {.key = "max_per_host", .type = CONFIG_INT, .fallback = "256", .min = 0, .max = 65536,
     .help = "transfers at once to one host; 0: no limit", CONFIG_FIELD(settings, max_per_host)},
    {.key = "max_buffered", .type = CONFIG_SIZE, .fallback = "512MiB", .min = 1 << 20, .max = (int64_t) 1 << 40,
     .help = "memory for results not handed over yet; beyond it responses are read one at a time", CONFIG_FIELD(settings, max_buffered)},
    {.key = "max_message", .type = CONFIG_SIZE, .fallback = "32MiB", .min = 65536,
     .max = (int64_t) 1 << 30,
     .help = "largest RPC message, as the server has it", CONFIG_FIELD(settings, max_message)},
    {.key = "max_result", .type = CONFIG_SIZE, .fallback = "16MiB", .min = 1,
     .max = (int64_t) 1 << 30,
     .help = "largest result of a job", CONFIG_FIELD(settings, max_result)},
    {.key = "commands", .type = CONFIG_MAP, .value_name = "NAME=SETTINGS", .record = &exec_settings_record,
     .judge = exec_settings_check, .accepted = EXEC_COMMANDS_FORM,
     .help = "commands that jobs of kind exec may run, by name", CONFIG_FIELD(settings, commands)},
    {.key = "processes", .type = CONFIG_INT, .fallback = "0", .max = 4096,
     .help = "commands run at once; 0: as many as there are cores", CONFIG_FIELD(settings, processes)},
    {.key = "allow_private_addresses", .type = CONFIG_BOOL, .fallback = "false",
     .help = "whether http jobs may reach loopback and private addresses",
     CONFIG_FIELD(settings, allow_private_addresses)},
    {.key = "drain_timeout", .type = CONFIG_DURATION, .fallback = "30s", .max = 3600000000,
     .help = "time for running jobs to end when the program is stopped",
     CONFIG_FIELD(settings, drain_timeout)},
    PROGRAM_LOG_ROWS(settings),
};

static const config_section sections[] = {
    {.title = "SIGNALS",
     .text = "SIGTERM and SIGINT drain: no more jobs are taken, running ones may end within "
             "drain_timeout, the rest is given back. A second signal leaves at once: the servers hand "
             "its jobs to others when their leases run out.\n\n"
             "SIGHUP loads the settings again. The log's take effect at once, changes of others are named."},
};

static const config_program config = {
    .name = "errand-worker",
    .summary = "workers of one Errand server or several",
    .description = "Leases jobs from servers, runs them and reports how they ended. errandd has the "
                   "same workers built in. It connects by itself, and again whenever a link breaks; each time "
                   "that a server has become reachable it prints a line such as `connected tcp://127.0.0.1:6710`.",
    .version = ERRAND_VERSION,
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .sections = sections,
    .section_count = sizeof sections / sizeof sections[0],
    .settings_size = sizeof(settings),
};
// clang-format on

static void tell_connected(void *data, const char *url)
{
    (void) data;
    (void) printf("connected %s\n", url);
    (void) fflush(stdout);
}

static tls_files tls_of(const settings *s)
{
    return (tls_files){
        .cert = s->tls_cert, .key = s->tls_key, .ca = s->tls_ca, .server_name = s->tls_server_name};
}

static pool_options options_of(const settings *s)
{
    pool_options options;
    pool_options_init(&options);
    options.worker.tls = tls_of(s);
    options.worker.concurrency = (int) s->concurrency;
    options.worker.queues = (const char *const *) s->queues.items;
    options.worker.queue_count = s->queues.count;
    options.worker.max_held_bytes = (size_t) s->max_buffered;
    options.worker.max_message_bytes = (size_t) s->max_message;
    options.worker.max_result_bytes = (size_t) s->max_result;
    options.worker.drain_timeout_us = s->drain_timeout;
    options.worker.connected = tell_connected;
    options.kinds = (const char *const *) s->kinds.items;
    options.kind_count = s->kinds.count;
    options.processes = (int) s->processes;
    options.http.max_per_host = (size_t) s->max_per_host;
    options.http.allow_private_addresses = s->allow_private_addresses;
    return options;
}

static void fill_servers(const settings *s, worker_server *ret)
{
    for (size_t i = 0; i < s->servers.count; i++) {
        ret[i].rpc_url = s->servers.items[i];
        ret[i].results_url = s->results.count > 0 ? s->results.items[i] : NULL;
    }
}

static bool is_known_kind(const char *kind)
{
    for (const char *const *known = pool_kinds; *known != NULL; known++) {
        if (strcmp(*known, kind) == 0) {
            return true;
        }
    }
    return false;
}

static status *check_kinds(const settings *s)
{
    bool http = s->kinds.count == 0, exec = http;
    for (size_t i = 0; i < s->kinds.count; i++) {
        if (!is_known_kind(s->kinds.items[i])) {
            return status_bad_field("kinds", "found \"%s\", expected http or exec",
                                    s->kinds.items[i]);
        }
        http = http || strcmp(s->kinds.items[i], "http") == 0;
        exec = exec || strcmp(s->kinds.items[i], "exec") == 0;
    }
    if ((http && s->concurrency > 0) || (exec && s->commands.count > 0)) {
        return NULL;
    }
    return status_bad_field("kinds", "found nothing to do, expected http with a concurrency from 1 "
                                     "on, or exec with commands");
}

// The files have to be there, and to be what they should.
static status *check_access(const settings *s)
{
    AUTO_FREE char *token = NULL;
    const tls_files files = tls_of(s);
    status *failure = token_choose(s->token, s->token_file, &token);
    return failure != NULL ? failure : tls_check_client(&files, s->servers.items, s->servers.count);
}

static settings loaded;

static status *check(void)
{
    const settings *s = &loaded;
    if (s->servers.count == 0) {
        return status_bad_field("server", "found none, expected the address of a server");
    }
    if (s->results.count > 0 && s->results.count != s->servers.count) {
        return status_bad_field("results", "found %zu, expected none or as many as servers, %zu",
                                s->results.count, s->servers.count);
    }
    status *failure = check_kinds(s);
    return failure != NULL ? failure : check_access(s);
}

static status *serve(void)
{
    const settings *s = &loaded;
    worker_server servers[WORKER_MAX_SERVERS];
    pool_options options = options_of(s);
    fill_servers(s, servers);
    options.worker.servers = servers;
    options.worker.server_count = s->servers.count;
    pool *w = NULL;
    exec_commands *commands = NULL;
    AUTO_FREE char *token = NULL;
    status *failure = token_choose(s->token, s->token_file, &token);
    options.worker.token = token;
    failure = failure != NULL ? failure : exec_commands_open(&s->commands, &commands);
    options.commands = commands;
    failure = failure != NULL ? failure : pool_start(&options, &w);
    if (failure == NULL) {
        program_wait_for_end();
        pool_stop(w, false);
    }
    exec_commands_free(commands);
    return failure;
}

int main(int argc, char **argv)
{
    const program self = {
        .config = &config,
        .settings = &loaded,
        .log_level = &loaded.log_level,
        .log_format = &loaded.log_format,
        .check = check,
        .serve = serve,
    };
    return program_main(&self, argc, argv);
}
