// view - a Job as the API shows it.
#include "job/view.h"

#include "job/spec.h"
#include "job/time.h"

static char *nothing(void)
{
    return (char *) (uintptr_t) protobuf_c_empty_string;  // protobuf-c's fields lack const
}

// A time that is 0 is left out. False when the arena is used up.
static bool set_time(int64_t us, arena *memory, Google__Protobuf__Timestamp **ret)
{
    *ret = NULL;
    if (us == 0)
        return true;
    Google__Protobuf__Timestamp *time = arena_alloc(memory, sizeof *time);
    if (!time)
        return false;
    google__protobuf__timestamp__init(time);
    time_to_timestamp(us, time);
    *ret = time;
    return true;
}

static bool set_uuid(const uuid *id, arena *memory, char **ret)
{
    if (uuid_is_nil(id)) {
        *ret = nothing();
        return true;
    }
    char *text = arena_alloc(memory, UUID_TEXT_SIZE);
    *ret = text ? uuid_format(id, text) : nothing();
    return text != NULL;
}

static bool set_times(Errand__V1__Job *job, const job_row *row, arena *memory)
{
    int64_t next_us = row->state == JOB_SCHEDULED ? row->due_us : 0;
    return set_time(row->create_us, memory, &job->create_time) &&
           set_time(row->start_us, memory, &job->start_time) &&
           set_time(row->finish_us, memory, &job->finish_time) &&
           set_time(next_us, memory, &job->next_attempt_time);
}

static bool set_names(Errand__V1__Job *job, arena *memory)
{
    if (!*job->kind)
        job->kind = arena_strdup(memory, job_spec_kind(job));
    if (!*job->queue)
        job->queue = arena_strdup(memory, JOB_DEFAULT_QUEUE);
    return job->kind && job->queue;
}

// The memory of what is dropped belongs to an arena.
static void drop_input_bytes(Errand__V1__Job *job)
{
    const ProtobufCBinaryData none = {0, NULL};
    switch (job->input_case) {
    case ERRAND__V1__JOB__INPUT_HTTP:
        job->http->body = none;
        break;
    case ERRAND__V1__JOB__INPUT_EXEC:
        job->exec->stdin = none;
        break;
    case ERRAND__V1__JOB__INPUT_DATA:
        job->data->body = none;
        break;
    case ERRAND__V1__JOB__INPUT_ARGS:
        job->input_case = ERRAND__V1__JOB__INPUT__NOT_SET;
        job->args = NULL;
        break;
    case ERRAND__V1__JOB__INPUT__NOT_SET:
    default:  // protobuf-c adds an enumerator of its own to force the size
        break;
    }
}

bool job_view_fill(Errand__V1__Job *job, const job_row *row, bool full, arena *memory)
{
    if (!set_names(job, memory) || !set_uuid(&row->id, memory, &job->id) ||
        !set_uuid(&row->worker, memory, &job->worker) || !set_times(job, row, memory))
        return false;
    job->state = (Errand__V1__Job__State) row->state;
    job->attempt = row->attempt;
    job->revision = row->revision;
    if (job->callback)
        job->callback->secret = nothing();
    if (!full)
        drop_input_bytes(job);
    return true;
}
