// queue_watch - errand queue watch NAME: what happens in a queue, until it is interrupted.
#include "cli.h"
#include "patience.h"

#include <inttypes.h>
#include <stdio.h>

#define CURSOR_SIZE 80

typedef struct following {
    cli *c;
    const char *queue;
    char cursor[CURSOR_SIZE];  // where to go on
    patience patience;
} following;

static cli_exit print_queue(const Errand__V1__Queue *queue)
{
    cli_print("queue %s", queue->name);
    for (size_t i = 0; i < queue->n_depth; i++)
        cli_print(" %s=%" PRId64, queue->depth[i]->key, queue->depth[i]->value);
    cli_print("%s\n", queue->paused ? " paused" : "");
    return CLI_OK;
}

static cli_exit print_job(const Errand__V1__JobChange *job)
{
    cli_print("job %s %s %s%s\n", job->id, job->kind, cli_state_name(job->state),
              job->deleted ? " deleted" : "");
    return CLI_OK;
}

static cli_exit show(const following *f, const Errand__V1__QueueEvent *event)
{
    if (f->c->json)
        return cli_print_json(&event->base);
    if (event->event_case == ERRAND__V1__QUEUE_EVENT__EVENT_QUEUE)
        return print_queue(event->queue);
    if (event->event_case == ERRAND__V1__QUEUE_EVENT__EVENT_JOB)
        return print_job(event->job);
    if (event->event_case == ERRAND__V1__QUEUE_EVENT__EVENT_RESET)
        cli_tell("some events are missing: %s\n", event->reset->reason);
    return CLI_OK;
}

static cli_exit show_all(following *f, const Errand__V1__WatchQueueResponse *news)
{
    cli_exit ending = CLI_OK;
    for (size_t i = 0; ending == CLI_OK && i < news->n_events; i++)
        ending = show(f, news->events[i]);
    (void) fflush(stdout);  // a failure is remembered by stdout
    (void) snprintf(f->cursor, sizeof f->cursor, "%s", news->cursor);
    return ending;
}

static errand_error *ask(following *f, Errand__V1__WatchQueueResponse **ret)
{
    Errand__V1__WatchQueueRequest request = ERRAND__V1__WATCH_QUEUE_REQUEST__INIT;
    request.queue = (char *) (uintptr_t) f->queue;
    request.cursor = f->cursor;
    request.wait = &f->patience.wait;
    return patience_watch(&f->patience, f->c, &errand__v1__queue_service__descriptor, &request.base,
                          (ProtobufCMessage **) ret);
}

static cli_exit next(following *f)
{
    Errand__V1__WatchQueueResponse *news = NULL;
    errand_error *error = ask(f, &news);
    if (error != NULL)
        return cli_bad_call(error);
    cli_exit ending = show_all(f, news);
    if (news->n_events == 0)
        patience_pause(&f->patience);
    errand__v1__watch_queue_response__free_unpacked(news, NULL);
    return ending;
}

cli_exit cli_queue_watch(cli *c, const cli_args *args)
{
    following f = {.c = c, .queue = args->words[0]};
    cli_exit ending = CLI_OK;
    patience_init(&f.patience);
    while (ending == CLI_OK && !ferror(stdout))
        ending = next(&f);
    return ending;
}
