// engine_calls - what submitters and workers say to the engine of the rig, in one line each.
#ifndef ERRAND_TESTS_UNIT_ENGINE_CALLS_H
#define ERRAND_TESTS_UNIT_ENGINE_CALLS_H

#include "unit/engine_rig.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// ---- submitters ----

static inline char *text(const char *constant)
{
    return (char *) (uintptr_t) constant;
}

// A job for the queue and kind, as a client writes it.
static inline Errand__V1__Job job_for(const char *queue, const char *kind)
{
    static Errand__V1__Data data = {
        .base = PROTOBUF_C_MESSAGE_INIT(&errand__v1__data__descriptor),
    };
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    data.content_type = text("text/plain");
    job.queue = text(queue);
    job.kind = text(kind);
    job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    job.data = &data;
    return job;
}

static inline engine_new_job new_job(const Errand__V1__Job *job)
{
    engine_new_job ret = {.queue = job_spec_queue(job), .kind = job_spec_kind(job)};
    uint8_t *hash = arena_alloc(erig.memory, JOB_HASH_BYTES);
    rig_ok(job_spec_encode(job, erig.memory, &ret.spec, hash));
    job_spec_row(job, atomic_load(&erig.wall_us), &ret.row);
    ret.row.id = uuid_new_v7(atomic_load(&erig.wall_us));
    ret.hash = hash;
    return ret;
}

static inline call *submit_post(engine_new_job *jobs, size_t count)
{
    call *c = erig_call(ENGINE_SUBMIT);
    c->submit.jobs = jobs;
    c->submit.count = count;
    return erig_post(c);
}

static inline job_row submit_new(engine_new_job job)
{
    erig_fine(submit_post(&job, 1));
    rig_ok(job.failure);
    assert_false(job.duplicate);
    return job.row;
}

static inline job_row submit(const char *queue, const char *kind)
{
    Errand__V1__Job job = job_for(queue, kind);
    return submit_new(new_job(&job));
}

// The job as it is stored now, seq 0 if there is none.
static inline job_row row_of(const uuid *id)
{
    call *c = erig_await(wait_post(id, 0));
    if (status_code_of(c->command.failure) == STATUS_NOT_FOUND)
        return (job_row){0};
    rig_ok(c->command.failure);
    return c->wait.row;
}

static inline void assert_state(const uuid *id, job_state state)
{
    assert_string_equal(job_state_name(row_of(id).state), job_state_name(state));
}

// What a reader beside the engine sees; lives in the rig's memory.
static inline store_job read_job(const uuid *id)
{
    store_reader *reader = NULL;
    store_job job;
    rig_ok(erig.store->ops->open_reader(erig.store, &reader));
    rig_ok(reader->ops->get(reader, id, STORE_PART_SPEC | STORE_PART_RESULT | STORE_PART_ATTEMPTS,
                            erig.memory, &job));
    reader->ops->close(reader);
    return job;
}

static inline Errand__V1__Attempt *attempt_of(const store_job *job, size_t index)
{
    assert_true(index < job->attempt_count);
    ProtobufCAllocator allocator = {arena_alloc_hook, arena_free_hook, erig.memory};
    slice bytes = job->attempts[index];
    return errand__v1__attempt__unpack(&allocator, bytes.size, bytes.bytes);
}

// All jobs, newest first; returns how many. A page may be short: reading takes turns with writing.
static inline size_t read_all(store_job **ret)
{
    enum { MOST = 1000 };
    store_reader *reader = NULL;
    store_job *page, *all = arena_alloc(erig.memory, MOST * sizeof *all);
    size_t size, count = 0;
    int64_t before = 0;
    store_filter filter = {0};
    assert_non_null(all);
    rig_ok(erig.store->ops->open_reader(erig.store, &reader));
    do {
        rig_ok(reader->ops->list(reader, &filter, before, MOST, STORE_PART_SPEC, erig.memory, &page,
                                 &size, &before));
        assert_true(size <= MOST - count);
        for (size_t i = 0; i < size; i++) {
            all[count++] = page[i];
        }
    } while (before != 0);
    reader->ops->close(reader);
    *ret = all;
    return count;
}

// ---- workers ----

static inline uuid worker_id(uint8_t number)
{
    uuid id = {{0}};
    id.bytes[0] = 0xee;
    id.bytes[15] = number;
    return id;
}

