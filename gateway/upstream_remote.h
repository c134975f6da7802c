// upstream_remote - what the two files of calls to servers elsewhere share.
#ifndef ERRAND_GATEWAY_UPSTREAM_REMOTE_H
#define ERRAND_GATEWAY_UPSTREAM_REMOTE_H

#include "gateway/upstream.h"

#include "errand.h"

typedef struct remote_server {
    errand_client *client;
    _Atomic int64_t avoid_until_us;
    _Atomic int64_t last_answer_us;
} remote_server;

typedef struct remote {
    pthread_rwlock_t lock;  // guards stopped; read while a client is used
    bool stopped;
    int64_t connect_timeout_us;
    size_t count;
    remote_server servers[];
} remote;

// remote_try makes a call to one server, once.
status *remote_try(remote *r, remote_server *to, const upstream_call *call,
                   upstream_reply_fn *on_reply, void *data);

bool remote_is_stopped(remote *r);
status *remote_status_of(const errand_error *error);

#endif
