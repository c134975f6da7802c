// server - errand worker ls, stats and backup: the server itself.
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SERVER    (&errand__v1__server_service__descriptor)
#define WORKERS   (&errand__v1__worker_service__descriptor)
#define PAGE_SIZE 1000

// ---- workers ----

static void print_names(char **names, size_t count)
{
    cli_print("  ");
    for (size_t i = 0; i < count; i++)
        cli_print("%s%s", i > 0 ? "," : "", names[i]);
    if (count == 0)
        cli_print("(all)");
}

static void print_head(const cli *c)
{
    if (!c->json)
        cli_print("%-36s  %-20s  %7s  %9s  %-20s  %s  %s\n", "ID", "HOST", "PID", "RUNNING",
                  "HEARD", "QUEUES", "KINDS");
}

static cli_exit print_worker(const cli *c, const Errand__V1__Worker *worker)
{
    char heard[CLI_TEXT_MAX];
    char slots[CLI_TEXT_MAX];
    if (c->json)
        return cli_print_json(&worker->base);
    (void) snprintf(slots, sizeof slots, "%d/%d", worker->running, worker->concurrency);
    cli_print("%-36s  %-20s  %7d  %9s  %-20s", worker->id, worker->host, worker->pid, slots,
              cli_time_text(worker->heartbeat_time, heard));
    print_names(worker->queues, worker->n_queues);
    print_names(worker->kinds, worker->n_kinds);
    cli_print("\n");
    return CLI_OK;
}

static cli_exit worker_page(const cli *c, Errand__V1__ListWorkersRequest *request, arena *memory)
{
    ProtobufCMessage *reply = NULL;
    errand_error *error = errand_call(c->client, WORKERS, "List", &request->base, NULL, &reply);
    if (error != NULL)
        return cli_bad_call(error);
    if (*request->page_token == '\0')
        print_head(c);
    const Errand__V1__ListWorkersResponse *page = (const Errand__V1__ListWorkersResponse *) reply;
    cli_exit ending = CLI_OK;
    for (size_t i = 0; ending == CLI_OK && i < page->n_workers; i++)
        ending = print_worker(c, page->workers[i]);
    request->page_token = arena_strdup(memory, page->next_page_token);
    protobuf_c_message_free_unpacked(reply, NULL);
    return ending;
}

cli_exit cli_worker_list(cli *c, const cli_args *args)
{
    (void) args;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__ListWorkersRequest request = ERRAND__V1__LIST_WORKERS_REQUEST__INIT;
    cli_exit ending = CLI_OK;
    if (memory == NULL)
        return cli_bad_usage(status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
    request.page_size = PAGE_SIZE;
    do
        ending = worker_page(c, &request, memory);
    while (ending == CLI_OK && request.page_token != NULL && *request.page_token != '\0' &&
           !ferror(stdout));
    return ending;
}

// ---- counters ----

static void print_stats(const Errand__V1__ServerStats *stats)
{
    char uptime[CLI_TEXT_MAX];
    for (size_t i = 0; i < stats->n_jobs; i++)
        cli_print("%-22s %" PRId64 "\n", stats->jobs[i]->key, stats->jobs[i]->value);
    cli_print("%-22s %" PRId64 "\n", "workers", stats->workers);
    cli_print("%-22s %" PRId64 "\n", "waiting calls", stats->waiting_calls);
    cli_print("%-22s %" PRId64 "\n", "results queue", stats->results_queue_length);
    cli_print("%-22s %" PRId64 "\n", "store bytes", stats->store_bytes);
    cli_print("%-22s %s\n", "uptime", cli_span_text(stats->uptime, uptime));
}

cli_exit cli_stats(cli *c, const cli_args *args)
{
    (void) args;
    ProtobufCMessage *reply = NULL;
    cli_exit ending = cli_call(c, SERVER, "GetStats", NULL, NULL, &reply);
    if (ending != CLI_OK)
        return ending;
    if (c->json)
        ending = cli_print_json(reply);
    else
        print_stats((const Errand__V1__ServerStats *) reply);
    protobuf_c_message_free_unpacked(reply, NULL);
    return ending;
}

// ---- backup ----

// The file is the server's to make: what it means here is taken as it stands in our folder.
static status *absolute_path(const char *path, char **ret)
{
    AUTO_FREE char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (path[0] == '\0' || (path[0] != '/' && folder == NULL))
        return status_new(STATUS_INVALID_ARGUMENT, "backup: \"%s\" is no path", path);
    const char *before = path[0] == '/' ? "" : folder;
    if (asprintf(ret, "%s%s%s", before, path[0] == '/' ? "" : "/", path) < 0)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    return NULL;
}

static void print_backup(const char *path, const Errand__V1__BackupResponse *copy)
{
    cli_print("%s %" PRId64 "\n", path, copy->size_bytes);
}

cli_exit cli_backup(cli *c, const cli_args *args)
{
    Errand__V1__BackupRequest request = ERRAND__V1__BACKUP_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    AUTO_FREE char *path = NULL;
    status *s = absolute_path(args->words[0], &path);
    if (s != NULL)
        return cli_bad_usage(s);
    request.path = path;
    cli_exit ending = cli_call_long(c, SERVER, "Backup", &request.base, &reply);
    if (ending != CLI_OK)
        return ending;
    if (c->json)
        ending = cli_print_json(reply);
    else
        print_backup(path, (const Errand__V1__BackupResponse *) reply);
    protobuf_c_message_free_unpacked(reply, NULL);
    return ending;
}
