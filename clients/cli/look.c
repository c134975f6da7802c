// look - errand get and errand ls: jobs as they are now.
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>

#define DEFAULT_LIMIT 50
#define PAGE_SIZE     1000

static void print_error(const Errand__Rpc__V1__Status *error)
{
    if (error != NULL)
        cli_print("%-10s %s: %s\n", "error", status_code_name((status_code) error->code),
                  error->message);
}

static void print_progress(const Errand__V1__Progress *progress)
{
    char message[200];
    if (progress == NULL)
        return;
    cli_print("%-10s %" PRId64, "progress", progress->done);
    if (progress->total > 0)
        cli_print("/%" PRId64, progress->total);
    cli_print(" %s\n", cli_plain_text(progress->message, message, sizeof message));
}

static void print_job(const Errand__V1__Job *job)
{
    cli_print_line("id", job->id);
    cli_print_line("state", cli_state_name(job->state));
    cli_print_line("queue", job->queue);
    cli_print_line("kind", job->kind);
    if (job->input_case == ERRAND__V1__JOB__INPUT_HTTP)
        cli_print_line("url", job->http->url);
    cli_print_line("unique key", job->unique_key);
    for (size_t i = 0; i < job->n_labels; i++)
        cli_print("%-10s %s=%s\n", "label", job->labels[i]->key, job->labels[i]->value);
    for (size_t i = 0; i < job->n_after; i++)
        cli_print_line("after", job->after[i]);
    cli_print_number("priority", job->priority);
    cli_print_number("attempt", job->attempt);
    print_progress(job->progress);
    cli_print_time("created", job->create_time);
    cli_print_time("next", job->next_attempt_time);
    cli_print_time("expires", job->expire_time);
    cli_print_time("started", job->start_time);
    cli_print_time("finished", job->finish_time);
    cli_print_line("parent", job->parent);
    print_error(job->error);
}

cli_exit cli_get(cli *c, const cli_args *args)
{
    Errand__V1__Job *job = NULL;
    errand_error *error = errand_get(c->client, args->words[0], ERRAND__V1__JOB_VIEW__BASIC, &job);
    if (error != NULL)
        return cli_bad_call(error);
    cli_exit ending = CLI_OK;
    if (c->json)
        ending = cli_print_json(&job->base);
    else
        print_job(job);
    errand__v1__job__free_unpacked(job, NULL);
    return ending;
}

static cli_exit print_row(const cli *c, const Errand__V1__Job *job)
{
    char created[CLI_TEXT_MAX];
    if (c->json)
        return cli_print_json(&job->base);
    cli_print("%-36s  %-9s  %7d  %-20s  %-12s  %s\n", job->id, cli_state_name(job->state),
              job->attempt, cli_time_text(job->create_time, created), job->queue, job->kind);
    return CLI_OK;
}

static void print_head(const cli *c)
{
    if (!c->json)
        cli_print("%-36s  %-9s  %7s  %-20s  %-12s  %s\n", "ID", "STATE", "ATTEMPT", "CREATED",
                  "QUEUE", "KIND");
}

// list_page prints one page, the first one with a head, and puts the next one's token into the
// request; *left counts down.
static cli_exit list_page(const cli *c, Errand__V1__ListJobsRequest *request, arena *memory,
                          int64_t *left)
{
    ProtobufCMessage *reply = NULL;
    request->page_size = (int32_t) (*left < PAGE_SIZE ? *left : PAGE_SIZE);
    errand_error *error = errand_call(c->client, &errand__v1__job_service__descriptor, "List",
                                      &request->base, NULL, &reply);
    if (error != NULL)
        return cli_bad_call(error);
    if (*request->page_token == '\0')
        print_head(c);
    Errand__V1__ListJobsResponse *page = (Errand__V1__ListJobsResponse *) reply;
    cli_exit ending = CLI_OK;
    for (size_t i = 0; ending == CLI_OK && i < page->n_jobs; i++)
        ending = print_row(c, page->jobs[i]);
    *left -= (int64_t) page->n_jobs;
    request->page_token = arena_strdup(memory, page->next_page_token);
    protobuf_c_message_free_unpacked(reply, NULL);
    return ending;
}

static cli_exit list_pages(const cli *c, Errand__V1__ListJobsRequest *request, arena *memory,
                           int64_t limit)
{
    int64_t left = limit > 0 ? limit : INT64_MAX;
    cli_exit ending;
    do
        ending = list_page(c, request, memory, &left);
    while (ending == CLI_OK && left > 0 && request->page_token != NULL &&
           *request->page_token != '\0' && !ferror(stdout));
    return ending;
}

cli_exit cli_list(cli *c, const cli_args *args)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    int64_t limit = 0;
    status *s = memory == NULL ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory")
                               : cli_number(args, "limit", DEFAULT_LIMIT, &limit);
    if (s == NULL)
        s = cli_fill(args, &request.base, memory);
    return s != NULL ? cli_bad_usage(s) : list_pages(c, &request, memory, limit);
}
