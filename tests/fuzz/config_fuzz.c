// config_fuzz - settings files: any bytes end in settings or in a message, never in a crash.
#include "base/config.h"
#include "base/config_yaml.h"
#include "base/utf8.h"

#include <stdlib.h>

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
} shop;

static const char *const levels[] = {"low", "high", NULL};

static const config_row rows[] = {
    {.key = "data", .type = CONFIG_STRING, CONFIG_FIELD(shop, data)},
    {.key = "rpc", .type = CONFIG_LIST, CONFIG_FIELD(shop, rpc)},
    {.key = "workers", .type = CONFIG_INT, CONFIG_FIELD(shop, workers)},
    {.key = "verbose", .type = CONFIG_BOOL, CONFIG_FIELD(shop, verbose)},
    {.key = "drain", .type = CONFIG_DURATION, CONFIG_FIELD(shop, drain_us)},
    {.key = "body", .type = CONFIG_SIZE, CONFIG_FIELD(shop, body_bytes)},
    {.key = "level", .type = CONFIG_CHOICE, .names = levels, CONFIG_FIELD(shop, level)},
    {.key = "http", .type = CONFIG_LISTEN, CONFIG_FIELD(shop, http)},
    {.key = "secrets", .type = CONFIG_MAP, CONFIG_FIELD(shop, secrets)},
    {.key = "tls.cert", .type = CONFIG_STRING, CONFIG_FIELD(shop, cert)},
};

static const config_program program = {
    .name = "shop",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .settings_size = sizeof(shop),
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!utf8_valid(bytes, size)) {
        return -1;  // refused when the file is read
    }
    shop settings = {0};
    AUTO(status) failure =
        config_yaml_apply_bytes(&program, "shop.yaml", (slice){bytes, size}, &settings);
    if (failure && failure->code != STATUS_INVALID_ARGUMENT) {
        abort();
    }
    config_free(&program, &settings);
    return 0;
}
