// outcomes - a PUSH socket. The connection holds for a measurement, so nothing is ever sent twice.
#include "bench/outcomes.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/push.h>
#include <stdlib.h>

struct outcomes {
    nng_socket socket;
    const char *worker_id;
    int64_t sequence;
    Errand__V1__Result result;  // the same for all
    Google__Protobuf__Value null_value;
};

static status *nng_failure(int error, const char *what)
{
    return error ? status_new(STATUS_UNAVAILABLE, "%s: %s", what, nng_strerror(error)) : NULL;
}

status *outcomes_open(const char *results_url, const char *worker_id, outcomes **ret)
{
    outcomes *o = calloc(1, sizeof *o);
    if (!o)
        return status_errno(ENOMEM, "outcomes");
    o->worker_id = worker_id;
    google__protobuf__value__init(&o->null_value);
    o->null_value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
    errand__v1__result__init(&o->result);
    o->result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
    o->result.value = &o->null_value;
    int error = nng_push0_open(&o->socket);
    if (!error)
        error = nng_socket_set_ms(o->socket, NNG_OPT_SENDTIMEO, 10000);
    if (!error)
        error = nng_dial(o->socket, results_url, NULL, 0);
    if (error)
        outcomes_close(o);
    else
        *ret = o;
    return nng_failure(error, results_url);
}

void outcomes_close(outcomes *o)
{
    if (!o)
        return;
    nng_close(o->socket);
    free(o);
}

static void fill(outcomes *o, Errand__V1__Assignment *assignment, Errand__V1__Outcome *ret)
{
    errand__v1__outcome__init(ret);
    ret->job_id = assignment->job->id;
    ret->token = assignment->token;
    ret->outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    ret->success = &o->result;
}

static status *send_batch(const outcomes *o, const Errand__V1__OutcomeBatch *batch)
{
    nng_msg *message;
    int error = nng_msg_alloc(&message, errand__v1__outcome_batch__get_packed_size(batch));
    if (error)
        return nng_failure(error, "outcomes");
    errand__v1__outcome_batch__pack(batch, nng_msg_body(message));
    error = nng_sendmsg(o->socket, message, 0);
    if (error)
        nng_msg_free(message);
    return nng_failure(error, "pushing outcomes");
}

status *outcomes_push(outcomes *o, Errand__V1__Assignment *const *assignments, size_t count)
{
    Errand__V1__Worker worker = ERRAND__V1__WORKER__INIT;
    Errand__V1__OutcomeBatch batch = ERRAND__V1__OUTCOME_BATCH__INIT;
    AUTO_FREE Errand__V1__Outcome *all = calloc(count, sizeof *all);
    AUTO_FREE Errand__V1__Outcome **list = calloc(count, sizeof(void *));
    if (!all || !list)
        return status_errno(ENOMEM, "outcomes");
    for (size_t i = 0; i < count; i++) {
        fill(o, assignments[i], &all[i]);
        list[i] = &all[i];
    }
    worker.id = (char *) (uintptr_t) o->worker_id;
    batch.worker = &worker;
    batch.outcome_sequence = ++o->sequence;
    batch.n_outcomes = count;
    batch.outcomes = list;
    return send_batch(o, &batch);
}

int64_t outcomes_pushed(const outcomes *o)
{
    return o->sequence;
}
