// http_handler - runs jobs of kind `http`.
#ifndef ERRAND_WORKER_HTTP_HANDLER_H
#define ERRAND_WORKER_HTTP_HANDLER_H

#include "worker/attempt.h"

extern const handler_ops http_handler;

#endif
