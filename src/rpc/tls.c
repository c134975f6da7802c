// tls - certificates of connections over tls+tcp://, for whoever opens an nng socket.
#include "rpc/tls.h"

#include "base/buf.h"
#include "base/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t) 1 << 20)

// What Debian's and most other systems trust.
#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

bool tls_is_url(const char *url)
{
    return strncmp(url, TLS_SCHEME, sizeof TLS_SCHEME - 1) == 0;
}

// ---- files ----

static status *read_file(const char *name, char **ret)
{
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        status *failure = status_errno(errno, "can not read %s", name);
        failure->code = STATUS_INVALID_ARGUMENT;
        return failure;
    }
    char *text = calloc(1, MAX_FILE + 1);
    size_t size = text != NULL ? fread(text, 1, MAX_FILE, file) : 0;
    (void) fclose(file);
    if (text == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (size == 0 || size == MAX_FILE || strlen(text) != size) {
        free(text);
        return status_new(STATUS_INVALID_ARGUMENT, "%s is no PEM file", name);
    }
    *ret = text;
    return NULL;
}

// A private key leaves no copy behind in freed memory.
static void forget(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

static status *tls_failure(int error, const char *what)
{
    switch (error) {
    case 0:
        return NULL;
    case NNG_ENOMEM:
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    case NNG_ENOTSUP:
        return status_new(STATUS_UNIMPLEMENTED, "this build of nng has no TLS");
    default:
        return status_new(STATUS_INVALID_ARGUMENT, "%s can not be used: %s", what,
                          nng_strerror(error));
    }
}

static status *use_ca(nng_tls_config *config, const char *name)
{
    char *text = NULL;
    status *failure = read_file(name, &text);
    if (failure == NULL) {
        failure = tls_failure(nng_tls_config_ca_chain(config, text, NULL), name);
    }
    free(text);
    return failure;
}

static status *use_cert(nng_tls_config *config, const tls_files *files)
{
    char *cert = NULL, *key = NULL;
    if (files->key == NULL) {
        return status_new(STATUS_INVALID_ARGUMENT, "%s needs tls.key, its private key",
                          files->cert);
    }
    status *failure = read_file(files->cert, &cert);
    if (failure == NULL) {
        failure = read_file(files->key, &key);
    }
    if (failure == NULL && !crypto_key_fits(cert, key)) {
        failure = status_new(STATUS_INVALID_ARGUMENT,
                             "%s is no certificate, or %s is not its private key", files->cert,
                             files->key);
    }
    if (failure == NULL) {
        AUTO_BUF what = {0};
        buf_append_format(&what, "%s with the key %s", files->cert, files->key);
        const char *text = buf_text(&what);
        failure = tls_failure(nng_tls_config_own_cert(config, cert, key, NULL),
                              text != NULL ? text : files->cert);
    }
    free(cert);
    forget(key);
    return failure;
}

// ---- configurations ----

static status *new_config(nng_tls_mode mode, nng_tls_config **ret)
{
    int error = nng_tls_config_alloc(ret, mode);
    if (error == 0) {
        error = nng_tls_config_version(*ret, NNG_TLS_1_2, NNG_TLS_1_3);
        if (error == NNG_ENOTSUP) {  // the engine knows no 1.3
            error = nng_tls_config_version(*ret, NNG_TLS_1_2, NNG_TLS_1_2);
        }
        if (error != 0) {
            nng_tls_config_free(*ret);
        }
    }
    return tls_failure(error, "TLS");
}

static status *fill_server(nng_tls_config *config, const tls_files *files)
{
    if (files->cert == NULL) {
        return status_new(STATUS_INVALID_ARGUMENT,
                          "a server over tls+tcp:// needs tls.cert and tls.key");
    }
    status *failure = use_cert(config, files);
    if (failure == NULL && files->ca != NULL) {
        failure = use_ca(config, files->ca);
    }
    if (failure != NULL) {
        return failure;
    }
    nng_tls_auth_mode mode =
        files->ca != NULL ? NNG_TLS_AUTH_MODE_REQUIRED : NNG_TLS_AUTH_MODE_NONE;
    return tls_failure(nng_tls_config_auth_mode(config, mode), "tls.client_ca");
}

static status *fill_client(nng_tls_config *config, const tls_files *files)
{
    status *failure = use_ca(config, files->ca != NULL ? files->ca : SYSTEM_AUTHORITIES);
    if (failure == NULL && files->cert != NULL) {
        failure = use_cert(config, files);
    }
    if (failure != NULL) {
        return failure;
    }
    return tls_failure(nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED), "TLS");
}

