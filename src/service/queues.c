// queues - the methods of QueueService.
#include "service/methods.h"

SERVICE_METHODS(Errand__V1__QueueService_Service)

// clang-format off
SERVED(list, list_queues_call, Errand__V1__ListQueuesRequest, Errand__V1__ListQueuesResponse)
SERVED(get, get_queue_call, Errand__V1__GetQueueRequest, Errand__V1__Queue)
SERVED(update, update_queue_call, Errand__V1__UpdateQueueRequest, Errand__V1__Queue)
SERVED(pause, pause_queue_call, Errand__V1__PauseQueueRequest, Errand__V1__Queue)
SERVED(resume, resume_queue_call, Errand__V1__ResumeQueueRequest, Errand__V1__Queue)
SERVED(purge, purge_queue_call, Errand__V1__PurgeQueueRequest, Errand__V1__PurgeQueueResponse)
SERVED(watch, watch_queue_call, Errand__V1__WatchQueueRequest, Errand__V1__WatchQueueResponse)
// clang-format on

Errand__V1__QueueService_Service *queue_methods(service *s)
{
    static const methods table = ERRAND__V1__QUEUE_SERVICE__INIT(on_);
    return methods_new(&table, s);
}
