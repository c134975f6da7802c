// hand - Lease and Report, one call after the other.
#include "bench/hand.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "bench/mixed_jobs.h"

#include "errand/v1/worker_service.pb-c.h"

#include <errno.h>
#include <stdlib.h>

struct hand {
    rpc_client *client;
    char id[UUID_TEXT_SIZE];
    Errand__V1__Worker worker;
    char (*names)[MIXED_NAME_SIZE];
    char **queues;
    int64_t lease_sequence, outcome_sequence;
    Errand__V1__LeaseResponse **leased;  // the answers
    size_t leased_count;
};

static bool name_queues(hand *h, size_t count)
{
    h->names = calloc(count + 1, sizeof *h->names);
    h->queues = calloc(count + 1, sizeof(char *));
    if (!h->names || !h->queues)
        return false;
    for (size_t i = 0; i < count; i++) {
        mixed_queue_name(i, h->names[i]);
        h->queues[i] = h->names[i];
    }
    h->worker.n_queues = count;
    h->worker.queues = h->queues;
    return true;
}

hand *hand_new(rpc_client *client, size_t queues)
{
    static char kind[] = JOBS_KIND, *kinds[] = {kind};
    AUTO(hand) h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    uuid id = uuid_new_v7(clock_wall_us(clock_system()));
    h->client = client;
    errand__v1__worker__init(&h->worker);
    h->worker.id = uuid_format(&id, h->id);
    h->worker.n_kinds = 1;
    h->worker.kinds = kinds;
    return name_queues(h, queues) ? TAKE(h) : NULL;
}

static void forget_leased(hand *h)
{
    for (size_t i = 0; i < h->leased_count; i++)
        errand__v1__lease_response__free_unpacked(h->leased[i], NULL);
    free(h->leased);
    h->leased = NULL;
    h->leased_count = 0;
}

void hand_free(hand *h)
{
    if (!h)
        return;
    forget_leased(h);
    free(h->names);
    free(h->queues);
    free(h);
}

static status *call(const hand *h, const char *method, const ProtobufCMessage *request,
                    ProtobufCMessage **ret)
{
    return rpc_client_call(h->client, &errand__v1__worker_service__descriptor, method, request,
                           NULL, ret);
}

static status *lease_some(hand *h, size_t at_once, size_t *ret_count)
{
    Errand__V1__LeaseRequest request = ERRAND__V1__LEASE_REQUEST__INIT;
    ProtobufCMessage *reply;
    request.worker = &h->worker;
    request.max_jobs = (int32_t) at_once;
    request.lease_sequence = ++h->lease_sequence;
    status *failure = call(h, "Lease", &request.base, &reply);
    if (failure)
        return failure;
    Errand__V1__LeaseResponse *leased = (Errand__V1__LeaseResponse *) reply;
    h->leased[h->leased_count++] = leased;
    *ret_count = leased->n_assignments;
    return leased->n_assignments ? NULL : status_new(STATUS_INTERNAL, "there were too few jobs");
}

status *hand_lease(hand *h, size_t jobs, size_t at_once)
{
    status *failure = NULL;
    forget_leased(h);
    h->leased = calloc(jobs, sizeof(Errand__V1__LeaseResponse *));
    if (!h->leased)
        return status_errno(ENOMEM, "leases");
    for (size_t count = 0, some = 0; !failure && count < jobs; count += some)
        failure = lease_some(h, jobs - count < at_once ? jobs - count : at_once, &some);
    return failure;
}

// ---- reporting ----

static status *check(ProtobufCMessage *reply, size_t count)
{
    int32_t accepted = ((Errand__V1__ReportResponse *) reply)->accepted;
    protobuf_c_message_free_unpacked(reply, NULL);
    return accepted == (int32_t) count
               ? NULL
               : status_new(STATUS_INTERNAL, "%zu outcomes were reported, %d accepted", count,
                            (int) accepted);
}

// The jobs of one answer; a batch is no larger than that.
static status *report(hand *h, const Errand__V1__LeaseResponse *leased)
{
    Errand__V1__OutcomeBatch batch = ERRAND__V1__OUTCOME_BATCH__INIT;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    Google__Protobuf__Value null = GOOGLE__PROTOBUF__VALUE__INIT;
    size_t count = leased->n_assignments;
    ProtobufCMessage *reply;
    AUTO_FREE Errand__V1__Outcome *all = calloc(count, sizeof *all);
    AUTO_FREE Errand__V1__Outcome **list = calloc(count, sizeof(Errand__V1__Outcome *));
    if (!all || !list)
        return status_errno(ENOMEM, "outcomes");
    null.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
    result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
    result.value = &null;
    for (size_t i = 0; i < count; i++) {
        list[i] = &all[i];
        errand__v1__outcome__init(&all[i]);
        all[i].job_id = leased->assignments[i]->job->id;
        all[i].token = leased->assignments[i]->token;
        all[i].outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
        all[i].success = &result;
    }
    batch.worker = &h->worker;
    batch.outcome_sequence = ++h->outcome_sequence;
    batch.n_outcomes = count;
    batch.outcomes = list;
    status *failure = call(h, "Report", &batch.base, &reply);
    return failure ? failure : check(reply, count);
}

status *hand_finish(hand *h)
{
    status *failure = NULL;
    for (size_t i = 0; !failure && i < h->leased_count; i++)
        failure = report(h, h->leased[i]);
    forget_leased(h);
    return failure;
}
