// submission - what Submit and BatchSubmit share.
#ifndef ERRAND_SERVICE_SUBMISSION_H
#define ERRAND_SERVICE_SUBMISSION_H

#include "service/internal.h"

typedef struct submission {
    engine_submit submit;
    service *service;
    rpc_call *call;
    int64_t now_us;   // when the call came
    uuid_source ids;  // of jobs without one of their own, once there is one
    bool has_ids;
    engine_wait wait;
    int64_t wait_until_us;
    Errand__V1__Job **jobs;  // of the request
    size_t *places;          // of a batch: index of each engine job in the request
    Errand__V1__BatchSubmitResponse__Result **results;
    size_t result_count;
    size_t reply_bytes;  // of a batch: what its answer will take, about and at most
    bool is_measured;    // the inputs of its jobs are not in that any more
} submission;

// submission_new is in the call's arena; NULL when that is used up.
submission *submission_new(service *s, rpc_call *call);

// submission_prepare judges the index-th job of a request, and makes of it what the engine takes.
// The trace of the call goes into the job.
status *submission_prepare(submission *sub, Errand__V1__Job *job, uint64_t index,
                           engine_new_job *ret);

// submission_view is the job as it is stored: the one of the request, which is filled in, or the
// one that has its unique key.
status *submission_view(submission *sub, const engine_new_job *made, Errand__V1__Job *own,
                        Errand__V1__Job **ret);

#endif
