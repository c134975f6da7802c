// access_rules - what each method asks of a token. docs/security.md shows the same table.
#include "service/access.h"

#define JOBS    "/errand.v1.JobService/"
#define QUEUES  "/errand.v1.QueueService/"
#define WORKERS "/errand.v1.WorkerService/"
#define SERVER  "/errand.v1.ServerService/"

// clang-format off
const access_rule access_rules[] = {
    {JOBS "Submit",       ACCESS_SUBMIT, false},
    {JOBS "BatchSubmit",  ACCESS_SUBMIT, false},
    {JOBS "Cancel",       ACCESS_SUBMIT, false},
    {JOBS "Retry",        ACCESS_SUBMIT, false},
    {JOBS "Delete",       ACCESS_SUBMIT, false},
    {JOBS "Get",          ACCESS_READ,   false},
    {JOBS "GetResult",    ACCESS_READ,   false},
    {JOBS "List",         ACCESS_READ,   false},
    {JOBS "Watch",        ACCESS_READ,   false},
    {JOBS "Explain",      ACCESS_READ,   false},
    {JOBS "CancelMany",   ACCESS_ADMIN,  false},
    {JOBS "RetryMany",    ACCESS_ADMIN,  false},
    {JOBS "DeleteMany",   ACCESS_ADMIN,  false},
    {QUEUES "List",       ACCESS_READ,   false},
    {QUEUES "Get",        ACCESS_READ,   false},
    {QUEUES "Watch",      ACCESS_READ,   false},
    {QUEUES "Update",     ACCESS_ADMIN,  false},
    {QUEUES "Pause",      ACCESS_ADMIN,  false},
    {QUEUES "Resume",     ACCESS_ADMIN,  false},
    {QUEUES "Purge",      ACCESS_ADMIN,  false},
    {WORKERS "Lease",     ACCESS_WORK,   false},
    {WORKERS "Heartbeat", ACCESS_WORK,   false},
    {WORKERS "Report",    ACCESS_WORK,   false},
    {WORKERS "List",      ACCESS_ADMIN,  true},
    {SERVER "GetInfo",    ACCESS_ANY,    false},
    {SERVER "GetStats",   ACCESS_READ,   false},
    {SERVER "Backup",     ACCESS_ADMIN,  true},
};
// clang-format on

const size_t access_rule_count = sizeof access_rules / sizeof access_rules[0];

const char *access_scope_name(access_scope scope)
{
    switch (scope) {
    case ACCESS_ANY:
        return "any";
    case ACCESS_SUBMIT:
        return "submit";
    case ACCESS_READ:
        return "read";
    case ACCESS_WORK:
        return "work";
    case ACCESS_ADMIN:
        return "admin";
    }
    return "";
}
