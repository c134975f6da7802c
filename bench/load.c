// load - callbacks that make the next call, on the threads of the client.
#include "bench/load.h"
#include "bench/usage.h"
#include "rpc/convert.h"

#include "errand/v1/job_service.pb-c.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

typedef struct run {
    const load *what;
    rpc_call_options options;
    double end_s;
    _Atomic int64_t started;
    _Atomic int64_t finished;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    int active;       // chains of calls that still go on
    status *failure;  // the first
} run;

static void chain_end(run *r, status *failure)
{
    pthread_mutex_lock(&r->lock);
    if (!r->failure)
        r->failure = failure;
    else
        status_free(failure);
    if (--r->active == 0)
        pthread_cond_signal(&r->idle);
    pthread_mutex_unlock(&r->lock);
}

// A batch is answered as a whole even when jobs of it were refused.
static status *reply_check(const ProtobufCMessage *reply)
{
    if (reply->descriptor != &errand__v1__batch_submit_response__descriptor)
        return NULL;
    const Errand__V1__BatchSubmitResponse *batch = (const void *) reply;
    for (size_t i = 0; i < batch->n_results; i++)
        if (batch->results[i]->outcome_case !=
            ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_JOB)
            return convert_status_from_proto(batch->results[i]->error);
    return NULL;
}

static void chain_next(run *r);

static void call_done(void *data, const ProtobufCMessage *reply, const status *failure)
{
    run *r = data;
    status *wrong = failure ? status_copy(failure) : reply_check(reply);
    if (wrong) {
        chain_end(r, wrong);
        return;
    }
    r->finished++;
    chain_next(r);
}

static bool may_start(run *r, int64_t *ret_index)
{
    if (r->what->time_ms && monotonic_s() >= r->end_s)
        return false;
    *ret_index = r->started++;
    return *ret_index < r->what->count;
}

static const ProtobufCMessage *request_of(const load *what, int64_t index)
{
    return what->requests ? what->requests[(size_t) index % what->request_count] : what->request;
}

static void chain_next(run *r)
{
    const load *what = r->what;
    int64_t index;
    if (may_start(r, &index))
        rpc_client_start(what->client, what->service, what->method, request_of(what, index),
                         &r->options, call_done, r);
    else
        chain_end(r, NULL);
}

static void wait_until_idle(run *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->active > 0)
        pthread_cond_wait(&r->idle, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

status *load_run(const load *what, load_result *ret)
{
    run r = {.what = what, .active = what->in_flight};
    r.options.timeout_ms = what->timeout_s * 1000;
    r.options.prompt = true;
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.idle, NULL);
    double before_s = usage_cpu_s(getpid());
    double start = monotonic_s();
    r.end_s = start + (double) what->time_ms / 1000;
    for (int i = 0; i < what->in_flight; i++)
        chain_next(&r);
    wait_until_idle(&r);
    load_result result = {.count = r.finished,
                          .seconds = monotonic_s() - start,
                          .client_cpu_s = usage_cpu_s(getpid()) - before_s};
    pthread_cond_destroy(&r.idle);
    pthread_mutex_destroy(&r.lock);
    if (!r.failure)
        *ret = result;
    return r.failure;
}
