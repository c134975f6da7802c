// job - the Job that the options of fetch and submit describe, and its way to the server.
#include "job.h"
#include "pairs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A secret comes from a file or the environment: what stands in argv is seen by everybody.
static status *secret_from_file(const char *path, arena *memory, char **ret)
{
    AUTO_BUF text = {0};
    status *s = cli_read_file(path, &text);
    if (s != NULL)
        return s;
    while (text.size > 0 && isspace(text.bytes[text.size - 1]))
        text.size--;
    const char *secret = buf_text(&text);
    if (secret == NULL || strlen(secret) != text.size)
        return status_new(STATUS_INVALID_ARGUMENT, "%s: not a text file", path);
    *ret = arena_strdup(memory, secret);
    return NULL;
}

static status *set_secret(const cli_args *args, arena *memory, Errand__V1__Job *job)
{
    const char *path = cli_text(args, "callback-secret-file");
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
    const char *secret = getenv("ERRAND_CALLBACK_SECRET");
    if (path != NULL && job->callback == NULL)
        return status_new(STATUS_INVALID_ARGUMENT, "--callback-secret-file needs --callback");
    if (path != NULL)
        return secret_from_file(path, memory, &job->callback->secret);
    bool named = cli_has(args, "callback-secret-name");
    if (secret != NULL && *secret != '\0' && job->callback != NULL && !named)
        job->callback->secret = arena_strdup(memory, secret);
    return NULL;
}

static status *set_labels(const cli_args *args, arena *memory, Errand__V1__Job *job)
{
    static const pairs_form form = {.option = "label",
                                    .separators = CLI_LABEL_SEPARATORS,
                                    .expected = "KEY=VALUE",
                                    .entry = &errand__v1__job__labels_entry__descriptor};
    void *entries = NULL;
    status *s = pairs_read(args, &form, memory, &entries, &job->n_labels);
    job->labels = entries;
    return s;
}

status *job_from_options(const cli_args *args, arena *memory, Errand__V1__Job **ret)
{
    Errand__V1__Job *job = arena_alloc(memory, sizeof *job);
    if (job == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    errand__v1__job__init(job);
    status *s = cli_fill(args, &job->base, memory);
    if (s == NULL && job->callback != NULL && *job->callback->url == '\0')
        s = status_new(STATUS_INVALID_ARGUMENT, "callback options need --callback");
    if (s == NULL)
        s = set_secret(args, memory, job);
    if (s == NULL)
        s = set_labels(args, memory, job);
    if (s == NULL)
        *ret = job;
    return s;
}

static cli_exit show_submitted(const cli *c, const Errand__V1__Job *job)
{
    if (c->json)
        return cli_print_json(&job->base);
    cli_print("%s\n", job->id);
    return CLI_OK;
}

// A wait without a time is one without an end.
static status *read_wait(const cli_args *args, bool *ret_wait, int64_t *ret_ms)
{
    *ret_wait = cli_has(args, "wait");
    *ret_ms = CLI_FOREVER_MS;
    return cli_duration_ms(args, "wait", CLI_FOREVER_MS, ret_ms);
}

cli_exit job_send(cli *c, const cli_args *args, const Errand__V1__Job *job)
{
    bool wait;
    int64_t wait_ms;
    status *s = read_wait(args, &wait, &wait_ms);
    if (s != NULL)
        return cli_bad_usage(s);
    errand_call_options options = {.request_id = cli_text(args, "request-id")};
    Errand__V1__Job *stored = NULL;
    errand_error *error = errand_submit(c->client, job, 0, &options, &stored);
    if (error != NULL)
        return cli_bad_call(error);
    cli_exit result = wait ? cli_await(c, stored->id, wait_ms) : show_submitted(c, stored);
    errand__v1__job__free_unpacked(stored, NULL);
    return result;
}
