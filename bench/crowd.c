// crowd - GetResult and Lease calls on a few connections.
#include "bench/crowd.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "bench/mixed_jobs.h"
#include "bench/usage.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTIONS 16
#define IN_FLIGHT   16384  // calls of a connection
#define WAIT_S      60     // what the server allows
#define DUE_S       86400
#define PAUSE_US    5000

typedef char text_id[UUID_TEXT_SIZE];

struct crowd {
    rpc_client *clients[CONNECTIONS];
    text_id *ids;  // of the jobs, then of the workers
    size_t waiters, workers;
    atomic_bool leaving;
    atomic_size_t answered;
};

static void on_answer(void *data, const ProtobufCMessage *reply, const status *failure)
{
    (void) reply;
    (void) failure;
    crowd *c = data;
    if (!atomic_load(&c->leaving))
        atomic_fetch_add(&c->answered, 1);
}

static status *open_clients(crowd *c, const server *s)
{
    status *failure = NULL;
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = server_rpc_url(s);
    options.max_in_flight = IN_FLIGHT;
    for (size_t i = 0; !failure && i < CONNECTIONS; i++)
        failure = rpc_client_open(&options, &c->clients[i]);
    return failure;
}

static status *submit_jobs(crowd *c, const bench_options *options)
{
    const mixed_kind kind = {0};
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    AUTO(mixed_jobs) jobs = mixed_jobs_new(&kind, c->waiters);
    if (!jobs)
        return status_errno(ENOMEM, "jobs");
    delay.seconds = DUE_S;
    for (size_t i = 0; i < c->waiters; i++) {
        Errand__V1__Job *job = mixed_jobs_each(jobs, i);
        job->id = c->ids[i];
        job->delay = &delay;
    }
    return mixed_jobs_fill(jobs, c->clients[0], options);
}

static void start(crowd *c, size_t index, const ProtobufCServiceDescriptor *service,
                  const char *method, const ProtobufCMessage *request)
{
    rpc_call_options options = {.timeout_ms = (WAIT_S + 5) * INT64_C(1000), .once = true};
    rpc_client_start(c->clients[index % CONNECTIONS], service, method, request, &options, on_answer,
                     c);
}

static void start_waiters(crowd *c)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    wait.seconds = WAIT_S;
    request.wait = &wait;
    for (size_t i = 0; i < c->waiters; i++) {
        request.id = c->ids[i];
        start(c, i, &errand__v1__job_service__descriptor, "GetResult", &request.base);
    }
}

static void start_workers(crowd *c)
{
    char kind[] = "nothing", *kinds[] = {kind};
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__Worker worker = ERRAND__V1__WORKER__INIT;
    Errand__V1__LeaseRequest request = ERRAND__V1__LEASE_REQUEST__INIT;
    wait.seconds = WAIT_S;
    worker.n_kinds = 1;
    worker.kinds = kinds;
    request.worker = &worker;
    request.wait = &wait;
    request.max_jobs = 1;
    request.lease_sequence = 1;
    for (size_t i = 0; i < c->workers; i++) {
        worker.id = c->ids[c->waiters + i];
        start(c, i, &errand__v1__worker_service__descriptor, "Lease", &request.base);
    }
}

static status *count_waiting(crowd *c, int64_t *ret)
{
    Errand__V1__GetStatsRequest request = ERRAND__V1__GET_STATS_REQUEST__INIT;
    ProtobufCMessage *reply;
    status *failure = rpc_client_call(c->clients[0], &errand__v1__server_service__descriptor,
                                      "GetStats", &request.base, NULL, &reply);
    if (failure)
        return failure;
    *ret = ((Errand__V1__ServerStats *) reply)->waiting_calls;
    protobuf_c_message_free_unpacked(reply, NULL);
    return NULL;
}

static status *wait_until_parked(crowd *c)
{
    int64_t wanted = (int64_t) (c->waiters + c->workers), found = 0;
    double end_s = monotonic_s() + WAIT_S;
    status *failure = count_waiting(c, &found);
    while (!failure && found < wanted) {
        if (monotonic_s() > end_s || atomic_load(&c->answered) > 0)
            return status_new(STATUS_INTERNAL, "%lld of %lld calls wait", (long long) found,
                              (long long) wanted);
        (void) usleep(PAUSE_US);
        failure = count_waiting(c, &found);
    }
    return failure;
}

static status *gather(crowd *c, const server *s, const bench_options *options)
{
    for (size_t i = 0; i < c->waiters + c->workers; i++) {
        uuid id = uuid_new_v7(clock_wall_us(clock_system()));
        uuid_format(&id, c->ids[i]);
    }
    status *failure = open_clients(c, s);
    if (!failure && c->waiters > 0)
        failure = submit_jobs(c, options);
    if (failure)
        return failure;
    start_waiters(c);
    start_workers(c);
    return wait_until_parked(c);
}

status *crowd_new(const server *s, const bench_options *options, size_t waiters, size_t workers,
                  crowd **ret)
{
    AUTO(crowd) c = calloc(1, sizeof *c);
    if (!c)
        return status_errno(ENOMEM, "crowd");
    c->ids = calloc(waiters + workers, sizeof *c->ids);
    if (!c->ids)
        return status_errno(ENOMEM, "crowd");
    c->waiters = waiters;
    c->workers = workers;
    status *failure = gather(c, s, options);
    if (!failure)
        *ret = TAKE(c);
    return failure;
}

void crowd_free(crowd *c)
{
    if (!c)
        return;
    atomic_store(&c->leaving, true);
    for (size_t i = 0; i < CONNECTIONS; i++)
        rpc_client_close(c->clients[i]);
    free(c->ids);
    free(c);
}

status *crowd_check(crowd *c)
{
    size_t answered = c ? atomic_load(&c->answered) : 0;
    return answered == 0
               ? NULL
               : status_new(STATUS_INTERNAL, "%zu calls were answered too early", answered);
}
