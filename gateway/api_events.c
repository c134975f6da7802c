// api_events - a job as Server-Sent Events: Watch, asked again and again.
//
// A stream holds its thread until the job has ended or the client is gone, which a heartbeat finds
// out: the call waits no longer than until the next one is due.
#include "gateway/routes.h"

#include "gateway/follow.h"
#include "gateway/gateway_internal.h"
#include "gateway/problem.h"
#include "json/codec.h"

#include <inttypes.h>
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

static void append_event(event_stream *s, const char *name, const ProtobufCMessage *data)
{
    buf_append_format(&s->text, "event: %s\nid: %" PRId64 "\ndata: ", name, s->follower.revision);
    status *failure = json_encode(data, &s->text);
    s->text.failed |= failure != NULL;
    status_free(failure);
    buf_append_text(&s->text, "\n\n");
}

static void on_change(void *data, const Errand__V1__Job *job)
{
    event_stream *s = data;
    bool same_run = s->knows_state && job->state == s->state && job->attempt == s->attempt;
    s->state = job->state;
    s->attempt = job->attempt;
    s->knows_state = true;
    if (same_run && job->state == ERRAND__V1__JOB__STATE__RUNNING && job->progress != NULL) {
        append_event(s, "progress", &job->progress->base);
    } else {
        append_event(s, "state", &job->base);
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

static bool read_position(api_call *call, int64_t *ret)
{
    const Errand__V1__WatchJobRequest *request =
        (const Errand__V1__WatchJobRequest *) call->request;
    const char *text = exchange_field(call->x, "Last-Event-ID");
    char *end = NULL;
    if (request->wait != NULL) {
        return problem_refuse_field(call->x, "wait", "no such query parameter");
    }
    *ret = request->revision;
    if (text == NULL || *text == '\0') {
        return true;
    }
    *ret = strtoll(text, &end, 10);
    return (*end == '\0' && *ret >= 0) ||
           problem_refuse(call->x, 400, "Last-Event-ID is not one of these events");
}

bool api_events_prepare(api_call *call)
{
    gateway *g = call->gateway;
    event_stream s = {.call = call};
    s.follower =
        (follower){.call = call, .beat_us = g->heartbeat_us, .on_change = on_change, .data = &s};
    if (!read_position(call, &s.follower.revision)) {
        return false;
    }
    if (!follow_admit(g)) {
        return problem_refuse(call->x, 503, "too many event streams; try again");
    }
    run(&s);
    follow_leave(g);
    return false;
}
