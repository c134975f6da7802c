// servers - the methods of ServerService.
#include "service/methods.h"

SERVICE_METHODS(Errand__V1__ServerService_Service)

// clang-format off
SERVED(get_info, info_call, Errand__V1__GetInfoRequest, Errand__V1__ServerInfo)
SERVED(get_stats, stats_call, Errand__V1__GetStatsRequest, Errand__V1__ServerStats)
SERVED(backup, backup_call, Errand__V1__BackupRequest, Errand__V1__BackupResponse)
// clang-format on

Errand__V1__ServerService_Service *server_methods(service *s)
{
    static const methods table = ERRAND__V1__SERVER_SERVICE__INIT(on_);
    return methods_new(&table, s);
}
