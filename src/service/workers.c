// workers - the methods of WorkerService.
#include "service/methods.h"

SERVICE_METHODS(Errand__V1__WorkerService_Service)

// clang-format off
SERVED(lease, lease_call, Errand__V1__LeaseRequest, Errand__V1__LeaseResponse)
SERVED(heartbeat, heartbeat_call, Errand__V1__HeartbeatRequest, Errand__V1__HeartbeatResponse)
SERVED(report, report_call, Errand__V1__OutcomeBatch, Errand__V1__ReportResponse)
SERVED(list, list_workers_call, Errand__V1__ListWorkersRequest, Errand__V1__ListWorkersResponse)
// clang-format on

Errand__V1__WorkerService_Service *worker_methods(service *s)
{
    static const methods table = ERRAND__V1__WORKER_SERVICE__INIT(on_);
    return methods_new(&table, s);
}
