// worker_rig - a scripted WorkerService and PULL socket, for the tests of the worker.
//
// Jobs given to rig_add are handed out by Lease; outcomes are kept as they come. What a real server
// decides is as simple here as can be: nothing times out, and each job is handed out once.
#ifndef ERRAND_TESTS_UNIT_WORKER_RIG_H
#define ERRAND_TESTS_UNIT_WORKER_RIG_H

#include "unit/unit_test.h"
#include "unit/worker_origin.h"

#include "base/log.h"
#include "rpc/server.h"
#include "worker/pool.h"

#include "errand/v1/worker_service.pb-c.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <time.h>

#define RIG_MAX_JOBS  4096
#define RIG_TIMEOUT_S 20

typedef struct rig_job {
    char id[37];
    char token[13];
    Errand__V1__Job job;
    Errand__V1__HttpRequest http;
    Google__Protobuf__Duration timeout;
    Google__Protobuf__BoolValue follow;
    int64_t lease_sequence;  // of the Lease that handed it out; 0: not yet
    bool cancelled;
    int outcomes;                  // how many came
    Errand__V1__Outcome *outcome;  // the first; lives in the batch
} rig_job;

typedef struct rig {
    ProtobufCService service;  // first: invoke gets its address
    rpc_server *server;
    char *rpc_url;
    char *results_url;
    int series;  // tells the tokens of several servers apart
    nng_socket pull;
    pthread_t puller;
    bool pulling;
    origin *origin;
    pool *worker;
    pool_options options;
    worker_server address;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    rig_job jobs[RIG_MAX_JOBS];
    size_t job_count, handed, finished;
    int64_t lease_ms;        // how long a lease is said to last
    int64_t lease_sequence;  // highest seen
    size_t leases, empty_leases, most_jobs;
    size_t heartbeats, running;  // `running` of the last heartbeat
    int64_t progress_done;       // highest in all heartbeats
    bool keep_first;             // the first heartbeat is not answered at once
    rpc_call *kept;
    int64_t progress_total;  // that came with it
    char progress_message[512];
    size_t reports, pulled, early;
    int64_t acked;
    bool deaf;  // outcomes that are pulled get lost
    bool mute;  // heartbeats fail
    bool late;  // a Lease that gives way to another has jobs in its answer all the same
    rpc_call *parked;
    int64_t parked_sequence;
    int32_t parked_max;
    Errand__V1__OutcomeBatch **batches;
    size_t batch_count;
} rig;

static inline bool rig_wait_until(rig *r, bool (*there)(rig *r, size_t n), size_t n)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += RIG_TIMEOUT_S;
    pthread_mutex_lock(&r->lock);
    int failed = 0;
    while (!there(r, n) && failed == 0) {
        failed = pthread_cond_timedwait(&r->changed, &r->lock, &end);
    }
    bool found = there(r, n);
    pthread_mutex_unlock(&r->lock);
    return found;
}

// ---- Lease ----

static inline void rig_answer_lease(rig *r, rpc_call *call, int64_t sequence, size_t max)
{
    Errand__V1__LeaseResponse reply = ERRAND__V1__LEASE_RESPONSE__INIT;
    Google__Protobuf__Duration lease = GOOGLE__PROTOBUF__DURATION__INIT;
    lease.seconds = r->lease_ms / 1000;
    lease.nanos = (int32_t) (r->lease_ms % 1000) * 1000000;
    reply.lease_duration = &lease;
    reply.acked_outcome_sequence = r->acked;
    arena *memory = rpc_call_arena(call);
    reply.assignments = arena_alloc(memory, (max + 1) * sizeof *reply.assignments);
    Errand__V1__Assignment *all = arena_alloc(memory, (max + 1) * sizeof *all);
    for (size_t i = 0; i < r->job_count && reply.n_assignments < max; i++) {
        rig_job *job = &r->jobs[i];
        if (job->lease_sequence == 0 || job->lease_sequence == sequence) {
            Errand__V1__Assignment *one = &all[reply.n_assignments];
            errand__v1__assignment__init(one);
            one->job = &job->job;
            one->token = (ProtobufCBinaryData){.len = 12, .data = (uint8_t *) job->token};
            one->attempt = 1;
            job->lease_sequence = sequence;
            reply.assignments[reply.n_assignments++] = one;
            r->handed++;
        }
    }
    r->empty_leases += reply.n_assignments == 0;
    pthread_cond_broadcast(&r->changed);
    rpc_call_answer(call, &reply.base);
}

