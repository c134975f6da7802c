// api_events - a job or a queue as Server-Sent Events: Watch, asked again and again.
//
// A stream holds its thread until the job has ended or the client is gone, which a heartbeat finds
// out: the call waits no longer than until the next one is due.
#include "gateway/routes.h"

#include "gateway/follow.h"
#include "gateway/gateway_internal.h"
#include "gateway/problem.h"
#include "json/codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct event_stream {
    api_call *call;
    follower follower;
    Errand__V1__Job__State state;
    int32_t attempt;
    bool knows_state;  // the client was told state and attempt
    buf text;          // to be sent
} event_stream;

// ---- events ----

static void append_event(event_stream *s, const char *name, const char *id,
                         const ProtobufCMessage *data)
{
    buf_append_format(&s->text, "event: %s\nid: %s\ndata: ", name, id);
    status *failure = json_encode(data, &s->text);
    s->text.failed |= failure != NULL;
    status_free(failure);
    buf_append_text(&s->text, "\n\n");
}

static void on_job_change(void *data, const ProtobufCMessage *news)
{
    event_stream *s = data;
    char id[24];
    const Errand__V1__Job *job = (const Errand__V1__Job *) news;
    bool same_run = s->knows_state && job->state == s->state && job->attempt == s->attempt;
    s->state = job->state;
    s->attempt = job->attempt;
    s->knows_state = true;
    (void) snprintf(id, sizeof id, "%" PRId64, job->revision);
    if (same_run && job->state == ERRAND__V1__JOB__STATE__RUNNING && job->progress != NULL) {
        append_event(s, "progress", id, &job->progress->base);
    } else {
        append_event(s, "state", id, &job->base);
    }
}

static void append_queue_event(event_stream *s, const Errand__V1__QueueEvent *event)
{
    switch (event->event_case) {
    case ERRAND__V1__QUEUE_EVENT__EVENT_JOB:
        append_event(s, "job", event->cursor, &event->job->base);
        break;
    case ERRAND__V1__QUEUE_EVENT__EVENT_QUEUE:
        append_event(s, "queue", event->cursor, &event->queue->base);
        break;
    case ERRAND__V1__QUEUE_EVENT__EVENT_RESET:
        append_event(s, "reset", event->cursor, &event->reset->base);
        break;
    case ERRAND__V1__QUEUE_EVENT__EVENT__NOT_SET:
    case _ERRAND__V1__QUEUE_EVENT__EVENT__CASE_IS_INT_SIZE:
        break;  // of a newer server
    }
}

static void on_queue_events(void *data, const ProtobufCMessage *news)
{
    const Errand__V1__WatchQueueResponse *answer = (const Errand__V1__WatchQueueResponse *) news;
    for (size_t i = 0; i < answer->n_events; i++) {
        append_queue_event(data, answer->events[i]);
    }
}

// ---- the stream ----

static bool send_text(event_stream *s)
{
    exchange *x = s->call->x;
    if (s->text.size == 0) {
        buf_append_text(&s->text, ": waiting\n\n");
    }
    bool ok = x->stream(x, &s->text);
    buf_clear(&s->text);
    return ok;
}

static void send_events(event_stream *s)
{
    status *failure = NULL;
    while (failure == NULL && send_text(s) && !s->follower.ended) {
        failure = follow_next(&s->follower);
    }
    // The client comes again where it was, or learns from the next answer why there is no more.
    status_free(failure);
}

static void run(event_stream *s)
{
    exchange *x = s->call->x;
    status *failure = follow_first(&s->follower);
    if (failure != NULL) {
        (void) problem_take(x, failure);
    } else if (s->follower.ended && s->text.size == 0) {
        x->http_status = 204;  // tells an EventSource not to come again
    } else {
        x->content_type = "text/event-stream";
        exchange_add_header(x, "X-Accel-Buffering", "no");
        if (strcmp(x->method, "HEAD") != 0) {
            send_events(s);
        }
    }
    buf_fini(&s->text);
}

// ---- admission ----

static void serve(event_stream *s)
{
    gateway *g = s->call->gateway;
    s->follower.call = s->call;
    s->follower.beat_us = g->heartbeat_us;
    s->follower.data = s;
    if (follow_admit(g)) {
        run(s);
        follow_leave(g);
    } else {
        (void) problem_refuse(s->call->x, 503, "too many event streams; try again");
    }
}

static bool no_wait(api_call *call, const Google__Protobuf__Duration *wait)
{
    return wait == NULL || problem_refuse_field(call->x, "wait", "no such query parameter");
}

// What an EventSource that comes again says; NULL: nothing.
static const char *last_event(const api_call *call)
{
    const char *text = exchange_field(call->x, "Last-Event-ID");
    return text != NULL && *text != '\0' ? text : NULL;
}

static bool read_revision(api_call *call, int64_t *ret)
{
    const char *text = last_event(call);
    char *end = NULL;
    *ret = ((const Errand__V1__WatchJobRequest *) call->request)->revision;
    if (text == NULL) {
        return true;
    }
    *ret = strtoll(text, &end, 10);
    return (*end == '\0' && *ret >= 0) ||
           problem_refuse(call->x, 400, "Last-Event-ID is not one of these events");
}

static void serve_job(api_call *call)
{
    event_stream s = {.call = call, .follower = {.on_change = on_job_change}};
    if (no_wait(call, ((const Errand__V1__WatchJobRequest *) call->request)->wait) &&
        read_revision(call, &s.follower.revision)) {
        serve(&s);
    }
}

static bool read_cursor(api_call *call, Errand__V1__WatchQueueRequest *request)
{
    const char *text = last_event(call);
    if (text == NULL) {
        return true;
    }
    request->cursor = arena_strdup(call->x->memory, text);
    return request->cursor != NULL ||
           problem_refuse(call->x, 503, "not enough memory for this request now");
}

static void serve_queue(api_call *call)
{
    Errand__V1__WatchQueueRequest *request = (Errand__V1__WatchQueueRequest *) call->request;
    event_stream s = {.call = call, .follower = {.on_change = on_queue_events}};
    if (no_wait(call, request->wait) && read_cursor(call, request)) {
        serve(&s);
    }
}

bool api_events_prepare(api_call *call)
{
    if (call->request->descriptor == &errand__v1__watch_queue_request__descriptor) {
        serve_queue(call);
    } else {
        serve_job(call);
    }
    return false;
}
