// https - certificate and key of an HTTPS listener, and OpenSSL where civetweb finds it.
#ifndef ERRAND_GATEWAY_HTTPS_H
#define ERRAND_GATEWAY_HTTPS_H

#include "base/cleanup.h"
#include "base/config.h"
#include "base/status.h"

// File names, PEM; NULL: none. Borrowed.
typedef struct https_files {
    const char *cert;  // with those between it and its authority
    const char *key;
} https_files;

// Rows of a settings table for a struct with `char *http_tls_cert, *http_tls_key`.
// clang-format off
#define HTTPS_ROWS(settings_type)                                                                  \
    {.key = "http_tls.cert", .type = CONFIG_STRING, .value_name = "FILE",                          \
     .help = "certificate to serve HTTPS with, PEM, with those between it and its authority; none: plain HTTP", \
     CONFIG_FIELD(settings_type, http_tls_cert)},                                                  \
    {.key = "http_tls.key", .type = CONFIG_STRING, .value_name = "FILE",                           \
     .help = "private key of http_tls.cert, PEM", CONFIG_FIELD(settings_type, http_tls_key)}
// clang-format on

// https_check reads the files like a listener would; none at all are fine. INVALID_ARGUMENT names
// the setting, http_tls.cert or http_tls.key.
status *https_check(const https_files *files);

typedef struct https https;

// https_handshake_fn is called as the handshake of a connection begins, on the thread that has it.
// The file is its socket.
typedef void https_handshake_fn(int fd);

// https_open reads the files and loads what civetweb needs for TLS 1.2 and 1.3. Without files *ret
// is NULL.
status *https_open(const https_files *files, https_handshake_fn *on_handshake, https **ret);

// https_renew reads the files again, for handshakes to come. When it fails the old ones stay.
status *https_renew(https *h);

// https_context is OpenSSL's context, for civetweb; it belongs to the https.
void *https_context(const https *h);

void https_free(https *h);  // after civetweb has stopped; accepts NULL
DEFINE_AUTO(https, https_free)

#endif
