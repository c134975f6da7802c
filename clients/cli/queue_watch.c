// queue_watch - errand queue watch NAME: what happens in a queue, until it is interrupted.
#include "cli.h"

#include "base/clock.h"
#include "job/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define WAIT_MS     INT64_C(60000)  // the longest that the server allows
#define PAUSE_MS    200             // when the server would not wait
#define CURSOR_SIZE 80

typedef struct following {
    cli *c;
    const char *queue;
    char cursor[CURSOR_SIZE];  // where to go on
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
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    const errand_call_options options = {.timeout_ms = WAIT_MS + f->c->timeout_ms};
    time_to_duration(WAIT_MS * 1000, &wait);
    request.queue = (char *) (uintptr_t) f->queue;
    request.cursor = f->cursor;
    request.wait = &wait;
    return errand_call(f->c->client, &errand__v1__queue_service__descriptor, "Watch", &request.base,
                       &options, (ProtobufCMessage **) ret);
}

static void pause_if_early(int64_t asked_us)
{
    const struct timespec time = {0, PAUSE_MS * 1000000L};
    if (clock_mono_us(clock_system()) - asked_us < WAIT_MS * 1000 / 2)
        (void) nanosleep(&time, NULL);
}

static cli_exit next(following *f)
{
    Errand__V1__WatchQueueResponse *news = NULL;
    int64_t asked_us = clock_mono_us(clock_system());
    errand_error *error = ask(f, &news);
    if (error != NULL)
        return cli_bad_call(error);
    cli_exit ending = show_all(f, news);
    if (news->n_events == 0)
        pause_if_early(asked_us);
    errand__v1__watch_queue_response__free_unpacked(news, NULL);
    return ending;
}

cli_exit cli_queue_watch(cli *c, const cli_args *args)
{
    following f = {.c = c, .queue = args->words[0]};
    cli_exit ending = CLI_OK;
    while (ending == CLI_OK && !ferror(stdout))
        ending = next(&f);
    return ending;
}
