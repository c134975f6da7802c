// tally - GetStats.
#include "bench/tally.h"
#include "bench/usage.h"

#include "errand/v1/server_service.pb-c.h"

#include <string.h>
#include <unistd.h>

typedef struct tally {
    int64_t succeeded;
    int64_t failed;
} tally;

static status *read_tally(rpc_client *client, tally *ret)
{
    Errand__V1__GetStatsRequest request = ERRAND__V1__GET_STATS_REQUEST__INIT;
    ProtobufCMessage *reply;
    status *failure = rpc_client_call(client, &errand__v1__server_service__descriptor, "GetStats",
                                      &request.base, NULL, &reply);
    if (failure)
        return failure;
    const Errand__V1__ServerStats *stats = (const void *) reply;
    *ret = (tally){0, 0};
    for (size_t i = 0; i < stats->n_jobs; i++) {
        if (strcmp(stats->jobs[i]->key, "SUCCEEDED") == 0)
            ret->succeeded = stats->jobs[i]->value;
        if (strcmp(stats->jobs[i]->key, "FAILED") == 0)
            ret->failed = stats->jobs[i]->value;
    }
    protobuf_c_message_free_unpacked(reply, NULL);
    return NULL;
}

static status *wrong_tally(tally t, int64_t succeeded)
{
    return status_new(STATUS_INTERNAL, "%lld jobs succeeded and %lld failed, expected %lld and 0",
                      (long long) t.succeeded, (long long) t.failed, (long long) succeeded);
}

status *tally_expect(rpc_client *client, int64_t succeeded)
{
    tally t;
    status *failure = read_tally(client, &t);
    if (!failure && (t.succeeded != succeeded || t.failed))
        failure = wrong_tally(t, succeeded);
    return failure;
}

status *tally_wait(rpc_client *client, int64_t succeeded, int64_t timeout_s)
{
    double end_s = monotonic_s() + (double) timeout_s;
    for (;;) {
        tally t;
        status *failure = read_tally(client, &t);
        if (!failure && (t.failed || monotonic_s() > end_s))
            failure = wrong_tally(t, succeeded);
        if (failure || t.succeeded >= succeeded)
            return failure;
        usleep(10000);
    }
}
