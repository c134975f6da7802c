// tls_listeners - the listeners of a socket over tls+tcp://, whose certificates can be renewed
// while they listen.
#ifndef ERRAND_RPC_TLS_LISTENERS_H
#define ERRAND_RPC_TLS_LISTENERS_H

#include "rpc/tls.h"

#include <stddef.h>

#define TLS_MAX_LISTENERS 32

// Zeroed is empty. For one thread at a time.
typedef struct tls_listeners {
    nng_listener list[TLS_MAX_LISTENERS];
    size_t count;
    nng_tls_config *shown, *before;  // NULL: none yet
} tls_listeners;

// tls_listeners_add gives what is about to be started its certificates; it does nothing for other
// URLs than tls+tcp://. A listener that is closed must not have its certificates renewed.
status *tls_listeners_add(tls_listeners *all, nng_listener listener, const char *url,
                          const tls_files *files);

// tls_listeners_renew reads the files again, for connections to come. The one that a listener is
// waiting for just now is still shown what was before. On failure nothing changes.
status *tls_listeners_renew(tls_listeners *all, const tls_files *files);

void tls_listeners_fini(tls_listeners *all);  // after the socket is closed

#endif
