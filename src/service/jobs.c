// jobs - the methods of JobService.
#include "service/methods.h"

SERVICE_METHODS(Errand__V1__JobService_Service)

// clang-format off
SERVED(submit, submit_call, Errand__V1__SubmitRequest, Errand__V1__Job)
SERVED(batch_submit, batch_submit_call, Errand__V1__BatchSubmitRequest, Errand__V1__BatchSubmitResponse)
SERVED(get, get_call, Errand__V1__GetJobRequest, Errand__V1__Job)
SERVED(get_result, get_result_call, Errand__V1__GetResultRequest, Errand__V1__GetResultResponse)
SERVED(list, list_call, Errand__V1__ListJobsRequest, Errand__V1__ListJobsResponse)
SERVED(cancel, cancel_call, Errand__V1__CancelJobRequest, Errand__V1__Job)
SERVED(retry, retry_call, Errand__V1__RetryJobRequest, Errand__V1__Job)
SERVED(delete, delete_call, Errand__V1__DeleteJobRequest, Errand__V1__Job)
SERVED(watch, watch_call, Errand__V1__WatchJobRequest, Errand__V1__Job)
SERVED(explain, explain_call, Errand__V1__ExplainJobRequest, Errand__V1__Explanation)
SERVED(cancel_many, cancel_many_call, Errand__V1__CancelManyRequest, Errand__V1__CancelManyResponse)
SERVED(retry_many, retry_many_call, Errand__V1__RetryManyRequest, Errand__V1__RetryManyResponse)
SERVED(delete_many, delete_many_call, Errand__V1__DeleteManyRequest, Errand__V1__DeleteManyResponse)
// clang-format on

Errand__V1__JobService_Service *job_methods(service *s)
{
    static const methods table = ERRAND__V1__JOB_SERVICE__INIT(on_);
    return methods_new(&table, s);
}
