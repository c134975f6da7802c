// api_events - a job as Server-Sent Events: Watch, asked again and again.
//
// A stream holds its thread until the job has ended or the client is gone, which a heartbeat finds
// out: the call waits no longer than until the next one is due.
#include "gateway/routes.h"

#include "base/clock.h"
#include "errand/v1/job_service.pb-c.h"
#include "gateway/gateway_internal.h"
#include "gateway/problem.h"
#include "json/codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL_TIMEOUT_MS 15000  // on top of the wait
#define MAX_PAUSE_MS    1000

typedef struct event_stream {
    api_call *call;
    Errand__V1__WatchJobRequest *request;
    Google__Protobuf__Duration wait;
    int64_t revision;  // that the client has; 0: none
    Errand__V1__Job__State state;
    int32_t attempt;
    bool knows_state;  // the client was told state and attempt
    bool ended;
    buf text;  // to be sent
    int64_t pause_ms;
} event_stream;

// ---- events ----

static void append_event(event_stream *s, const char *name, const ProtobufCMessage *data)
{
    buf_append_format(&s->text, "event: %s\nid: %" PRId64 "\ndata: ", name, s->revision);
    status *failure = json_encode(data, &s->text);
    s->text.failed |= failure != NULL;
    status_free(failure);
    buf_append_text(&s->text, "\n\n");
}

// On a thread of the client library; the stream's own thread waits.
static void on_job(void *data, const ProtobufCMessage *reply)
{
    event_stream *s = data;
    const Errand__V1__Job *job = (const Errand__V1__Job *) reply;
    bool same_run = s->knows_state && job->state == s->state && job->attempt == s->attempt;
    bool changed = s->revision == 0 || job->revision != s->revision;
    s->revision = job->revision;
    s->ended = api_is_final(job->state);
    if (!changed) {
        return;
    }
    s->state = job->state;
    s->attempt = job->attempt;
    s->knows_state = true;
    if (same_run && job->state == ERRAND__V1__JOB__STATE__RUNNING && job->progress != NULL) {
        append_event(s, "progress", &job->progress->base);
    } else {
        append_event(s, "state", reply);
    }
}

// ---- the calls ----

// A server with too many waiting calls answers at once; asking again at once would not help it.
static void pause_if_early(event_stream *s, int64_t waited_us)
{
    if (s->text.size > 0 || waited_us >= s->call->gateway->heartbeat_us / 2) {
        s->pause_ms = 0;
        return;
    }
    s->pause_ms = s->pause_ms == 0 ? 50 : s->pause_ms * 2;
    if (s->pause_ms > MAX_PAUSE_MS) {
        s->pause_ms = MAX_PAUSE_MS;
    }
    const struct timespec time = {s->pause_ms / 1000, s->pause_ms % 1000 * 1000000};
    (void) nanosleep(&time, NULL);
}

static status *ask(event_stream *s)
{
    return upstream_run(s->call->gateway->up, &s->call->rpc, on_job, s);
}

static status *ask_for_change(event_stream *s)
{
    int64_t start_us = clock_mono_us(clock_system());
    s->request->revision = s->revision;
    status *failure = ask(s);
    if (failure == NULL) {
        pause_if_early(s, clock_mono_us(clock_system()) - start_us);
    }
    return failure;
}

static void prepare_call(event_stream *s)
{
    int64_t us = s->call->gateway->heartbeat_us;
    google__protobuf__duration__init(&s->wait);
    s->wait.seconds = us / 1000000;
    s->wait.nanos = (int32_t) (us % 1000000) * 1000;
    s->request = (Errand__V1__WatchJobRequest *) s->call->request;
    s->request->wait = &s->wait;
    s->request->revision =
        0;  // the job as it is now: whether there is one, and whether it has ended
    s->call->rpc.request = s->call->request;
    s->call->rpc.timeout_ms = us / 1000 + CALL_TIMEOUT_MS;
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
    while (failure == NULL && send_text(s) && !s->ended) {
        failure = ask_for_change(s);
    }
    // The client comes again where it was, or learns from the next answer why there is no more.
    status_free(failure);
}

static void run(event_stream *s)
{
    exchange *x = s->call->x;
    prepare_call(s);
    status *failure = ask(s);
    if (failure != NULL) {
        (void) problem_take(x, failure);
    } else if (s->ended && s->text.size == 0) {
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

static bool take_place(atomic_size_t *count, size_t most)
{
    if (atomic_fetch_add(count, 1) < most) {
        return true;
    }
    atomic_fetch_sub(count, 1);
    return false;
}

static bool admit(gateway *g)
{
    if (!take_place(&g->streams, g->max_streams)) {
        return false;
    }
    if (take_place(&g->waiting, g->max_waiting)) {
        return true;
    }
    atomic_fetch_sub(&g->streams, 1);
    return false;
}

bool api_events_prepare(api_call *call)
{
    gateway *g = call->gateway;
    event_stream s = {.call = call};
    if (!read_position(call, &s.revision)) {
        return false;
    }
    if (!admit(g)) {
        return problem_refuse(call->x, 503, "too many event streams; try again");
    }
    run(&s);
    atomic_fetch_sub(&g->waiting, 1);
    atomic_fetch_sub(&g->streams, 1);
    return false;
}
