// https - certificate and key of an HTTPS listener, and OpenSSL where civetweb finds it.
#include "gateway/https.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// civetweb has one context from start to end. Each handshake takes certificate and key from the
// other one, which is replaced when the files are read again.
struct https {
    char *cert;
    char *key;
    https_handshake_fn *on_handshake;
    SSL_CTX *front;
    pthread_mutex_t lock;  // guards current; a leaf
    SSL_CTX *current;
};

// ---- files ----

static status *bad_file(const char *key, const char *file)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(error);
    status *failure =
        status_bad_field(key, "%s can not be used: %s", file, reason != NULL ? reason : "not PEM");
    ERR_clear_error();
    return failure;
}

static status *check_readable(const char *key, const char *file)
{
    FILE *opened = fopen(file, "re");
    if (opened == NULL) {
        char reason[128];
        return status_bad_field(key, "can not read %s: %s", file,
                                strerror_r(errno, reason, sizeof reason));
    }
    (void) fclose(opened);
    return NULL;
}

// A key with a passphrase: nobody is there to type it.
static int no_passphrase(char *text, int size, int writing, void *data)
{
    (void) text;
    (void) size;
    (void) writing;
    (void) data;
    return 0;
}

static status *use_files(SSL_CTX *context, const https_files *files)
{
    status *failure = check_readable("http_tls.cert", files->cert);
    failure = failure != NULL ? failure : check_readable("http_tls.key", files->key);
    if (failure != NULL) {
        return failure;
    }
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, files->cert) != 1) {
        return bad_file("http_tls.cert", files->cert);
    }
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1) {
        return bad_file("http_tls.key", files->key);
    }
    return NULL;
}

static status *new_context(const https_files *files, SSL_CTX **ret)
{
    static const unsigned char session_id[] = "errand";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(context);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "OpenSSL has no context to give");
    }
    (void) SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void) SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void) SSL_CTX_set_session_id_context(context, session_id, sizeof session_id - 1);
    status *failure = use_files(context, files);
    if (failure != NULL) {
        SSL_CTX_free(context);
        return failure;
    }
    *ret = context;
    return NULL;
}

static status *check_pair(const https_files *files)
{
    if (files->cert != NULL && files->key == NULL) {
        return status_bad_field("http_tls.key", "found nothing, expected the private key of %s",
                                files->cert);
    }
    if (files->cert == NULL && files->key != NULL) {
        return status_bad_field("http_tls.cert", "found nothing, expected the certificate of %s",
                                files->key);
    }
    return NULL;
}

status *https_check(const https_files *files)
{
    SSL_CTX *context = NULL;
    status *failure = check_pair(files);
    if (failure == NULL && files->cert != NULL) {
        failure = new_context(files, &context);
        SSL_CTX_free(context);
    }
    return failure;
}

// ---- OpenSSL's names ----

// They are found by their names once they are loaded, wherever they are.
static bool load_from(const char *folder, const char *below)
{
    static const char *const names[] = {"libcrypto.so", "libssl.so"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "%s/%s%s", folder, below, names[i]);
        if (size < 0 || (size_t) size >= sizeof path ||
            dlopen(path, RTLD_NOW | RTLD_GLOBAL) == NULL) {
            return false;
        }
    }
    return true;
}

static status *load_names(void)
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (load_from(self, "../libexec/errand/")) {
            return NULL;
        }
    }
    return load_from(ERRAND_LIBEXEC_DIR, "")
               ? NULL
               : status_new(STATUS_NOT_FOUND, "libssl.so and libcrypto.so for HTTPS are not in %s",
                            ERRAND_LIBEXEC_DIR);
}

// ---- both ----

static int choose_certificate(SSL *ssl, void *data)
{
    https *h = data;
    (void) pthread_mutex_lock(&h->lock);
    bool ok = SSL_set_SSL_CTX(ssl, h->current) != NULL;
    (void) pthread_mutex_unlock(&h->lock);
    return ok;
}

// Only the front context knows of `https`, and only the first handshake of a connection has it.
static void tell_handshake(const SSL *ssl, int type, int value)
{
    (void) value;
    const https *h = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (type == SSL_CB_HANDSHAKE_START && h != NULL) {
        h->on_handshake(SSL_get_fd(ssl));
    }
}

static status *open_contexts(https *h)
{
    const https_files files = {.cert = h->cert, .key = h->key};
    status *failure = new_context(&files, &h->front);
    if (failure == NULL) {
        SSL_CTX_set_app_data(h->front, h);
        SSL_CTX_set_info_callback(h->front, tell_handshake);
        SSL_CTX_set_cert_cb(h->front, choose_certificate, h);
        failure = new_context(&files, &h->current);
    }
    return failure;
}

status *https_open(const https_files *files, https_handshake_fn *on_handshake, https **ret)
{
    status *failure = check_pair(files);
    if (failure != NULL || files->cert == NULL) {
        return failure;
    }
    AUTO(https) h = calloc(1, sizeof *h);
    if (h == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void) pthread_mutex_init(&h->lock, NULL);
    h->on_handshake = on_handshake;
    h->cert = strdup(files->cert);
    h->key = strdup(files->key);
    if (h->cert == NULL || h->key == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    failure = load_names();
    failure = failure != NULL ? failure : open_contexts(h);
    if (failure == NULL) {
        *ret = TAKE(h);
    }
    return failure;
}

status *https_renew(https *h)
{
    const https_files files = {.cert = h->cert, .key = h->key};
    SSL_CTX *fresh = NULL;
    status *failure = new_context(&files, &fresh);
    if (failure == NULL) {
        (void) pthread_mutex_lock(&h->lock);
        SSL_CTX *old = h->current;
        h->current = fresh;
        (void) pthread_mutex_unlock(&h->lock);
        SSL_CTX_free(old);  // connections that have it keep it
    }
    return failure;
}

void *https_context(const https *h)
{
    return h->front;
}

void https_free(https *h)
{
    if (h != NULL) {
        SSL_CTX_free(h->front);
        SSL_CTX_free(h->current);
        (void) pthread_mutex_destroy(&h->lock);
        free(h->cert);
        free(h->key);
        free(h);
    }
}
