// fetch - errand fetch URL: an http job.
#include "job.h"
#include "pairs.h"

#include <string.h>

static Errand__V1__HttpRequest *http_input(Errand__V1__Job *job, arena *memory)
{
    if (job->input_case == ERRAND__V1__JOB__INPUT_HTTP)
        return job->http;
    Errand__V1__HttpRequest *http = arena_alloc(memory, sizeof *http);
    if (http == NULL)
        return NULL;
    errand__v1__http_request__init(http);
    job->input_case = ERRAND__V1__JOB__INPUT_HTTP;
    job->http = http;
    return http;
}

static status *set_headers(const cli_args *args, arena *memory, Errand__V1__HttpRequest *http)
{
    static const pairs_form form = {.option = "header",
                                    .separators = ":",
                                    .expected = "'Name: value'",
                                    .any_case = true,
                                    .entry = &errand__v1__http_request__headers_entry__descriptor};
    void *entries = NULL;
    status *s = pairs_read(args, &form, memory, &entries, &http->n_headers);
    http->headers = entries;
    return s;
}

// A body is what makes a request a POST; one that is empty can not.
static status *set_method_without_body(arena *memory, Errand__V1__HttpRequest *http)
{
    if (http->body.len > 0 || *http->method != '\0')
        return NULL;
    http->method = arena_strdup(memory, "POST");
    return http->method != NULL ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *set_body(const cli_args *args, arena *memory, Errand__V1__HttpRequest *http)
{
    const char *data = cli_text(args, "data");
    if (data == NULL)
        return NULL;
    AUTO_BUF text = {0};
    status *s = NULL;
    if (data[0] == '@')
        s = cli_read_file(data + 1, &text);
    else
        buf_append_text(&text, data);
    if (s == NULL)
        s = cli_copy_bytes(&text, memory, &http->body);
    return s != NULL ? s : set_method_without_body(memory, http);
}

static status *make_fetch(const cli_args *args, arena *memory, Errand__V1__Job **ret)
{
    status *s = job_from_options(args, memory, ret);
    if (s != NULL)
        return s;
    Errand__V1__HttpRequest *http = http_input(*ret, memory);
    if (http == NULL || (http->url = arena_strdup(memory, args->words[0])) == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    s = set_headers(args, memory, http);
    return s != NULL ? s : set_body(args, memory, http);
}

cli_exit cli_fetch(cli *c, const cli_args *args)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job *job = NULL;
    status *s = memory == NULL ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory")
                               : make_fetch(args, memory, &job);
    return s != NULL ? cli_bad_usage(s) : job_send(c, args, job);
}
