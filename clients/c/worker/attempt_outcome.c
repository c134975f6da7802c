// attempt_outcome - how attempts end: outcomes into the outbox.
#include "worker/attempt.h"

#include "base/log.h"
#include "worker/text.h"

#include <stdlib.h>

#define MESSAGE_BYTES 1024   // of a failure, at most
#define HEAD_BYTES    4096   // what a batch and an outcome add to a result
#define BESIDE_BYTES  65536  // of a result: headers and the like, beside a body of the full size

// An outcome that can not be kept is no outcome: the lease will run out.
static void lose(const lease_ref *ref, const status *why)
{
    log_error("outcome_lost", LOG_STR("job", ref->job_id), LOG_STATUS(why));
}

static void report(attempt_source *source, const lease_ref *ref, Errand__V1__Outcome *outcome)
{
    AUTO(status) failure = outbox_add(&source->outbox, ref, outcome);
    if (failure != NULL) {
        lose(ref, failure);
    }
}

void attempts_release(attempt_source *source, const lease_ref *ref)
{
    Errand__V1__Released released = ERRAND__V1__RELEASED__INIT;
    Errand__V1__Outcome outcome = ERRAND__V1__OUTCOME__INIT;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_RELEASED;
    outcome.released = &released;
    report(source, ref, &outcome);
}

static void report_failure(attempt_source *source, const lease_ref *ref,
                           const attempt_failure *failure)
{
    char message[MESSAGE_BYTES];
    text_clean(message, sizeof message, failure->message, strlen(failure->message));
    Errand__Rpc__V1__Status why = ERRAND__RPC__V1__STATUS__INIT;
    why.code = (Errand__Rpc__V1__Code) failure->code;
    why.message = message;
    Google__Protobuf__Duration after = GOOGLE__PROTOBUF__DURATION__INIT;
    after.seconds = failure->retry_after_us / 1000000;
    after.nanos = (int32_t) (failure->retry_after_us % 1000000) * 1000;
    Errand__V1__Failure told = ERRAND__V1__FAILURE__INIT;
    told.status = &why;
    told.retryable = failure->retryable;
    told.retry_after = failure->retry_after_us > 0 ? &after : NULL;
    Errand__V1__Outcome outcome = ERRAND__V1__OUTCOME__INIT;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_FAILURE;
    outcome.failure = &told;
    report(source, ref, &outcome);
}

void attempt_fail(attempt *a, const attempt_failure *failure)
{
    report_failure(a->source, &a->ref, failure);
    attempt_vacate(a);
}

static size_t result_cap(const attempts *all)
{
    size_t cap = all->max_message_bytes > HEAD_BYTES ? all->max_message_bytes - HEAD_BYTES : 0;
    size_t whole = all->max_result_bytes + BESIDE_BYTES;
    return cap < whole ? cap : whole;
}

static void refuse_long_result(attempt *a, size_t size)
{
    char message[128];
    size_t cap = result_cap(a->owner);
    cap = cap < a->owner->max_result_bytes ? cap : a->owner->max_result_bytes;
    (void) snprintf(message, sizeof message,
                    "the result has %zu bytes, more than the cap of %zu bytes", size, cap);
    attempt_failure failure = {.code = STATUS_RESOURCE_EXHAUSTED, .message = message};
    attempt_fail(a, &failure);
}

// The path begins where the batch does; who reads it knows only of the result.
static void refuse_bad_result(attempt *a, const status *bad)
{
    static const char prefix[] = "outcomes[0].success.";
    const char *why = bad->message;
    why += strncmp(why, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    char message[MESSAGE_BYTES];
    (void) snprintf(message, sizeof message, "the result can not be sent: %s", why);
    attempt_failure failure = {.code = bad->code, .message = message};
    attempt_fail(a, &failure);
}

void attempt_succeed(attempt *a, Errand__V1__Result *result)
{
    size_t size = errand__v1__result__get_packed_size(result);
    if (size > result_cap(a->owner)) {
        refuse_long_result(a, size);
        return;
    }
    Errand__V1__Outcome outcome = ERRAND__V1__OUTCOME__INIT;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome.success = result;
    AUTO(status) failure = outbox_add(&a->source->outbox, &a->ref, &outcome);
    if (failure != NULL && failure->code == STATUS_INVALID_ARGUMENT) {
        refuse_bad_result(a, failure);
        return;
    }
    if (failure != NULL) {
        lose(&a->ref, failure);
    }
    attempt_vacate(a);
}
