// config_fixture - a program with a setting of every type, for the tests of config.
#ifndef ERRAND_TESTS_UNIT_CONFIG_FIXTURE_H
#define ERRAND_TESTS_UNIT_CONFIG_FIXTURE_H

#include "unit/unit_test.h"

#include "base/buf.h"
#include "base/config.h"

#include <stdlib.h>
#include <unistd.h>

enum { LEVEL_LOW, LEVEL_HIGH };

typedef struct shop {
    char *data;
    config_list rpc;
    int64_t workers;
    bool verbose;
    int64_t drain_us;
    int64_t body_bytes;
    int level;
    config_listen http;
    config_map secrets;
    char *cert;
    char *key;
    char *token;
} shop;

static const char *const shop_levels[] = {"low", "high", NULL};
static const char *const shop_schemes[] = {"tcp://", "ipc://", NULL};

static const config_row shop_rows[] = {
    {"data", CONFIG_STRING, "./shop-data", "folder of the data", .value_name = "DIR",
     CONFIG_FIELD(shop, data)},
    {"rpc", CONFIG_LIST, "tcp://127.0.0.1:1", "where to listen", .names = shop_schemes,
     CONFIG_FIELD(shop, rpc)},
    {"workers", CONFIG_INT, "4", "jobs run at once", .max = 1000, .alias = "staff",
     CONFIG_FIELD(shop, workers)},
    {"verbose", CONFIG_BOOL, "false", "say more", .reloadable = true, CONFIG_FIELD(shop, verbose)},
    {"drain_timeout", CONFIG_DURATION, "30s", "time to finish | at most", .min = 1000,
     .max = 3600000000, CONFIG_FIELD(shop, drain_us)},
    {"max_body", CONFIG_SIZE, "16MiB", "largest body", CONFIG_FIELD(shop, body_bytes)},
    {"log_level", CONFIG_CHOICE, "low", "what to log", .names = shop_levels, .reloadable = true,
     CONFIG_FIELD(shop, level)},
    {"http", CONFIG_LISTEN, "127.0.0.1:80", "HTTP address", CONFIG_FIELD(shop, http)},
    {"secrets", CONFIG_MAP, NULL, "names of secrets", .secret = true, CONFIG_FIELD(shop, secrets)},
    {"tls.cert_file", CONFIG_STRING, NULL, "certificate", CONFIG_FIELD(shop, cert)},
    {"tls.key_file", CONFIG_STRING, NULL, "its key", CONFIG_FIELD(shop, key)},
    {"token", CONFIG_STRING, NULL, "a bearer token", .secret = true, .names = shop_schemes,
     CONFIG_FIELD(shop, token)},
};

static const config_section shop_sections[] = {{"SIGNALS", "SIGTERM drains.\n\nSIGHUP reloads."}};

static const config_program shop_program = {
    .name = "shop",
    .summary = "sells what-not",
    .description = "A shop.\n\n.It has a counter.",
    .version = "1.2.3",
    .rows = shop_rows,
    .row_count = sizeof shop_rows / sizeof shop_rows[0],
    .sections = shop_sections,
    .section_count = 1,
    .settings_size = sizeof(shop),
};

// The arguments and variables of one load; lists end with NULL.
typedef struct shop_call {
    const char *arguments[8];
    const char *variables[8];
} shop_call;

#define FLAGS(...) (&(shop_call){{__VA_ARGS__}, {NULL}})

static inline status *shop_load(const config_program *program, const shop_call *call,
                                shop *settings, config_outcome *outcome)
{
    char *argv[10] = {(char *) (uintptr_t) "shop"};
    char *envp[9] = {NULL};
    int argc = 1;
    for (size_t i = 0; i < 8 && call->arguments[i]; i++) {
        argv[argc++] = (char *) (uintptr_t) call->arguments[i];
    }
    for (size_t i = 0; i < 8 && call->variables[i]; i++) {
        envp[i] = (char *) (uintptr_t) call->variables[i];
    }
    return config_load(program, argc, argv, envp, settings, outcome);
}

// shop_file writes a settings file and returns its name, to be given to shop_file_remove.
static inline char *shop_file(const void *bytes, size_t size)
{
    char *name = strdup("/tmp/config_test_XXXXXX");
    assert_non_null(name);
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t) size);
    close(fd);
    return name;
}

static inline void shop_file_remove(char *name)
{
    unlink(name);
    free(name);
}

#endif
