// answer - a reply of the server, copied out of the library's thread for the loop's.
#include "worker/answer.h"

#include "base/log.h"
#include "worker/address.h"
#include "worker/message_copy.h"

#include <stdlib.h>

void answer_free(answer *a)
{
    if (a != NULL) {
        for (size_t i = 0; i < a->job_count; i++) {
            arena_pool_put(a->pool, a->jobs[i].memory);
        }
        free(a->jobs);
        free(a->stops);
        free(a->results_url);
        free(a);
    }
}

static int64_t duration_us(const Google__Protobuf__Duration *duration)
{
    return duration == NULL ? 0 : duration->seconds * 1000000 + duration->nanos / 1000;
}

static answer *answer_new(size_t jobs, size_t stops)
{
    AUTO(answer) a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->jobs = calloc(jobs + 1, sizeof *a->jobs);
    a->stops = calloc(stops + 1, sizeof *a->stops);
    return a->jobs != NULL && a->stops != NULL ? TAKE(a) : NULL;
}

static void copy_stops(answer *a, Errand__V1__LeaseRef *const *refs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lease_ref_set(&a->stops[a->stop_count], refs[i]->job_id, refs[i]->token)) {
            a->stop_count++;
        }
    }
}

static void tell_rejected(Errand__V1__Rejection *const *rejected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *why = rejected[i]->status == NULL ? "" : rejected[i]->status->message;
        log_info("outcome_rejected", LOG_STR("job", rejected[i]->job_id), LOG_STR("why", why));
    }
}

static bool copy_job(answer *a, const Errand__V1__Assignment *assignment)
{
    answer_job *job = &a->jobs[a->job_count];
    if (assignment->job == NULL ||
        !lease_ref_set(&job->ref, assignment->job->id, assignment->token)) {
        log_error("assignment_unusable",
                  LOG_STR("job", assignment->job == NULL ? "" : assignment->job->id));
        return true;
    }
    job->memory = arena_pool_take(a->pool);
    if (job->memory == NULL) {
        return false;
    }
    a->job_count++;
    job->job = (const Errand__V1__Job *) message_copy(&assignment->job->base, job->memory);
    return job->job != NULL;
}

answer *answer_from_lease(const Errand__V1__LeaseResponse *reply, arena_pool *pool)
{
    AUTO(answer) a = answer_new(reply->n_assignments, reply->n_cancel);
    if (a == NULL) {
        return NULL;
    }
    a->pool = pool;
    for (size_t i = 0; i < reply->n_assignments; i++) {
        if (!copy_job(a, reply->assignments[i])) {
            return NULL;
        }
    }
    copy_stops(a, reply->cancel, reply->n_cancel);
    tell_rejected(reply->rejected, reply->n_rejected);
    a->acked_outcome_sequence = reply->acked_outcome_sequence;
    a->lease_us = duration_us(reply->lease_duration);
    return TAKE(a);
}

answer *answer_from_heartbeat(const Errand__V1__HeartbeatResponse *reply)
{
    answer *a = answer_new(0, reply->n_cancel + reply->n_lost);
    if (a == NULL) {
        return NULL;
    }
    copy_stops(a, reply->cancel, reply->n_cancel);
    copy_stops(a, reply->lost, reply->n_lost);
    tell_rejected(reply->rejected, reply->n_rejected);
    a->acked_outcome_sequence = reply->acked_outcome_sequence;
    a->lease_us = duration_us(reply->lease_duration);
    return a;
}

answer *answer_from_report(const Errand__V1__ReportResponse *reply)
{
    answer *a = answer_new(0, 0);
    if (a == NULL) {
        return NULL;
    }
    tell_rejected(reply->rejected, reply->n_rejected);
    a->acked_outcome_sequence = reply->acked_outcome_sequence;
    return a;
}

answer *answer_from_info(const Errand__V1__ServerInfo *reply, const char *rpc_url)
{
    answer *a = answer_new(0, 0);
    if (a != NULL) {
        a->results_url = address_of_results(rpc_url, reply->results_urls, reply->n_results_urls);
    }
    return a;
}
