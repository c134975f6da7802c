// errandd-settings - what errandd can be told, and what follows from it.
#ifndef ERRAND_ERRANDD_SETTINGS_H
#define ERRAND_ERRANDD_SETTINGS_H

#include "base/config.h"
#include "base/status.h"
#include "rpc/tls_files.h"

#include <stdbool.h>
#include <stdint.h>

#define MAX_URLS 16  // of each kind

typedef struct settings {
    char *data;
    config_list rpc;
    config_list results;
    config_listen http;
    char *http_tls_cert;
    char *http_tls_key;
    int64_t http_connections;
    int64_t http_streams;
    int64_t workers;
    int64_t max_per_host;
    int64_t max_buffered;
    config_map commands;
    int64_t processes;
    bool allow_private_addresses;
    int64_t drain_timeout;
    int64_t max_message;
    int64_t max_calls;
    int64_t max_waiting_per_connection;
    int64_t max_input;
    int64_t max_result;
    int64_t max_pending_results;
    int64_t max_body;
    config_list origins;
    bool origin_credentials;
    bool require_connect_version;
    config_list hosts;
    config_map tokens;
    bool insecure;
    char *tls_cert;
    char *tls_key;
    char *tls_client_ca;
    config_map webhook_secrets;
    config_map queues;
    int64_t max_sessions;
    int64_t max_leases;
    int64_t max_routes;
    int64_t max_queues;
    int64_t metrics_queues;
    int64_t watch_history;
    bool access_log;
    int log_level;
    int log_format;
} settings;

// The table of settings: files, environment, flags, help and manual.
extern const config_program settings_config;

// settings_check judges settings that depend on each other.
status *settings_check(const settings *s);

// settings_check_reload judges settings of which a running server is to take those that it can.
status *settings_check_reload(const void *fresh);

// settings_warn logs what is allowed, but better not done.
void settings_warn(const settings *s);

// settings_trusting tells whether everybody who can submit jobs is a user of this host: it can be
// reached from this host alone, and there are no tokens.
bool settings_trusting(const settings *s);

tls_files settings_tls(const settings *s);
bool settings_any_tls(const settings *s);  // some address is tls+tcp://

#endif
