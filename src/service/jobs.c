// jobs - the methods of JobService.
#include "service/internal.h"

#include <stdlib.h>

typedef SERVICE_OBJECT(Errand__V1__JobService_Service) object;

static service *owner_of(Errand__V1__JobService_Service *self)
{
    return ((object *) self)->owner;
}

static void refuse(const char *method, void *data)
{
    rpc_call_fail(rpc_call_of(data),
                  status_new(STATUS_UNIMPLEMENTED,
                             "errand.v1.JobService/%s is not supported by this server", method));
}

// clang-format off
// Those that this server does not have are refused by name.
#define REFUSED(method, name, request, reply)                                                      \
    static void on_##method(Errand__V1__JobService_Service *self, const request *input,            \
                            reply##_Closure closure, void *data)                                   \
    {                                                                                              \
        (void) self;                                                                               \
        (void) input;                                                                              \
        (void) closure;                                                                            \
        refuse(name, data);                                                                        \
    }

#define SERVED(method, function, request, reply)                                                   \
    static void on_##method(Errand__V1__JobService_Service *self, const request *input,            \
                            reply##_Closure closure, void *data)                                   \
    {                                                                                              \
        (void) closure;                                                                            \
        function(owner_of(self), input, rpc_call_of(data));                                        \
    }

SERVED(submit, submit_call, Errand__V1__SubmitRequest, Errand__V1__Job)
SERVED(batch_submit, batch_submit_call, Errand__V1__BatchSubmitRequest, Errand__V1__BatchSubmitResponse)
SERVED(get, get_call, Errand__V1__GetJobRequest, Errand__V1__Job)
SERVED(get_result, get_result_call, Errand__V1__GetResultRequest, Errand__V1__GetResultResponse)
SERVED(list, list_call, Errand__V1__ListJobsRequest, Errand__V1__ListJobsResponse)
REFUSED(cancel, "Cancel", Errand__V1__CancelJobRequest, Errand__V1__Job)
REFUSED(retry, "Retry", Errand__V1__RetryJobRequest, Errand__V1__Job)
REFUSED(delete, "Delete", Errand__V1__DeleteJobRequest, Errand__V1__Job)
REFUSED(watch, "Watch", Errand__V1__WatchJobRequest, Errand__V1__Job)
REFUSED(explain, "Explain", Errand__V1__ExplainJobRequest, Errand__V1__Explanation)
REFUSED(cancel_many, "CancelMany", Errand__V1__CancelManyRequest, Errand__V1__CancelManyResponse)
REFUSED(retry_many, "RetryMany", Errand__V1__RetryManyRequest, Errand__V1__RetryManyResponse)
REFUSED(delete_many, "DeleteMany", Errand__V1__DeleteManyRequest, Errand__V1__DeleteManyResponse)
// clang-format on

Errand__V1__JobService_Service *job_methods(service *s)
{
    static const Errand__V1__JobService_Service methods = ERRAND__V1__JOB_SERVICE__INIT(on_);
    object *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->object = methods;
    made->owner = s;
    return &made->object;
}
