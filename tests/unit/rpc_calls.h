// rpc_calls - many calls at once, counted as they end.
#ifndef ERRAND_TESTS_UNIT_RPC_CALLS_H
#define ERRAND_TESTS_UNIT_RPC_CALLS_H

#include "unit/rpc_rig.h"

typedef struct calls {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t succeeded;
    size_t failed;
    status *last_failure;
    char last_id[64];
} calls;

static inline void calls_init(calls *c)
{
    memset(c, 0, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
}

static inline void calls_fini(calls *c)
{
    status_free(c->last_failure);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
}

static inline void calls_done(void *data, const ProtobufCMessage *reply, const status *failure)
{
    calls *c = data;
    pthread_mutex_lock(&c->lock);
    if (failure != NULL) {
        c->failed++;
        status_free(c->last_failure);
        c->last_failure = status_copy(failure);
    } else {
        c->succeeded++;
        if (reply->descriptor == &errand__v1__job__descriptor) {
            const char *id = ((const Errand__V1__Job *) reply)->id;
            snprintf(c->last_id, sizeof c->last_id, "%s", id);
        }
    }
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static inline void calls_wait(calls *c, size_t wanted)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RIG_TIMEOUT_MS / 1000;
    int error = 0;
    pthread_mutex_lock(&c->lock);
    while (c->succeeded + c->failed < wanted && error == 0) {
        error = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    }
    size_t reached = c->succeeded + c->failed;
    pthread_mutex_unlock(&c->lock);
    assert_int_equal(reached, wanted);
}

static inline void calls_get(calls *c, rpc_client *client, const char *id,
                             const rpc_call_options *options)
{
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    rpc_client_start(client, RIG_JOBS, "Get", &request.base, options, calls_done, c);
}

// calls_park waits at the server in the park, calls_hold just so.
static inline void calls_park(calls *c, rpc_client *client, size_t count)
{
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    for (size_t i = 0; i < count; i++) {
        rpc_client_start(client, RIG_JOBS, "GetResult", &request.base, NULL, calls_done, c);
    }
}

static inline void calls_hold(calls *c, rpc_client *client, size_t count,
                              const rpc_call_options *options)
{
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    for (size_t i = 0; i < count; i++) {
        rpc_client_start(client, RIG_JOBS, "List", &request.base, options, calls_done, c);
    }
}

static inline rpc_client *rig_client_with_window(const char *url, size_t max_in_flight)
{
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = url;
    options.default_timeout_ms = RIG_TIMEOUT_MS;
    options.max_in_flight = max_in_flight;
    rpc_client *client;
    assert_null(rpc_client_open(&options, &client));
    return client;
}

#endif
