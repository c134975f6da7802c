// jobs - typed forms of the calls about jobs.
#include "errand.h"
#include "error.h"

#include <stdlib.h>

bool errand_state_is_final(Errand__V1__Job__State state)
{
    return state == ERRAND__V1__JOB__STATE__SUCCEEDED || state == ERRAND__V1__JOB__STATE__FAILED ||
           state == ERRAND__V1__JOB__STATE__CANCELLED || state == ERRAND__V1__JOB__STATE__EXPIRED;
}

// ---- submitting ----

typedef struct submission {
    errand_job_fn *done;
    void *data;
} submission;

static void on_submitted(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    submission s = *(submission *) data;
    free(data);
    s.done(s.data, (const Errand__V1__Job *) reply, error);
}

void errand_submit_start(errand_client *client, const Errand__V1__Job *job,
                         const errand_call_options *options, errand_job_fn *done, void *data)
{
    submission *s = malloc(sizeof *s);
    if (s == NULL) {
        done(data, NULL, error_no_memory());
        return;
    }
    *s = (submission){.done = done, .data = data};
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    request.job = (Errand__V1__Job *) (uintptr_t) job;
    errand_call_options call_options = options == NULL ? (errand_call_options){0} : *options;
    call_options.prompt = true;
    errand_start(client, &errand__v1__job_service__descriptor, "Submit", &request.base,
                 &call_options, on_submitted, s);
}

errand_error *errand_submit_batch(errand_client *client, const Errand__V1__Job *const *jobs,
                                  size_t count, const errand_call_options *options,
                                  Errand__V1__BatchSubmitResponse **ret)
{
    Errand__V1__BatchSubmitRequest request = ERRAND__V1__BATCH_SUBMIT_REQUEST__INIT;
    request.n_jobs = count;
    request.jobs = (Errand__V1__Job **) (uintptr_t) jobs;
    return errand_call(client, &errand__v1__job_service__descriptor, "BatchSubmit", &request.base,
                       options, (ProtobufCMessage **) ret);
}

// ---- looking ----

errand_error *errand_wait(errand_client *client, const char *id, int64_t wait_ms,
                          Errand__V1__Job **ret)
{
    Errand__V1__GetResultResponse *response = NULL;
    errand_error *error = errand_result(client, id, wait_ms, &response);
    if (error != NULL) {
        return error;
    }
    errand__v1__get_result_response__free_unpacked(response, NULL);
    return errand_get(client, id, ERRAND__V1__JOB_VIEW__FULL, ret);
}

errand_error *errand_list(errand_client *client, const Errand__V1__ListJobsRequest *request,
                          Errand__V1__ListJobsResponse **ret)
{
    const Errand__V1__ListJobsRequest all = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    return errand_call(client, &errand__v1__job_service__descriptor, "List",
                       request == NULL ? &all.base : &request->base, NULL,
                       (ProtobufCMessage **) ret);
}

// ---- changing ----

static errand_error *change(errand_client *client, const char *method,
                            const ProtobufCMessage *request, Errand__V1__Job **ret)
{
    const errand_call_options options = {.prompt = true};
    ProtobufCMessage *job = NULL;
    errand_error *error =
        errand_call(client, &errand__v1__job_service__descriptor, method, request, &options, &job);
    if (error != NULL) {
        return error;
    }
    if (ret != NULL) {
        *ret = (Errand__V1__Job *) job;
    } else {
        protobuf_c_message_free_unpacked(job, NULL);
    }
    return NULL;
}

errand_error *errand_cancel(errand_client *client, const char *id, Errand__V1__Job **ret)
{
    Errand__V1__CancelJobRequest request = ERRAND__V1__CANCEL_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    return change(client, "Cancel", &request.base, ret);
}

errand_error *errand_retry(errand_client *client, const char *id, Errand__V1__Job **ret)
{
    Errand__V1__RetryJobRequest request = ERRAND__V1__RETRY_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    return change(client, "Retry", &request.base, ret);
}

errand_error *errand_delete(errand_client *client, const char *id, Errand__V1__Job **ret)
{
    Errand__V1__DeleteJobRequest request = ERRAND__V1__DELETE_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    return change(client, "Delete", &request.base, ret);
}
