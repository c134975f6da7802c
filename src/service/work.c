// work - Lease, Heartbeat and Report.
#include "service/internal.h"

#include "job/time.h"

#include <stdio.h>
#include <string.h>

#define MAX_PROGRESS_MESSAGE 1000
#define MAX_RUNNING          100000  // jobs of one worker

typedef struct lease_state {
    engine_lease lease;
    Errand__V1__Worker worker;  // the request's, with the queues that it may serve
    service *service;
    rpc_call *call;
} lease_state;

static status *refs_write(const engine_lease_ref *refs, size_t count, arena *memory,
                          Errand__V1__LeaseRef ***ret)
{
    Errand__V1__LeaseRef **list = arena_alloc(memory, (count + 1) * sizeof *list);
    Errand__V1__LeaseRef *all = arena_alloc(memory, (count + 1) * sizeof *all);
    char(*ids)[UUID_TEXT_SIZE] = arena_alloc(memory, (count + 1) * sizeof *ids);
    engine_token *tokens = arena_alloc(memory, (count + 1) * sizeof *tokens);
    if (list == NULL || all == NULL || ids == NULL || tokens == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        errand__v1__lease_ref__init(&all[i]);
        tokens[i] = refs[i].token;
        all[i].job_id = uuid_format(&refs[i].id, ids[i]);
        all[i].token = (ProtobufCBinaryData){.len = ENGINE_TOKEN_BYTES, .data = tokens[i].bytes};
        list[i] = &all[i];
    }
    *ret = list;
    return NULL;
}

static void notices_mask(const service *s, const rpc_call *call, engine_notices *notices)
{
    const access_grant *grant = rpc_call_grant(call);
    refs_mask(s, grant, notices->cancel, notices->cancel_count);
    rejections_mask(s, grant, notices->rejected, notices->rejected_count);
}

