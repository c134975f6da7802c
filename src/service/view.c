// view - jobs as the API shows them, from what the store keeps.
#include "service/internal.h"

#include "job/time.h"
#include "job/view.h"
#include "rpc/wire.h"

static status *unpack(const ProtobufCMessageDescriptor *descriptor, slice encoded, arena *memory,
                      ProtobufCMessage **ret)
{
    ProtobufCAllocator allocator = wire_allocator(memory);
    *ret = protobuf_c_message_unpack(descriptor, &allocator, encoded.size, encoded.bytes);
    return *ret != NULL ? NULL
                        : status_new(STATUS_DATA_LOSS, "a stored %s is damaged", descriptor->name);
}

status *view_result(slice encoded, arena *memory, Errand__V1__Result **ret)
{
    ProtobufCMessage *message = NULL;
    if (encoded.size == 0) {
        *ret = NULL;
        return NULL;
    }
    status *failure = unpack(&errand__v1__result__descriptor, encoded, memory, &message);
    if (failure == NULL) {
        *ret = (Errand__V1__Result *) message;
    }
    return failure;
}

static status *attempt_of(slice encoded, arena *memory, Errand__V1__Attempt **ret)
{
    ProtobufCMessage *message = NULL;
    status *failure = unpack(&errand__v1__attempt__descriptor, encoded, memory, &message);
    if (failure == NULL) {
        *ret = (Errand__V1__Attempt *) message;
    }
    return failure;
}

status *view_error(slice attempt, arena *memory, Errand__Rpc__V1__Status **ret)
{
    Errand__V1__Attempt *last = NULL;
    if (attempt.size == 0) {
        return NULL;
    }
    status *failure = attempt_of(attempt, memory, &last);
    if (failure == NULL) {
        *ret = last->error;
    }
    return failure;
}

status *view_last_error(const store_job *stored, arena *memory, Errand__Rpc__V1__Status **ret)
{
    *ret = NULL;
    if (stored->attempt_count == 0 || stored->row.state == JOB_SUCCEEDED) {
        return NULL;
    }
    return view_error(stored->attempts[stored->attempt_count - 1], memory, ret);
}

static status *view_attempts(const store_job *stored, arena *memory, Errand__V1__Job *job)
{
    if (stored->attempt_count == 0) {
        return NULL;
    }
    job->attempts = arena_alloc(memory, stored->attempt_count * sizeof *job->attempts);
    if (job->attempts == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < stored->attempt_count; i++) {
        status *failure = attempt_of(stored->attempts[i], memory, &job->attempts[job->n_attempts]);
        if (failure != NULL) {
            return failure;
        }
        // Number 0 is no attempt: it says why the job ended without one.
        job->n_attempts += job->attempts[job->n_attempts]->number > 0;
    }
    return NULL;
}

// What an attempt has said is kept until the next one says something: that has done nothing yet.
static bool is_of_earlier_attempt(const Errand__V1__Progress *progress, int64_t start_us)
{
    int64_t update_us;
    return progress->update_time != NULL &&
           time_from_timestamp(progress->update_time, &update_us) && update_us < start_us;
}

static status *view_progress(const store_job *stored, arena *memory, Errand__V1__Progress **ret)
{
    ProtobufCMessage *message = NULL;
    if (stored->progress.size == 0) {
        return NULL;
    }
    status *failure = unpack(&errand__v1__progress__descriptor, stored->progress, memory, &message);
    if (failure != NULL) {
        return failure;
    }
    Errand__V1__Progress *progress = (Errand__V1__Progress *) message;
    if (!is_of_earlier_attempt(progress, stored->row.start_us)) {
        *ret = progress;
    }
    return NULL;
}

status *view_job(const store_job *stored, bool full, arena *memory, Errand__V1__Job **ret)
{
    Errand__V1__Job *job = NULL;
    status *failure = job_spec_decode(stored->spec, memory, &job);
    if (failure != NULL) {
        return failure;
    }
    if (!job_view_fill(job, &stored->row, full, memory)) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    failure = view_last_error(stored, memory, &job->error);
    if (failure == NULL) {
        failure = view_attempts(stored, memory, job);
    }
    if (failure == NULL) {
        failure = view_progress(stored, memory, &job->progress);
    }
    if (failure == NULL && full) {
        failure = view_result(stored->result, memory, &job->result);
    }
    if (failure == NULL) {
        *ret = job;
    }
    return failure;
}

status *view_read(reader_pool *readers, const uuid *id, bool full, arena *memory,
                  Errand__V1__Job **ret)
{
    store_job stored;
    unsigned parts = STORE_PART_SPEC | STORE_PART_ATTEMPTS | STORE_PART_PROGRESS |
                     (full ? STORE_PART_RESULT : 0u);
    status *failure = reader_get(readers, id, parts, memory, &stored);
    return failure != NULL ? failure : view_job(&stored, full, memory, ret);
}
