// jobs - protobuf messages put together by hand.
#include "bench/jobs.h"

#include "errand/rpc/v1/envelope.pb-c.h"

#include <stdlib.h>

static char noop_kind[] = JOBS_KIND;
static char image_key[] = "image", width_key[] = "width", sizes_key[] = "sizes";
static char image_text[] = "https://images.example.com/2024/05/17/original-0001.png";
static char sizes_text[] = "320,640,1280,1920";

static void set_entry(noop_job *noop, size_t i, char *key)
{
    google__protobuf__struct__fields_entry__init(&noop->entries[i]);
    google__protobuf__value__init(&noop->values[i]);
    noop->entries[i].key = key;
    noop->entries[i].value = &noop->values[i];
    noop->entry_list[i] = &noop->entries[i];
}

static void set_text(Google__Protobuf__Value *value, char *text)
{
    value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
    value->string_value = text;
}

void noop_job_init(noop_job *noop)
{
    set_entry(noop, 0, image_key);
    set_text(&noop->values[0], image_text);
    set_entry(noop, 1, sizes_key);
    set_text(&noop->values[1], sizes_text);
    set_entry(noop, 2, width_key);
    noop->values[2].kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    noop->values[2].number_value = 1920;
    google__protobuf__struct__init(&noop->fields);
    noop->fields.n_fields = 3;
    noop->fields.fields = noop->entry_list;
    google__protobuf__value__init(&noop->args);
    noop->args.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
    noop->args.struct_value = &noop->fields;
    errand__v1__job__init(&noop->job);
    noop->job.kind = noop_kind;
    noop->job.input_case = ERRAND__V1__JOB__INPUT_ARGS;
    noop->job.args = &noop->args;
}

void fetch_job_init(fetch_job *fetch, const char *url)
{
    errand__v1__http_request__init(&fetch->http);
    fetch->http.url = (char *) (uintptr_t) url;  // messages are not written to
    errand__v1__job__init(&fetch->job);
    fetch->job.input_case = ERRAND__V1__JOB__INPUT_HTTP;
    fetch->job.http = &fetch->http;
}

void data_job_init(data_job *data, const char *bytes, size_t size)
{
    errand__v1__data__init(&data->data);
    data->data.body.data = (uint8_t *) (uintptr_t) bytes;  // messages are not written to
    data->data.body.len = size;
    errand__v1__job__init(&data->job);
    data->job.kind = noop_kind;
    data->job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    data->job.data = &data->data;
}

jobs_batch *jobs_batch_new(Errand__V1__Job *job, size_t count)
{
    jobs_batch *batch = malloc(sizeof *batch + count * sizeof(void *));
    if (!batch)
        return NULL;
    errand__v1__batch_submit_request__init(&batch->request);
    batch->request.n_jobs = count;
    batch->request.jobs = batch->jobs;
    for (size_t i = 0; i < count; i++)
        batch->jobs[i] = job;
    return batch;
}

void jobs_batch_free(jobs_batch *batch)
{
    free(batch);
}

status *jobs_check_success(Errand__V1__Job__State state)
{
    return state == ERRAND__V1__JOB__STATE__SUCCEEDED
               ? NULL
               : status_new(STATUS_INTERNAL, "the job is in state %d after the wait", (int) state);
}

size_t jobs_submit_bytes(Errand__V1__Job *job)
{
    char method[] = "/errand.v1.JobService/Submit", key[] = "request-id";
    char id[] = "01234567-89ab-7def-8123-456789abcdef";
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    timeout.seconds = 30;
    Errand__Rpc__V1__Request__MetadataEntry entry = ERRAND__RPC__V1__REQUEST__METADATA_ENTRY__INIT;
    Errand__Rpc__V1__Request__MetadataEntry *metadata[] = {&entry};
    entry.key = key;
    entry.value = id;
    Errand__V1__SubmitRequest submit = ERRAND__V1__SUBMIT_REQUEST__INIT;
    submit.job = job;
    Errand__Rpc__V1__Request request = ERRAND__RPC__V1__REQUEST__INIT;
    request.method = method;
    request.timeout = &timeout;
    request.n_metadata = 1;
    request.metadata = metadata;
    size_t payload = errand__v1__submit_request__get_packed_size(&submit);
    size_t payload_head = payload < 128 ? 2 : 3;  // key and length of the bytes field
    return errand__rpc__v1__request__get_packed_size(&request) + payload_head + payload;
}