static inline bool rig_has_work(const rig *r, int64_t sequence)
{
    for (size_t i = 0; i < r->job_count; i++) {
        if (r->jobs[i].lease_sequence == 0 || r->jobs[i].lease_sequence == sequence) {
            return true;
        }
    }
    return false;
}

static inline void rig_unpark(rig *r, size_t max)
{
    rpc_call *call = r->parked;
    r->parked = NULL;
    if (call != NULL) {
        rig_answer_lease(r, call, r->parked_sequence, max);
    }
}

// The connection of the parked Lease is gone; the answer goes nowhere, so nothing is handed out.
static inline void rig_gone(void *data, uint64_t ticket, rpc_gone_reason reason)
{
    (void) data;
    (void) ticket;
    (void) reason;
}

static inline void rig_lease(rig *r, const Errand__V1__LeaseRequest *request, rpc_call *call)
{
    pthread_mutex_lock(&r->lock);
    r->leases++;
    rig_unpark(r, r->late ? (size_t) r->parked_max : 0);
    if ((size_t) request->max_jobs > r->most_jobs) {
        r->most_jobs = (size_t) request->max_jobs;
    }
    if (request->lease_sequence > r->lease_sequence) {
        r->lease_sequence = request->lease_sequence;
    }
    bool work = request->max_jobs > 0 && rig_has_work(r, request->lease_sequence);
    if (work || !rpc_call_park(call, rig_gone, r, 0)) {
        rig_answer_lease(r, call, request->lease_sequence, (size_t) request->max_jobs);
    } else {
        r->parked = call;
        r->parked_sequence = request->lease_sequence;
        r->parked_max = request->max_jobs;
    }
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

// ---- outcomes ----

static inline rig_job *rig_find(rig *r, const char *id)
{
    for (size_t i = 0; i < r->job_count; i++) {
        if (strcmp(r->jobs[i].id, id) == 0) {
            return &r->jobs[i];
        }
    }
    return NULL;
}

static inline void rig_take_outcome(rig *r, Errand__V1__Outcome *outcome)
{
    rig_job *job = rig_find(r, outcome->job_id);
    assert_non_null(job);
    assert_int_equal(outcome->token.len, 12);
    assert_memory_equal(outcome->token.data, job->token, 12);
    if (job->outcomes++ == 0) {
        job->outcome = outcome;
        r->finished++;
    }
}

// Takes the batch. Contiguous, as a server has it: one that comes early is not applied.
static inline void rig_take_batch(rig *r, Errand__V1__OutcomeBatch *batch)
{
    pthread_mutex_lock(&r->lock);
    r->early += batch->outcome_sequence > r->acked + 1;
    if (batch->outcome_sequence == r->acked + 1) {
        r->acked++;
        for (size_t i = 0; i < batch->n_outcomes; i++) {
            rig_take_outcome(r, batch->outcomes[i]);
        }
    }
    r->batches = realloc(r->batches, (r->batch_count + 1) * sizeof *r->batches);
    r->batches[r->batch_count++] = batch;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static inline void *rig_pull(void *data)
{
    rig *r = data;
    nng_msg *message = NULL;
    while (nng_recvmsg(r->pull, &message, 0) == 0) {
        Errand__V1__OutcomeBatch *batch =
            errand__v1__outcome_batch__unpack(NULL, nng_msg_len(message), nng_msg_body(message));
        assert_non_null(batch);
        nng_msg_free(message);
        pthread_mutex_lock(&r->lock);
        r->pulled++;
        bool deaf = r->deaf;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
        if (deaf) {
            errand__v1__outcome_batch__free_unpacked(batch, NULL);
        } else {
            rig_take_batch(r, batch);
        }
    }
    return NULL;
}

static inline void rig_report(rig *r, const Errand__V1__OutcomeBatch *request, rpc_call *call)
{
    size_t size = errand__v1__outcome_batch__get_packed_size(request);
    uint8_t *bytes = arena_alloc(rpc_call_arena(call), size);
    errand__v1__outcome_batch__pack(request, bytes);
    rig_take_batch(r, errand__v1__outcome_batch__unpack(NULL, size, bytes));
    Errand__V1__ReportResponse reply = ERRAND__V1__REPORT_RESPONSE__INIT;
    pthread_mutex_lock(&r->lock);
    r->reports++;
    reply.acked_outcome_sequence = r->acked;
    pthread_mutex_unlock(&r->lock);
    rpc_call_answer(call, &reply.base);
}

// ---- Heartbeat ----

static inline void rig_answer_heartbeat(rig *r, rpc_call *call)
{
    Errand__V1__HeartbeatResponse reply = ERRAND__V1__HEARTBEAT_RESPONSE__INIT;
    Google__Protobuf__Duration lease = GOOGLE__PROTOBUF__DURATION__INIT;
    lease.seconds = r->lease_ms / 1000;
    reply.lease_duration = &lease;
    rpc_call_answer(call, &reply.base);
}

static inline bool rig_keeps_heartbeat(rig *r, rpc_call *call)
{
    pthread_mutex_lock(&r->lock);
    bool keep = r->keep_first;
    r->keep_first = false;
    r->kept = keep ? call : r->kept;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return keep;
}

static inline void rig_heartbeat(rig *r, const Errand__V1__HeartbeatRequest *request,
                                 rpc_call *call)
{
    if (rig_keeps_heartbeat(r, call)) {
        return;
    }
    Errand__V1__HeartbeatResponse reply = ERRAND__V1__HEARTBEAT_RESPONSE__INIT;
    reply.cancel =
        arena_alloc(rpc_call_arena(call), (request->n_running + 1) * sizeof *reply.cancel);
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < request->n_running; i++) {
        rig_job *job = rig_find(r, request->running[i]->job_id);
        const Errand__V1__Progress *progress = request->running[i]->progress;
        if (progress != NULL && progress->done > r->progress_done) {
            r->progress_done = progress->done;
            r->progress_total = progress->total;
            (void) snprintf(r->progress_message, sizeof r->progress_message, "%s",
                            progress->message);
        }
        if (job != NULL && job->cancelled) {
            Errand__V1__LeaseRef *ref = arena_zalloc(rpc_call_arena(call), sizeof *ref);
            errand__v1__lease_ref__init(ref);
            ref->job_id = job->id;
            ref->token = (ProtobufCBinaryData){.len = 12, .data = (uint8_t *) job->token};
            reply.cancel[reply.n_cancel++] = ref;
        }
    }
    r->heartbeats++;
    r->running = request->n_running;
    reply.acked_outcome_sequence = r->acked;
    bool mute = r->mute;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (mute) {
        rpc_call_fail(call, status_new(STATUS_UNAVAILABLE, "not now"));
    } else {
        rpc_call_answer(call, &reply.base);
    }
}

static inline void rig_invoke(ProtobufCService *service, unsigned index,
                              const ProtobufCMessage *input, ProtobufCClosure closure,
                              void *closure_data)
{
    rig *r = (rig *) (void *) service;
    rpc_call *call = rpc_call_of(closure_data);
    const char *name = service->descriptor->methods[index].name;
    if (strcmp(name, "Lease") == 0) {
        rig_lease(r, (const Errand__V1__LeaseRequest *) input, call);
    } else if (strcmp(name, "Heartbeat") == 0) {
        rig_heartbeat(r, (const Errand__V1__HeartbeatRequest *) input, call);
    } else if (strcmp(name, "Report") == 0) {
        rig_report(r, (const Errand__V1__OutcomeBatch *) input, call);
    } else {
        closure(NULL, closure_data);
    }
}

#endif
