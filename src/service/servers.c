// servers - the methods of ServerService.
#include "service/internal.h"

#include <stdlib.h>

typedef SERVICE_OBJECT(Errand__V1__ServerService_Service) object;

static service *owner_of(Errand__V1__ServerService_Service *self)
{
    return ((object *) self)->owner;
}

static void refuse(const char *method, void *data)
{
    rpc_call_fail(rpc_call_of(data),
                  status_new(STATUS_UNIMPLEMENTED,
                             "errand.v1.ServerService/%s is not supported by this server", method));
}

// clang-format off
// Those that this server does not have are refused by name.
#define REFUSED(method, name, request, reply)                                                      \
    static void on_##method(Errand__V1__ServerService_Service *self, const request *input,            \
                            reply##_Closure closure, void *data)                                   \
    {                                                                                              \
        (void) self;                                                                               \
        (void) input;                                                                              \
        (void) closure;                                                                            \
        refuse(name, data);                                                                        \
    }

#define SERVED(method, function, request, reply)                                                   \
    static void on_##method(Errand__V1__ServerService_Service *self, const request *input,            \
                            reply##_Closure closure, void *data)                                   \
    {                                                                                              \
        (void) closure;                                                                            \
        function(owner_of(self), input, rpc_call_of(data));                                        \
    }

SERVED(get_info, info_call, Errand__V1__GetInfoRequest, Errand__V1__ServerInfo)
REFUSED(get_stats, "GetStats", Errand__V1__GetStatsRequest, Errand__V1__ServerStats)
REFUSED(backup, "Backup", Errand__V1__BackupRequest, Errand__V1__BackupResponse)
// clang-format on

Errand__V1__ServerService_Service *server_methods(service *s)
{
    static const Errand__V1__ServerService_Service methods = ERRAND__V1__SERVER_SERVICE__INIT(on_);
    object *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->object = methods;
    made->owner = s;
    return &made->object;
}
