// jobs - the requests that the scenarios send.
#ifndef ERRAND_BENCH_JOBS_H
#define ERRAND_BENCH_JOBS_H

#include "base/status.h"

#include "errand/v1/job_service.pb-c.h"

#include <stddef.h>

#define JOBS_KIND "noop"

// A no-op job: kind `noop`, args of three fields, about a hundred bytes.
typedef struct noop_job {
    Errand__V1__Job job;
    Google__Protobuf__Value args;
    Google__Protobuf__Struct fields;
    Google__Protobuf__Struct__FieldsEntry entries[3];
    Google__Protobuf__Struct__FieldsEntry *entry_list[3];
    Google__Protobuf__Value values[3];
} noop_job;

void noop_job_init(noop_job *noop);  // in place: the job points into itself

// A job that fetches a URL, which is borrowed.
typedef struct fetch_job {
    Errand__V1__Job job;
    Errand__V1__HttpRequest http;
} fetch_job;

void fetch_job_init(fetch_job *fetch, const char *url);

// A no-op job with bytes as its input; they are borrowed.
typedef struct data_job {
    Errand__V1__Job job;
    Errand__V1__Data data;
} data_job;

void data_job_init(data_job *data, const char *bytes, size_t size);

// A request with the same job `count` times. NULL when memory is short; free with jobs_batch_free.
typedef struct jobs_batch {
    Errand__V1__BatchSubmitRequest request;
    Errand__V1__Job *jobs[];
} jobs_batch;

jobs_batch *jobs_batch_new(Errand__V1__Job *job, size_t count);
void jobs_batch_free(jobs_batch *batch);
DEFINE_AUTO(jobs_batch, jobs_batch_free)

// jobs_check_success fails unless a job that was waited for is SUCCEEDED.
status *jobs_check_success(Errand__V1__Job__State state);

// Size of a Submit of this job as it travels: the envelope with its metadata.
size_t jobs_submit_bytes(Errand__V1__Job *job);

#endif