static status *lease_write(lease_state *state, Errand__V1__LeaseResponse *reply)
{
    engine_notices *notices = &state->lease.notices;
    notices_mask(state->service, state->call, notices);
    reply->rejected =
        rejections_write(notices->rejected, notices->rejected_count, rpc_call_arena(state->call));
    if (reply->rejected == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    arena *memory = rpc_call_arena(state->call);
    status *failure = refs_write(notices->cancel, notices->cancel_count, memory, &reply->cancel);
    if (failure != NULL) {
        return failure;
    }
    reply->n_cancel = notices->cancel_count;
    reply->n_rejected = notices->rejected_count;
    reply->acked_outcome_sequence = notices->acked_outcome_sequence;
    return assignments_write(state->service, state->call, &state->lease, reply);
}

static void lease_done(engine_command *command)
{
    lease_state *state = command->owner;
    Errand__V1__LeaseResponse reply = ERRAND__V1__LEASE_RESPONSE__INIT;
    Google__Protobuf__Duration lease = GOOGLE__PROTOBUF__DURATION__INIT;
    status *failure = command->failure;
    time_to_duration(state->service->options.lease_us, &lease);
    reply.lease_duration = &lease;
    if (failure == NULL) {
        failure = lease_write(state, &reply);
    }
    if (failure != NULL) {
        rpc_call_fail(state->call, failure);
    } else {
        rpc_call_answer(state->call, &reply.base);
    }
}

static status *serve_all(const queue_set *queues, Errand__V1__Worker *worker, arena *memory)
{
    char **names = arena_alloc(memory, queues->count * sizeof *names);
    for (size_t i = 0; names != NULL && i < queues->count; i++) {
        names[i] = arena_strdup(memory, queues->names[i]);
        if (names[i] == NULL) {
            return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
        }
    }
    worker->queues = names;
    worker->n_queues = queues->count;
    return names != NULL ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

// A worker whose token is limited to some queues serves those that it names among them, or all of
// them.
static status *limit_queues(Errand__V1__Worker *worker, rpc_call *call)
{
    const queue_set *queues = call_queues(call);
    status *failure = NULL;
    if (queues != NULL && worker->n_queues == 0) {
        return serve_all(queues, worker, rpc_call_arena(call));
    }
    for (size_t i = 0; queues != NULL && failure == NULL && i < worker->n_queues; i++) {
        char name[JOB_NAME_MAX + 1] = "";
        memcpy(name, worker->queues[i], strcspn(worker->queues[i], "="));
        failure = queue_check(call, name);
    }
    return failure;
}

// The queues that a limited worker serves are written into a copy: who calls within the process may
// use its request again.
static status *worker_take(lease_state *state, Errand__V1__Worker *worker, rpc_call *call)
{
    status *failure = worker_check(worker, &state->lease.worker_id);
    if (failure != NULL) {
        return failure;
    }
    state->worker = *worker;
    state->lease.worker = &state->worker;
    return limit_queues(&state->worker, call);
}

static status *lease_check(const Errand__V1__LeaseRequest *request, rpc_call *call,
                           lease_state *state)
{
    status *failure = worker_take(state, request->worker, call);
    if (failure == NULL && request->max_jobs < 0) {
        failure = status_bad_field("max_jobs", "found %d, expected 0 or more", request->max_jobs);
    }
    if (failure == NULL && request->lease_sequence < 1) {
        failure = status_bad_field("lease_sequence", "found %lld, expected 1 or more",
                                   (long long) request->lease_sequence);
    }
    return failure != NULL ? failure
                           : wait_deadline(request->wait, call, &state->lease.deadline_us);
}

void lease_call(service *s, const Errand__V1__LeaseRequest *request, rpc_call *call)
{
    lease_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    engine_lease *lease = &state->lease;
    status *failure = lease_check(request, call, state);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    worker_scope(rpc_call_grant(call), &lease->worker_id);
    state->service = s;
    state->call = call;
    lease->command = (engine_command){.verb = ENGINE_LEASE, .done = lease_done, .owner = state};
    lease->max_jobs = request->max_jobs;
    lease->lease_sequence = request->lease_sequence;
    lease->memory = rpc_call_arena(call);
    lease->ticket = engine_ticket(s->options.engine);
    if (lease->deadline_us != 0 &&
        !rpc_call_park(call, wait_gone, s->options.engine, lease->ticket)) {
        lease->deadline_us = 0;
    }
    engine_post(s->options.engine, &lease->command);
}

// ---- Heartbeat ----

typedef struct heartbeat_state {
    engine_heartbeat heartbeat;
    service *service;
    rpc_call *call;
} heartbeat_state;

static void heartbeat_done(engine_command *command)
{
    heartbeat_state *state = command->owner;
    engine_heartbeat *h = &state->heartbeat;
    arena *memory = rpc_call_arena(state->call);
    Errand__V1__HeartbeatResponse reply = ERRAND__V1__HEARTBEAT_RESPONSE__INIT;
    Google__Protobuf__Duration lease = GOOGLE__PROTOBUF__DURATION__INIT;
    status *failure = command->failure;
    if (failure == NULL) {
        refs_mask(state->service, rpc_call_grant(state->call), h->lost, h->lost_count);
        notices_mask(state->service, state->call, &h->notices);
        failure = refs_write(h->lost, h->lost_count, memory, &reply.lost);
    }
    if (failure == NULL) {
        failure = refs_write(h->notices.cancel, h->notices.cancel_count, memory, &reply.cancel);
    }
    reply.rejected = rejections_write(h->notices.rejected, h->notices.rejected_count, memory);
    if (failure == NULL && reply.rejected == NULL) {
        failure = status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (failure != NULL) {
        rpc_call_fail(state->call, failure);
        return;
    }
    time_to_duration(state->service->options.lease_us, &lease);
    reply.n_lost = h->lost_count;
    reply.n_cancel = h->notices.cancel_count;
    reply.n_rejected = h->notices.rejected_count;
    reply.acked_outcome_sequence = h->notices.acked_outcome_sequence;
    reply.lease_duration = &lease;
    rpc_call_answer(state->call, &reply.base);
}

// The progress as the engine takes it.
static status *progress_read(const Errand__V1__Progress *progress, arena *memory, slice *ret)
{
    Errand__V1__Progress own = *progress;
    if (progress->done < 0 || progress->total < 0) {
        return status_bad_field(
            progress->done < 0 ? "progress.done" : "progress.total",
            "found %lld, expected 0 or more",
            (long long) (progress->done < 0 ? progress->done : progress->total));
    }
    if (strlen(progress->message) > MAX_PROGRESS_MESSAGE) {
        return status_bad_field("progress.message", "found %zu bytes, expected at most %d",
                                strlen(progress->message), MAX_PROGRESS_MESSAGE);
    }
    own.update_time = NULL;  // the engine's
    size_t size = errand__v1__progress__get_packed_size(&own);
    uint8_t *bytes = arena_alloc(memory, size);
    if (bytes == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    errand__v1__progress__pack(&own, bytes);
    *ret = (slice){.bytes = bytes, .size = size};
    return NULL;
}

static status *running_read(const Errand__V1__HeartbeatRequest *request, arena *memory,
                            engine_lease_ref **ret, slice **ret_progress)
{
    slice *told = arena_zalloc(memory, (request->n_running + 1) * sizeof *told);
    engine_lease_ref *refs = arena_alloc(memory, (request->n_running + 1) * sizeof *refs);
    status *failure = refs == NULL || told == NULL
                          ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory")
                          : NULL;
    if (request->n_running > MAX_RUNNING) {
        failure = status_bad_field("running", "found %zu jobs, expected at most %d",
                                   request->n_running, MAX_RUNNING);
    }
    for (size_t i = 0; failure == NULL && i < request->n_running; i++) {
        const Errand__V1__RunningJob *running = request->running[i];
        failure = job_id_check("job_id", running->job_id, &refs[i].id);
        if (failure == NULL) {
            failure = token_read("token", &running->token, &refs[i].token);
        }
        if (failure == NULL && running->progress != NULL) {
            failure = progress_read(running->progress, memory, &told[i]);
        }
        if (failure != NULL) {
            char prefix[40];
            (void) snprintf(prefix, sizeof prefix, "running[%zu].", i);
            status_prefix_fields(failure, prefix);
        }
    }
    *ret = refs;
    *ret_progress = told;
    return failure;
}

void heartbeat_call(service *s, const Errand__V1__HeartbeatRequest *request, rpc_call *call)
{
    heartbeat_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    engine_lease_ref *running = NULL;
    slice *progress = NULL;
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    engine_heartbeat *h = &state->heartbeat;
    status *failure = worker_check(request->worker, &h->worker_id);
    if (failure == NULL) {
        failure = running_read(request, rpc_call_arena(call), &running, &progress);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    worker_scope(rpc_call_grant(call), &h->worker_id);
    refs_mask(s, rpc_call_grant(call), running, request->n_running);
    state->service = s;
    state->call = call;
    h->command = (engine_command){.verb = ENGINE_HEARTBEAT, .done = heartbeat_done, .owner = state};
    h->worker = request->worker;
    h->running = running;
    h->progress = progress;
    h->running_count = request->n_running;
    h->lease_sequence = request->lease_sequence;
    h->memory = rpc_call_arena(call);
    engine_post(s->options.engine, &h->command);
}

// ---- Report ----

typedef struct report_state {
    engine_outcomes outcomes;
    service *service;
    rpc_call *call;
} report_state;

static void report_done(engine_command *command)
{
    report_state *state = command->owner;
    engine_outcomes *o = &state->outcomes;
    Errand__V1__ReportResponse reply = ERRAND__V1__REPORT_RESPONSE__INIT;
    if (command->failure != NULL) {
        rpc_call_fail(state->call, command->failure);
        return;
    }
    rejections_mask(state->service, rpc_call_grant(state->call), o->rejected, o->rejected_count);
    reply.rejected = rejections_write(o->rejected, o->rejected_count, o->memory);
    if (reply.rejected == NULL) {
        answer_no_memory(state->call);
        return;
    }
    reply.accepted = o->accepted;
    reply.n_rejected = o->rejected_count;
    reply.acked_outcome_sequence = o->acked_outcome_sequence;
    rpc_call_answer(state->call, &reply.base);
}

void report_call(service *s, const Errand__V1__OutcomeBatch *request, rpc_call *call)
{
    report_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    state->outcomes.memory = rpc_call_arena(call);
    status *failure = outcomes_read(s, rpc_call_grant(call), request, &state->outcomes);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    state->service = s;
    state->call = call;
    state->outcomes.report = true;
    state->outcomes.command =
        (engine_command){.verb = ENGINE_OUTCOMES, .done = report_done, .owner = state};
    engine_post(s->options.engine, &state->outcomes.command);
}
