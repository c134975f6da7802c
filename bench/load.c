// load - callbacks that make the next call, on the threads of the client.
#include "bench/load.h"
#include "bench/answers.h"
#include "bench/usage.h"
#include "rpc/convert.h"

#include "errand/v1/job_service.pb-c.h"

#include <stdbool.h>
#include <unistd.h>

typedef struct run {
    const load *what;
    rpc_call_options options;
    double end_s;
    _Atomic int64_t started;
    _Atomic int64_t finished;
    answers ends;  // of the chains of calls
} run;

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
        answers_add(&r->ends, wrong);
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
        answers_add(&r->ends, NULL);
}

status *load_run(const load *what, load_result *ret)
{
    run r = {.what = what};
    r.options.timeout_ms = what->timeout_s * 1000;
    r.options.prompt = !what->waits;
    answers_init(&r.ends);
    double before_s = usage_cpu_s(getpid());
    double start = monotonic_s();
    r.end_s = start + (double) what->time_ms / 1000;
    for (int i = 0; i < what->in_flight; i++)
        chain_next(&r);
    status *failure = answers_wait(&r.ends, (size_t) what->in_flight);
    load_result result = {.count = r.finished,
                          .seconds = monotonic_s() - start,
                          .client_cpu_s = usage_cpu_s(getpid()) - before_s};
    answers_fini(&r.ends);
    if (!failure)
        *ret = result;
    return failure;
}