static inline engine_lease_ref ref_of(const job_row *row)
{
    return (engine_lease_ref){.id = row->id, .token = engine_token_make(row->seq, row->attempt)};
}

static inline call *lease_call(uint8_t worker, int64_t sequence, int32_t max_jobs, int64_t wait_us)
{
    call *c = erig_call(ENGINE_LEASE);
    c->lease.worker = &c->worker;
    c->lease.worker_id = worker_id(worker);
    c->lease.lease_sequence = sequence;
    c->lease.max_jobs = max_jobs;
    c->lease.memory = c->memory;
    c->lease.ticket = engine_ticket(erig.engine);
    c->lease.deadline_us = wait_us == 0 ? 0 : atomic_load(&erig.mono_us) + wait_us;
    return c;
}

// The worker names one queue and one kind, or with NULL none.
static inline call *serving(call *c, const char *queue, const char *kind)
{
    c->worker.queues = arena_alloc(c->memory, sizeof(char *));
    c->worker.kinds = arena_alloc(c->memory, sizeof(char *));
    c->worker.queues[0] = text(queue);
    c->worker.kinds[0] = text(kind);
    c->worker.n_queues = queue != NULL;
    c->worker.n_kinds = kind != NULL;
    return c;
}

static inline call *lease_post(uint8_t worker, int64_t sequence, int32_t max_jobs, int64_t wait_us)
{
    return erig_post(lease_call(worker, sequence, max_jobs, wait_us));
}

static inline const engine_lease *lease_now(uint8_t worker, int64_t sequence, int32_t max_jobs)
{
    return &erig_fine(lease_post(worker, sequence, max_jobs, 0))->lease;
}

// Leases the one job there is for that worker.
static inline job_row lease_one(uint8_t worker, int64_t sequence)
{
    const engine_lease *got = lease_now(worker, sequence, 1);
    assert_int_equal(got->assignment_count, 1);
    return got->assignments[0].row;
}

static inline call *heartbeat_call(uint8_t worker, const engine_lease_ref *running, size_t count,
                                   int64_t lease_sequence)
{
    call *c = erig_call(ENGINE_HEARTBEAT);
    c->heartbeat.worker = &c->worker;
    c->heartbeat.worker_id = worker_id(worker);
    c->heartbeat.running = running;
    c->heartbeat.running_count = count;
    c->heartbeat.lease_sequence = lease_sequence;
    c->heartbeat.memory = c->memory;
    return c;
}

static inline const engine_heartbeat *heartbeat(uint8_t worker, const engine_lease_ref *running,
                                                size_t count, int64_t lease_sequence)
{
    return &erig_fine(erig_post(heartbeat_call(worker, running, count, lease_sequence)))->heartbeat;
}

static inline engine_outcome success(const job_row *row)
{
    // An errand.v1.Result with data of type "t".
    static const uint8_t result[] = {0x22, 0x03, 0x0a, 0x01, 't'};
    return (engine_outcome){
        .ref = ref_of(row), .type = ENGINE_SUCCESS, .result = {result, sizeof result}};
}

static inline engine_outcome failure(const job_row *row, bool retryable)
{
    static char message[] = "no luck";
    static Errand__Rpc__V1__Status error = {
        .base = PROTOBUF_C_MESSAGE_INIT(&errand__rpc__v1__status__descriptor),
        .code = ERRAND__RPC__V1__CODE__ABORTED,
        .message = message,
    };
    return (engine_outcome){
        .ref = ref_of(row), .type = ENGINE_FAILURE, .error = &error, .retryable = retryable};
}

static inline engine_outcome released(const job_row *row)
{
    return (engine_outcome){.ref = ref_of(row), .type = ENGINE_RELEASED};
}

static inline call *outcomes_call(uint8_t worker, int64_t sequence, const engine_outcome *outcomes,
                                  size_t count)
{
    call *c = erig_call(ENGINE_OUTCOMES);
    c->outcomes.worker_id = worker_id(worker);
    c->outcomes.sequence = sequence;
    c->outcomes.outcomes = outcomes;
    c->outcomes.count = count;
    c->outcomes.memory = c->memory;
    return c;
}

// One outcome in a batch of its own.
static inline const engine_outcomes *report(uint8_t worker, int64_t sequence,
                                            engine_outcome outcome)
{
    return &erig_fine(erig_post(outcomes_call(worker, sequence, &outcome, 1)))->outcomes;
}

#endif
