// tls_rows - the settings of programs that are clients of tls+tcp:// servers.
#ifndef ERRAND_RPC_TLS_ROWS_H
#define ERRAND_RPC_TLS_ROWS_H

#include "base/config.h"

// Rows of a settings table for a struct with `char *tls_ca, *tls_cert, *tls_key, *tls_server_name`.
// clang-format off
#define TLS_CLIENT_ROWS(settings_type)                                                             \
    {.key = "tls.ca", .type = CONFIG_STRING, .value_name = "FILE",                                 \
     .help = "who signs the certificates of tls+tcp:// servers, PEM; none: those that this system trusts", \
     CONFIG_FIELD(settings_type, tls_ca)},                                                         \
    {.key = "tls.cert", .type = CONFIG_STRING, .value_name = "FILE",                               \
     .help = "certificate to show to them, PEM", CONFIG_FIELD(settings_type, tls_cert)},           \
    {.key = "tls.key", .type = CONFIG_STRING, .value_name = "FILE",                                \
     .help = "private key of tls.cert, PEM", CONFIG_FIELD(settings_type, tls_key)},                \
    {.key = "tls.server_name", .type = CONFIG_STRING, .value_name = "NAME",                        \
     .help = "name in their certificates; none: the host of each URL",                             \
     CONFIG_FIELD(settings_type, tls_server_name)}
// clang-format on

#endif
