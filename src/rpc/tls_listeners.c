// tls_listeners - the listeners of a socket over tls+tcp://, whose certificates can be renewed
// while they listen.
#include "rpc/tls_listeners.h"

static void forget(nng_tls_config *config)
{
    if (config != NULL) {
        nng_tls_config_free(config);
    }
}

static status *show(nng_listener listener, const char *url, nng_tls_config *config)
{
    int error = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, config);
    return error == 0 ? NULL
                      : status_new(STATUS_INVALID_ARGUMENT, "%s can not have certificates: %s", url,
                                   nng_strerror(error));
}

status *tls_listeners_add(tls_listeners *all, nng_listener listener, const char *url,
                          const tls_files *files)
{
    if (!tls_is_url(url)) {
        return NULL;
    }
    if (all->count == TLS_MAX_LISTENERS) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "at most %d addresses can be tls+tcp://",
                          TLS_MAX_LISTENERS);
    }
    status *failure = all->shown == NULL ? tls_server_config(files, &all->shown) : NULL;
    if (failure == NULL) {
        failure = show(listener, url, all->shown);
    }
    if (failure == NULL) {
        all->list[all->count++] = listener;
    }
    return failure;
}

// A listener may be about to take what was shown before, so that is kept until the next time.
status *tls_listeners_renew(tls_listeners *all, const tls_files *files)
{
    nng_tls_config *fresh = NULL;
    if (all->count == 0) {
        return NULL;
    }
    status *failure = tls_server_config(files, &fresh);
    if (failure != NULL) {
        return failure;
    }
    forget(all->before);
    all->before = all->shown;
    all->shown = fresh;
    for (size_t i = 0; failure == NULL && i < all->count; i++) {
        failure = show(all->list[i], "a listener", fresh);
    }
    return failure;
}

void tls_listeners_fini(tls_listeners *all)
{
    forget(all->shown);
    forget(all->before);
    *all = (tls_listeners){0};
}
