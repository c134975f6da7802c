// queues - the methods of QueueService.
#include "service/internal.h"

#include <stdlib.h>

typedef SERVICE_OBJECT(Errand__V1__QueueService_Service) object;

static void refuse(const char *method, void *data)
{
    rpc_call_fail(rpc_call_of(data),
                  status_new(STATUS_UNIMPLEMENTED,
                             "errand.v1.QueueService/%s is not supported by this server", method));
}

// clang-format off
// Those that this server does not have are refused by name.
#define REFUSED(method, name, request, reply)                                                      \
    static void on_##method(Errand__V1__QueueService_Service *self, const request *input,            \
                            reply##_Closure closure, void *data)                                   \
    {                                                                                              \
        (void) self;                                                                               \
        (void) input;                                                                              \
        (void) closure;                                                                            \
        refuse(name, data);                                                                        \
    }

REFUSED(list, "List", Errand__V1__ListQueuesRequest, Errand__V1__ListQueuesResponse)
REFUSED(get, "Get", Errand__V1__GetQueueRequest, Errand__V1__Queue)
REFUSED(update, "Update", Errand__V1__UpdateQueueRequest, Errand__V1__Queue)
REFUSED(pause, "Pause", Errand__V1__PauseQueueRequest, Errand__V1__Queue)
REFUSED(resume, "Resume", Errand__V1__ResumeQueueRequest, Errand__V1__Queue)
REFUSED(purge, "Purge", Errand__V1__PurgeQueueRequest, Errand__V1__PurgeQueueResponse)
// clang-format on

Errand__V1__QueueService_Service *queue_methods(service *s)
{
    static const Errand__V1__QueueService_Service methods = ERRAND__V1__QUEUE_SERVICE__INIT(on_);
    object *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->object = methods;
    made->owner = s;
    return &made->object;
}
