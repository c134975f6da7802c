// workers - the methods of WorkerService.
#include "service/internal.h"

#include <stdlib.h>

typedef SERVICE_OBJECT(Errand__V1__WorkerService_Service) object;

static service *owner_of(Errand__V1__WorkerService_Service *self)
{
    return ((object *) self)->owner;
}

static void refuse(const char *method, void *data)
{
    rpc_call_fail(rpc_call_of(data),
                  status_new(STATUS_UNIMPLEMENTED,
                             "errand.v1.WorkerService/%s is not supported by this server", method));
}

// clang-format off
// Those that this server does not have are refused by name.
#define REFUSED(method, name, request, reply)                                                      \
    static void on_##method(Errand__V1__WorkerService_Service *self, const request *input,            \
                            reply##_Closure closure, void *data)                                   \
    {                                                                                              \
        (void) self;                                                                               \
        (void) input;                                                                              \
        (void) closure;                                                                            \
        refuse(name, data);                                                                        \
    }

#define SERVED(method, function, request, reply)                                                   \
    static void on_##method(Errand__V1__WorkerService_Service *self, const request *input,            \
                            reply##_Closure closure, void *data)                                   \
    {                                                                                              \
        (void) closure;                                                                            \
        function(owner_of(self), input, rpc_call_of(data));                                        \
    }

SERVED(lease, lease_call, Errand__V1__LeaseRequest, Errand__V1__LeaseResponse)
SERVED(heartbeat, heartbeat_call, Errand__V1__HeartbeatRequest, Errand__V1__HeartbeatResponse)
SERVED(report, report_call, Errand__V1__OutcomeBatch, Errand__V1__ReportResponse)
REFUSED(list, "List", Errand__V1__ListWorkersRequest, Errand__V1__ListWorkersResponse)
// clang-format on

Errand__V1__WorkerService_Service *worker_methods(service *s)
{
    static const Errand__V1__WorkerService_Service methods = ERRAND__V1__WORKER_SERVICE__INIT(on_);
    object *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->object = methods;
    made->owner = s;
    return &made->object;
}
