// lessee - each thread: Lease, push the outcomes, Lease again, which confirms the one before.
#include "bench/lessee.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "bench/outcomes.h"
#include "bench/usage.h"

#include "errand/v1/worker_service.pb-c.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct lessee {
    lessees *all;
    pthread_t thread;
    char id[UUID_TEXT_SIZE];
    rpc_client *client;
    outcomes *pipe;
    int64_t lease_sequence;
    int64_t acked;  // outcome batches that the server has
    double end_s;   // when the last acknowledgement came
    status *failure;
} lessee;

struct lessees {
    lessee_load load;
    double start_s;
    _Atomic int64_t leased;  // by all of them
    _Atomic bool failed;
    int started;
    lessee each[];
};

static status *call_lease(lessee *l, int max_jobs, int64_t wait_ms, Errand__V1__LeaseResponse **ret)
{
    char kind[] = "noop", *kinds[] = {kind};
    Errand__V1__Worker worker = ERRAND__V1__WORKER__INIT;
    worker.id = l->id;
    worker.pid = (int32_t) getpid();
    worker.n_kinds = 1;
    worker.kinds = kinds;
    worker.concurrency = l->all->load.lease;
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    wait.seconds = wait_ms / 1000;
    wait.nanos = (int32_t) (wait_ms % 1000) * 1000000;
    Errand__V1__LeaseRequest request = ERRAND__V1__LEASE_REQUEST__INIT;
    request.worker = &worker;
    request.max_jobs = max_jobs;
    request.wait = wait_ms ? &wait : NULL;
    request.lease_sequence = ++l->lease_sequence;
    ProtobufCMessage *reply;
    status *failure = rpc_client_call(l->client, &errand__v1__worker_service__descriptor, "Lease",
                                      &request.base, NULL, &reply);
    if (!failure)
        *ret = (Errand__V1__LeaseResponse *) reply;
    return failure;
}

static status *finish(lessee *l, const Errand__V1__LeaseResponse *reply)
{
    const lessee_load *load = &l->all->load;
    for (size_t i = 0; load->finishing && i < reply->n_assignments; i++)
        load->finishing(load->data, reply->assignments[i]->job->id);
    return outcomes_push(l->pipe, reply->assignments, reply->n_assignments);
}

// A rejected outcome would be a job done twice.
static status *take_reply(lessee *l, const Errand__V1__LeaseResponse *reply)
{
    l->acked = reply->acked_outcome_sequence;
    if (reply->n_rejected)
        return status_new(STATUS_INTERNAL, "the outcome of job %s was rejected",
                          reply->rejected[0]->job_id);
    if (!reply->n_assignments)
        return NULL;
    l->all->leased += (int64_t) reply->n_assignments;
    return finish(l, reply);
}

static bool is_done(const lessee *l)
{
    return l->all->leased >= l->all->load.jobs && l->acked >= outcomes_pushed(l->pipe);
}

static status *turn(lessee *l)
{
    const lessee_load *load = &l->all->load;
    Errand__V1__LeaseResponse *reply;
    bool all_leased = l->all->leased >= load->jobs;
    status *failure =
        call_lease(l, all_leased ? 0 : load->lease, all_leased ? 0 : load->wait_ms, &reply);
    if (failure)
        return failure;
    bool empty = reply->n_assignments == 0;
    failure = take_reply(l, reply);
    errand__v1__lease_response__free_unpacked(reply, NULL);
    if (!failure && empty && !is_done(l))
        usleep(500);  // only the last acknowledgement is waited for like this
    return failure;
}

static void *lessee_main(void *data)
{
    lessee *l = data;
    double limit_s = l->all->start_s + (double) l->all->load.timeout_s;
    while (!l->failure && !l->all->failed && !is_done(l)) {
        l->failure = turn(l);
        if (!l->failure && monotonic_s() > limit_s)
            l->failure = status_new(STATUS_DEADLINE_EXCEEDED, "%lld of %lld jobs leased in time",
                                    (long long) l->all->leased, (long long) l->all->load.jobs);
    }
    l->end_s = monotonic_s();
    if (l->failure)
        l->all->failed = true;
    return NULL;
}

static status *lessee_open(lessees *all, lessee *l)
{
    uuid id = uuid_new_v7(clock_wall_us(clock_system()));
    l->all = all;
    uuid_format(&id, l->id);
    const server *s = all->load.server;
    status *failure =
        all->load.ipc ? server_ipc_client(s, &l->client) : server_client(s, &l->client);
    const char *results = all->load.ipc ? server_results_ipc_url(s) : server_results_url(s);
    if (!failure)
        failure = outcomes_open(results, l->id, &l->pipe);
    return failure;
}

static void free_lessees(lessees *all)
{
    for (int i = 0; i < all->load.lessees; i++) {
        rpc_client_close(all->each[i].client);
        outcomes_close(all->each[i].pipe);
        status_free(all->each[i].failure);
    }
    free(all);
}

static status *start_threads(lessees *all)
{
    for (int i = 0; i < all->load.lessees; i++) {
        int error = pthread_create(&all->each[i].thread, NULL, lessee_main, &all->each[i]);
        if (error)
            return status_errno(error, "thread");
        all->started++;
    }
    return NULL;
}

status *lessees_start(const lessee_load *load, lessees **ret)
{
    lessees *all = calloc(1, sizeof *all + (size_t) load->lessees * sizeof all->each[0]);
    if (!all)
        return status_errno(ENOMEM, "lessees");
    all->load = *load;
    status *failure = NULL;
    for (int i = 0; !failure && i < load->lessees; i++)
        failure = lessee_open(all, &all->each[i]);
    all->start_s = monotonic_s();
    if (!failure)
        failure = start_threads(all);
    if (!failure) {
        *ret = all;
        return NULL;
    }
    lessees_cancel(all);
    double ignored;
    status_free(lessees_join(all, &ignored));
    return failure;
}

void lessees_cancel(lessees *all)
{
    all->failed = true;
}

status *lessees_join(lessees *all, double *ret_seconds)
{
    status *failure = NULL;
    double end_s = all->start_s;
    for (int i = 0; i < all->started; i++) {
        lessee *l = &all->each[i];
        pthread_join(l->thread, NULL);
        end_s = l->end_s > end_s ? l->end_s : end_s;
        if (!failure)
            failure = TAKE(l->failure);
    }
    if (!failure)
        *ret_seconds = end_s - all->start_s;
    free_lessees(all);
    return failure;
}
