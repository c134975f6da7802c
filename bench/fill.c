// fill - BatchSubmit, a few in flight.
#include "bench/fill.h"
#include "bench/jobs.h"

status *fill_run(rpc_client *client, const bench_options *options, Errand__V1__Job *job,
                 int64_t count, load_result *ret)
{
    int64_t size = options->batch < count ? options->batch : count;
    AUTO(jobs_batch) batch = jobs_batch_new(job, (size_t) size);
    if (!batch)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    load what = {.client = client,
                 .service = &errand__v1__job_service__descriptor,
                 .method = "BatchSubmit",
                 .request = &batch->request.base,
                 .in_flight = FILL_IN_FLIGHT,
                 .count = (count + size - 1) / size,
                 .timeout_s = options->timeout_s};
    status *failure = load_run(&what, ret);
    if (!failure)
        ret->count *= size;
    return failure;
}