status *tls_server_config(const tls_files *files, nng_tls_config **ret)
{
    nng_tls_config *config;
    status *failure = new_config(NNG_TLS_MODE_SERVER, &config);
    if (failure != NULL) {
        return failure;
    }
    failure = fill_server(config, files);
    if (failure != NULL) {
        nng_tls_config_free(config);
        return failure;
    }
    *ret = config;
    return NULL;
}

static status *client_config(const tls_files *files, nng_tls_config **ret)
{
    nng_tls_config *config;
    status *failure = new_config(NNG_TLS_MODE_CLIENT, &config);
    if (failure != NULL) {
        return failure;
    }
    failure = fill_client(config, files);
    if (failure != NULL) {
        nng_tls_config_free(config);
        return failure;
    }
    *ret = config;
    return NULL;
}

status *tls_check_server(const tls_files *files)
{
    nng_tls_config *config;
    status *failure = tls_server_config(files, &config);
    if (failure == NULL) {
        nng_tls_config_free(config);
    }
    return failure;
}

static bool needs_tls(const tls_files *files, char *const *urls, size_t url_count)
{
    bool needs = files->ca != NULL || files->cert != NULL || files->key != NULL;
    for (size_t i = 0; !needs && i < url_count; i++) {
        needs = tls_is_url(urls[i]);
    }
    return needs;
}

status *tls_check_client(const tls_files *files, char *const *urls, size_t url_count)
{
    nng_tls_config *config;
    if (!needs_tls(files, urls, url_count)) {
        return NULL;
    }
    status *failure = client_config(files, &config);
    if (failure == NULL) {
        nng_tls_config_free(config);
    }
    return failure;
}

// ---- dialers ----

// The host of a URL, [::1] without its brackets; the caller frees it.
static char *host_of(const char *url)
{
    const char *host = url + sizeof TLS_SCHEME - 1;
    if (*host == '[') {
        return strndup(host + 1, strcspn(host + 1, "]"));
    }
    return strndup(host, strcspn(host, ":/"));
}

// Without a name the certificate of any server of the same authority would do.
static status *set_name(nng_tls_config *config, const char *url, const tls_files *files)
{
    AUTO_FREE char *name = files->server_name != NULL ? strdup(files->server_name) : host_of(url);
    int error = name == NULL ? NNG_ENOMEM : nng_tls_config_server_name(config, name);
    return tls_failure(error, "the server's name");
}

status *tls_dialer(nng_dialer dialer, const char *url, const tls_files *files)
{
    nng_tls_config *config;
    if (!tls_is_url(url)) {
        return NULL;
    }
    status *failure = client_config(files, &config);
    if (failure != NULL) {
        return failure;
    }
    failure = set_name(config, url, files);
    if (failure == NULL) {
        int error = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config);
        failure = tls_failure(error, url);
    }
    nng_tls_config_free(config);
    return failure;
}

static uint64_t count_of(nng_stat *stats, const char *name)
{
    nng_stat *count = stats != NULL ? nng_stat_find(stats, name) : NULL;
    return count != NULL ? nng_stat_value(count) : 0;
}

// nng does not say why a connection failed, but counts the reasons.
const char *tls_reason(nng_dialer dialer, const char *url)
{
    nng_stat *all;
    const char *reason = "";
    if (!tls_is_url(url) || nng_stats_get(&all) != 0) {
        return reason;
    }
    nng_stat *stats = nng_stat_find_dialer(all, dialer);
    if (count_of(stats, "auth") > 0) {
        reason =
            ": a certificate is not trusted, the server's here or this client's there: another "
            "authority, another name, or out of date; or the server does not speak TLS";
    } else if (count_of(stats, "other") > 0) {
        reason = ": it ended the TLS handshake: it may want another certificate of this client, or "
                 "not speak TLS";
    }
    nng_stats_free(all);
    return reason;
}
