// submit - errand submit KIND: a job for a worker of one's own.
#include "job.h"

#include "json/codec.h"

#include <stdio.h>
#include <string.h>

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *set_args(const char *json, arena *memory, Errand__V1__Job *job)
{
    ProtobufCMessage *value = NULL;
    AUTO(status)
    bad = json_decode(&google__protobuf__value__descriptor, json, strlen(json), memory, &value);
    if (bad != NULL)
        return status_new(bad->code, "--args: %s", bad->message);
    job->input_case = ERRAND__V1__JOB__INPUT_ARGS;
    job->args = (Google__Protobuf__Value *) value;
    return NULL;
}

static status *set_data(const cli_args *args, arena *memory, Errand__V1__Job *job)
{
    const char *path = cli_text(args, "data");
    const char *type = cli_text(args, "content-type");
    AUTO_BUF text = {0};
    status *s = cli_read_file(path[0] == '@' ? path + 1 : path, &text);
    if (s != NULL)
        return s;
    Errand__V1__Data *data = arena_alloc(memory, sizeof *data);
    if (data == NULL)
        return no_memory();
    errand__v1__data__init(data);
    if (type != NULL)
        data->content_type = arena_strdup(memory, type);
    job->input_case = ERRAND__V1__JOB__INPUT_DATA;
    job->data = data;
    return data->content_type == NULL ? no_memory() : cli_copy_bytes(&text, memory, &data->body);
}

static status *set_input(const cli_args *args, arena *memory, Errand__V1__Job *job)
{
    if (cli_has(args, "data"))
        return set_data(args, memory, job);
    const char *json = cli_text(args, "args");
    return set_args(json != NULL ? json : "null", memory, job);
}

static status *check_options(const cli_args *args)
{
    if (cli_has(args, "args") && cli_has(args, "data"))
        return status_new(STATUS_INVALID_ARGUMENT, "--args and --data exclude each other");
    if (cli_has(args, "content-type") && !cli_has(args, "data"))
        return status_new(STATUS_INVALID_ARGUMENT, "--content-type needs --data");
    if (args->word_count == 0)
        return status_new(STATUS_INVALID_ARGUMENT, "submit needs a KIND, or --file");
    return NULL;
}

static status *make_job(const cli_args *args, arena *memory, Errand__V1__Job **ret)
{
    status *s = check_options(args);
    if (s == NULL)
        s = job_from_options(args, memory, ret);
    if (s == NULL && ((*ret)->kind = arena_strdup(memory, args->words[0])) == NULL)
        s = no_memory();
    return s != NULL ? s : set_input(args, memory, *ret);
}

cli_exit cli_submit(cli *c, const cli_args *args)
{
    if (cli_has(args, "file"))
        return cli_submit_file(c, args);
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job *job = NULL;
    status *s = memory == NULL ? no_memory() : make_job(args, memory, &job);
    return s != NULL ? cli_bad_usage(s) : job_send(c, args, job);
}
