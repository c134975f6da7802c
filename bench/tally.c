// tally - List, page by page, GetResult, and GetStats.
#include "bench/tally.h"
#include "bench/usage.h"

#include "errand/v1/server_service.pb-c.h"

#include <stdbool.h>
#include <unistd.h>

#define TALLY_PAGE     1000
#define TALLY_WAIT_S   20  // of one GetResult
#define TALLY_PAUSE_US 5000
#define TALLY_LOOK_US  1000

typedef struct tally {
    int64_t succeeded;
    bool unfinished;  // a job was seen that has not ended; the rest was not looked at
} tally;

static bool has_ended(Errand__V1__Job__State state)
{
    return state >= ERRAND__V1__JOB__STATE__SUCCEEDED;
}

static status *check_job(const Errand__V1__Job *job)
{
    if (!has_ended(job->state) || job->state == ERRAND__V1__JOB__STATE__SUCCEEDED)
        return NULL;
    return status_new(STATUS_INTERNAL, "job %s ended in state %d: %s", job->id, (int) job->state,
                      job->error ? job->error->message : "no error");
}

static status *count_page(const Errand__V1__ListJobsResponse *page, tally *sum)
{
    for (size_t i = 0; i < page->n_jobs; i++) {
        const Errand__V1__Job *job = page->jobs[i];
        status *failure = check_job(job);
        if (failure)
            return failure;
        if (!has_ended(job->state)) {
            sum->unfinished = true;
            return NULL;
        }
        sum->succeeded++;
    }
    return NULL;
}

static status *list_page(rpc_client *client, char *token, Errand__V1__ListJobsResponse **ret)
{
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    ProtobufCMessage *reply;
    request.page_size = TALLY_PAGE;
    request.page_token = token;
    status *failure = rpc_client_call(client, &errand__v1__job_service__descriptor, "List",
                                      &request.base, NULL, &reply);
    if (!failure)
        *ret = (Errand__V1__ListJobsResponse *) reply;
    return failure;
}

static void free_page(Errand__V1__ListJobsResponse *page)
{
    if (page)
        errand__v1__list_jobs_response__free_unpacked(page, NULL);
}

static status *count_all(rpc_client *client, tally *ret)
{
    tally sum = {0, false};
    char first[] = "", *token = first;
    Errand__V1__ListJobsResponse *page = NULL;
    status *failure = NULL;
    do {
        Errand__V1__ListJobsResponse *next = NULL;
        failure = list_page(client, token, &next);
        free_page(page);
        page = next;
        if (!failure)
            failure = count_page(page, &sum);
        token = page ? page->next_page_token : first;
    } while (!failure && !sum.unfinished && *token);
    free_page(page);
    if (!failure)
        *ret = sum;
    return failure;
}

status *tally_wait(rpc_client *client, int64_t jobs, int64_t timeout_s)
{
    double end_s = monotonic_s() + (double) timeout_s;
    for (;;) {
        tally sum;
        status *failure = count_all(client, &sum);
        if (failure || (!sum.unfinished && sum.succeeded == jobs))
            return failure;
        if (!sum.unfinished || monotonic_s() > end_s)
            return status_new(STATUS_INTERNAL, "expected %lld jobs that succeeded, found %lld%s",
                              (long long) jobs, (long long) sum.succeeded,
                              sum.unfinished ? " and unfinished ones" : "");
        (void) usleep(TALLY_PAUSE_US);
    }
}

// A state that nobody has heard of counts as one that goes on.
static int64_t count_unfinished(const Errand__V1__ServerStats *stats)
{
    int64_t sum = 0;
    for (size_t i = 0; i < stats->n_jobs; i++) {
        const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value_by_name(
            &errand__v1__job__state__descriptor, stats->jobs[i]->key);
        if (!state || !has_ended((Errand__V1__Job__State) state->value))
            sum += stats->jobs[i]->value;
    }
    return sum;
}

static status *look(rpc_client *client, int64_t *ret_unfinished)
{
    Errand__V1__GetStatsRequest request = ERRAND__V1__GET_STATS_REQUEST__INIT;
    ProtobufCMessage *reply;
    status *failure = rpc_client_call(client, &errand__v1__server_service__descriptor, "GetStats",
                                      &request.base, NULL, &reply);
    if (failure)
        return failure;
    *ret_unfinished = count_unfinished((const Errand__V1__ServerStats *) reply);
    protobuf_c_message_free_unpacked(reply, NULL);
    return NULL;
}

status *tally_wait_ended(rpc_client *client, int64_t timeout_s)
{
    int64_t unfinished = 0;
    double end_s = monotonic_s() + (double) timeout_s;
    status *failure = look(client, &unfinished);
    while (!failure && unfinished > 0) {
        if (monotonic_s() > end_s)
            return status_new(STATUS_DEADLINE_EXCEEDED, "%lld jobs have not ended in time",
                              (long long) unfinished);
        (void) usleep(TALLY_LOOK_US);
        failure = look(client, &unfinished);
    }
    return failure;
}

static status *wait_for_end(rpc_client *client, char *id, bool *ret_ended)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    ProtobufCMessage *reply;
    wait.seconds = TALLY_WAIT_S;
    request.id = id;
    request.wait = &wait;
    status *failure = rpc_client_call(client, &errand__v1__job_service__descriptor, "GetResult",
                                      &request.base, NULL, &reply);
    if (failure)
        return failure;
    *ret_ended = has_ended(((Errand__V1__GetResultResponse *) reply)->state);
    protobuf_c_message_free_unpacked(reply, NULL);
    return NULL;
}

status *tally_submit_last(rpc_client *client, Errand__V1__Job *job, int64_t timeout_s)
{
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    ProtobufCMessage *reply;
    bool ended = false;
    double end_s = monotonic_s() + (double) timeout_s;
    request.job = job;
    status *failure = rpc_client_call(client, &errand__v1__job_service__descriptor, "Submit",
                                      &request.base, NULL, &reply);
    if (failure)
        return failure;
    while (!failure && !ended) {
        failure = wait_for_end(client, ((Errand__V1__Job *) reply)->id, &ended);
        if (!failure && !ended && monotonic_s() > end_s)
            failure = status_new(STATUS_DEADLINE_EXCEEDED, "the last job has not ended in time");
    }
    protobuf_c_message_free_unpacked(reply, NULL);
    return failure;
}
