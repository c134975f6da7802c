// http_handler - runs jobs of kind `http`.
#ifndef ERRAND_WORKER_HTTP_HANDLER_H
#define ERRAND_WORKER_HTTP_HANDLER_H

#include "worker/attempt.h"

#include <stdatomic.h>

typedef struct http_settings {
    size_t max_per_host;           // transfers at once to one host; 0: no limit
    bool allow_private_addresses;  // loopback and private ranges; link-local never
    // Once it is true they are not allowed any more, not even over connections that are open
    // already. Outlives the pool; NULL: that stays as it is.
    const atomic_bool *private_withdrawn;
} http_settings;

// Its settings are http_settings.
extern const handler_ops http_handler;

#endif
