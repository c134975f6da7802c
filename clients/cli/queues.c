// queues - errand queue ls, pause, resume and purge.
#include "queues.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define QUEUES    (&errand__v1__queue_service__descriptor)
#define PAGE_SIZE 1000

static const char *const shown_states[] = {"BLOCKED", "SCHEDULED", "READY",
                                           "RUNNING", "SUCCEEDED", "FAILED"};
#define SHOWN_COUNT (sizeof shown_states / sizeof shown_states[0])

int64_t queues_depth(const Errand__V1__Queue *queue, const char *state)
{
    for (size_t i = 0; i < queue->n_depth; i++) {
        if (strcmp(queue->depth[i]->key, state) == 0)
            return queue->depth[i]->value;
    }
    return 0;
}

void queues_print_head(void)
{
    cli_print("%-20s", "NAME");
    for (size_t i = 0; i < SHOWN_COUNT; i++)
        cli_print(" %9s", shown_states[i]);
    cli_print("  SETTINGS\n");
}

static void print_rate(const Errand__V1__RateLimit *rate)
{
    char per[CLI_TEXT_MAX];
    const char *text = rate->per != NULL ? cli_duration_text(rate->per, per) : "1s";
    cli_print(" rate-limit=%" PRId64 "/%s", rate->count, text);
    if (rate->burst > 1)
        cli_print(" burst=%" PRId64, rate->burst);
}

static void print_settings(const Errand__V1__Queue *queue)
{
    char aging[CLI_TEXT_MAX];
    if (queue->paused)
        cli_print(" paused");
    if (queue->rate_limit != NULL)
        print_rate(queue->rate_limit);
    if (queue->max_running != NULL)
        cli_print(" max-running=%d", queue->max_running->value);
    if (queue->max_per_key != NULL)
        cli_print(" max-per-key=%d", queue->max_per_key->value);
    if (queue->max_depth != NULL)
        cli_print(" max-depth=%" PRId64, queue->max_depth->value);
    if (queue->hold_on_retry_after)
        cli_print(" hold-on-retry-after");
    if (queue->aging != NULL)
        cli_print(" aging=%s", cli_duration_text(queue->aging, aging));
}

void queues_print_row(const Errand__V1__Queue *queue)
{
    cli_print("%-20s", queue->name);
    for (size_t i = 0; i < SHOWN_COUNT; i++)
        cli_print(" %9" PRId64, queues_depth(queue, shown_states[i]));
    cli_print(" ");
    print_settings(queue);
    cli_print("\n");
}

static cli_exit take_page(const Errand__V1__ListQueuesResponse *page, queues_fn *take, void *data)
{
    cli_exit ending = CLI_OK;
    for (size_t i = 0; ending == CLI_OK && i < page->n_queues; i++)
        ending = take(data, page->queues[i]);
    return ending;
}

cli_exit queues_each(cli *c, queues_fn *take, void *data)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__ListQueuesRequest request = ERRAND__V1__LIST_QUEUES_REQUEST__INIT;
    request.page_size = PAGE_SIZE;
    cli_exit ending;
    do {
        ProtobufCMessage *reply = NULL;
        errand_error *error = errand_call(c->client, QUEUES, "List", &request.base, NULL, &reply);
        if (error != NULL)
            return cli_bad_call(error);
        const Errand__V1__ListQueuesResponse *page = (const Errand__V1__ListQueuesResponse *) reply;
        ending = take_page(page, take, data);
        request.page_token = memory != NULL ? arena_strdup(memory, page->next_page_token) : NULL;
        protobuf_c_message_free_unpacked(reply, NULL);
    } while (ending == CLI_OK && request.page_token != NULL && *request.page_token != '\0' &&
             !ferror(stdout));
    return ending;
}

// A table has its head before its first row, and also when there is none; not when a call fails.
typedef struct listing {
    const cli *c;
    bool has_head;
} listing;

static void print_head_once(listing *l)
{
    if (!l->c->json && !l->has_head)
        queues_print_head();
    l->has_head = true;
}

static cli_exit print_queue(void *data, const Errand__V1__Queue *queue)
{
    listing *l = data;
    print_head_once(l);
    if (l->c->json)
        return cli_print_json(&queue->base);
    queues_print_row(queue);
    return CLI_OK;
}

cli_exit queues_show(const cli *c, ProtobufCMessage *queue)
{
    listing l = {.c = c};
    cli_exit ending = print_queue(&l, (const Errand__V1__Queue *) queue);
    protobuf_c_message_free_unpacked(queue, NULL);
    return ending;
}

static cli_exit list_one(cli *c, const char *name, listing *l)
{
    ProtobufCMessage *queue = NULL;
    cli_exit ending = cli_call(c, QUEUES, "Get", "queue", name, &queue);
    if (ending != CLI_OK)
        return ending;
    ending = print_queue(l, (const Errand__V1__Queue *) queue);
    protobuf_c_message_free_unpacked(queue, NULL);
    return ending;
}

static cli_exit list_all(cli *c, listing *l)
{
    cli_exit ending = queues_each(c, print_queue, l);
    if (ending == CLI_OK)
        print_head_once(l);
    return ending;
}

cli_exit cli_queue_list(cli *c, const cli_args *args)
{
    listing l = {.c = c};
    cli_exit worst = CLI_OK;
    if (args->word_count == 0)
        return list_all(c, &l);
    for (size_t i = 0; i < args->word_count; i++) {
        cli_exit ending = list_one(c, args->words[i], &l);
        if (ending > worst)
            worst = ending;
    }
    return worst;
}

static cli_exit change(cli *c, const char *method, const char *name)
{
    ProtobufCMessage *queue = NULL;
    cli_exit ending = cli_call(c, QUEUES, method, "queue", name, &queue);
    return ending != CLI_OK ? ending : queues_show(c, queue);
}

cli_exit cli_queue_pause(cli *c, const cli_args *args)
{
    return change(c, "Pause", args->words[0]);
}

cli_exit cli_queue_resume(cli *c, const cli_args *args)
{
    return change(c, "Resume", args->words[0]);
}

cli_exit cli_queue_purge(cli *c, const cli_args *args)
{
    Errand__V1__PurgeQueueRequest request = ERRAND__V1__PURGE_QUEUE_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    request.queue = (char *) (uintptr_t) args->words[0];
    cli_exit ending = cli_call_long(c, QUEUES, "Purge", &request.base, &reply);
    return ending == CLI_OK ? cli_print_count(c, reply) : ending;
}
