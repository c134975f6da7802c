// connect_methods - which services and methods there are, and what the descriptors do not say.
//
// protobuf-c drops `stream` and the method options; a test compares this table with the protos.
#include "gateway/connect_internal.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#include <string.h>

#define PACKAGE "/errand.v1."

static const ProtobufCServiceDescriptor *const services[] = {
    &errand__v1__job_service__descriptor,
    &errand__v1__queue_service__descriptor,
    &errand__v1__server_service__descriptor,
    &errand__v1__worker_service__descriptor,
};

enum { READS = 1, STREAMS = 2, IS_LONG = 4 };

// Those that are not listed write, answer once and soon.
static const struct {
    const char *path;
    int traits;
} special[] = {
    {PACKAGE "JobService/Get", READS},
    {PACKAGE "JobService/GetResult", READS},
    {PACKAGE "JobService/List", READS},
    {PACKAGE "JobService/Explain", READS},
    {PACKAGE "JobService/Watch", READS | STREAMS},
    {PACKAGE "JobService/CancelMany", IS_LONG},
    {PACKAGE "JobService/RetryMany", IS_LONG},
    {PACKAGE "JobService/DeleteMany", IS_LONG},
    {PACKAGE "QueueService/List", READS},
    {PACKAGE "QueueService/Get", READS},
    {PACKAGE "QueueService/Watch", READS | STREAMS},
    {PACKAGE "QueueService/Purge", IS_LONG},
    {PACKAGE "ServerService/GetInfo", READS},
    {PACKAGE "ServerService/GetStats", READS},
    {PACKAGE "ServerService/Backup", IS_LONG},
    {PACKAGE "WorkerService/List", READS},
};

static int traits_of(const char *path)
{
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (strcmp(special[i].path, path) == 0) {
            return special[i].traits;
        }
    }
    return 0;
}

const ProtobufCServiceDescriptor *connect_service(size_t index)
{
    return index < sizeof services / sizeof services[0] ? services[index] : NULL;
}

bool connect_is_path(const char *path)
{
    return strncmp(path, PACKAGE, sizeof PACKAGE - 1) == 0;
}

// The descriptor's name is errand.v1.JobService.
static const ProtobufCServiceDescriptor *find_service(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (strlen(services[i]->name) == size && strncmp(services[i]->name, name, size) == 0) {
            return services[i];
        }
    }
    return NULL;
}

bool connect_find(const char *path, connect_method *ret)
{
    const char *name = path + 1;
    size_t size = strcspn(name, "/");
    const ProtobufCServiceDescriptor *service = find_service(name, size);
    if (service == NULL || name[size] == '\0') {
        return false;
    }
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(service, name + size + 1);
    if (method == NULL) {
        return false;
    }
    int traits = traits_of(path);
    *ret = (connect_method){.service = service,
                            .descriptor = method,
                            .reads = (traits & READS) != 0,
                            .streams = (traits & STREAMS) != 0,
                            .is_long = (traits & IS_LONG) != 0};
    return true;
}

const char *connect_allow(const char *path)
{
    connect_method method;
    if (!connect_find(path, &method)) {
        return NULL;
    }
    return method.reads && !method.streams ? "GET, POST, OPTIONS" : "POST, OPTIONS";
}
