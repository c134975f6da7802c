// queues - the methods of QueueService.
#include "service/methods.h"

SERVICE_METHODS(Errand__V1__QueueService_Service)

// clang-format off
REFUSED(list, "List", Errand__V1__ListQueuesRequest, Errand__V1__ListQueuesResponse)
REFUSED(get, "Get", Errand__V1__GetQueueRequest, Errand__V1__Queue)
REFUSED(update, "Update", Errand__V1__UpdateQueueRequest, Errand__V1__Queue)
REFUSED(pause, "Pause", Errand__V1__PauseQueueRequest, Errand__V1__Queue)
REFUSED(resume, "Resume", Errand__V1__ResumeQueueRequest, Errand__V1__Queue)
REFUSED(purge, "Purge", Errand__V1__PurgeQueueRequest, Errand__V1__PurgeQueueResponse)
// clang-format on

Errand__V1__QueueService_Service *queue_methods(service *s)
{
    static const methods table = ERRAND__V1__QUEUE_SERVICE__INIT(on_);
    return methods_new(&table, s);
}
