// fetch - errand fetch URL: an http job.
#include "job.h"

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

static status *split_header(const char *text, arena *memory,
                            Errand__V1__HttpRequest__HeadersEntry **ret)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text)
        return status_new(STATUS_INVALID_ARGUMENT, "--header: found \"%s\", expected 'Name: value'",
                          text);
    Errand__V1__HttpRequest__HeadersEntry *entry = arena_alloc(memory, sizeof *entry);
    char *name = arena_strdup(memory, text);
    if (entry == NULL || name == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    name[colon - text] = '\0';
    errand__v1__http_request__headers_entry__init(entry);
    entry->key = name;
    entry->value = name + (colon - text) + 1 + strspn(colon + 1, " \t");
    *ret = entry;
    return NULL;
}

static bool has_header(const Errand__V1__HttpRequest *http, const char *name)
{
    for (size_t i = 0; i < http->n_headers; i++) {
        if (strcasecmp(http->headers[i]->key, name) == 0)
            return true;
    }
    return false;
}

static status *add_header(const char *text, arena *memory, Errand__V1__HttpRequest *http)
{
    Errand__V1__HttpRequest__HeadersEntry *entry = NULL;
    status *s = split_header(text, memory, &entry);
    if (s != NULL || entry == NULL)
        return s;
    if (has_header(http, entry->key))
        return status_new(STATUS_INVALID_ARGUMENT, "--header: %s is given twice", entry->key);
    http->headers[http->n_headers++] = entry;
    return NULL;
}

static status *set_headers(const cli_args *args, arena *memory, Errand__V1__HttpRequest *http)
{
    http->headers = arena_zalloc(memory, (args->given_count + 1) * sizeof(void *));
    if (http->headers == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    status *s = NULL;
    for (size_t i = 0; s == NULL && i < args->given_count; i++) {
        if (strcmp(args->given[i].option->name, "header") == 0)
            s = add_header(args->given[i].value, memory, http);
    }
    return s;
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
    if (s != NULL)
        return s;
    return cli_copy_bytes(&text, memory, &http->body);
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
