// follow - what happens to a job or in a queue, one change after another: Watch, asked again and
// again.
#include "gateway/follow.h"

#include "base/clock.h"
#include "gateway/attend.h"
#include "gateway/gateway_internal.h"

#include <stdio.h>
#include <time.h>

#define MAX_PAUSE_MS 1000

// ---- places ----

static bool take_place(atomic_size_t *count, size_t most)
{
    if (atomic_fetch_add(count, 1) < most) {
        return true;
    }
    atomic_fetch_sub(count, 1);
    return false;
}

bool follow_admit(gateway *g)
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

void follow_leave(gateway *g)
{
    atomic_fetch_sub(&g->waiting, 1);
    atomic_fetch_sub(&g->streams, 1);
}

// ---- of a job ----

static Errand__V1__WatchJobRequest *job_request(const follower *f)
{
    return (Errand__V1__WatchJobRequest *) f->call->request;
}

static void take_job(void *data, const ProtobufCMessage *reply)
{
    follower *f = data;
    const Errand__V1__Job *job = (const Errand__V1__Job *) reply;
    f->changed = f->revision == 0 || job->revision != f->revision;
    f->revision = job->revision;
    f->ended = api_is_final(job->state);
    if (f->changed) {
        f->on_change(f->data, reply);
    }
}

static void prepare_job(follower *f, bool first)
{
    bool begins = first && f->revision >= 0;  // the server says what is wrong with others
    job_request(f)->revision = begins ? 0 : f->revision;
    job_request(f)->wait = first ? NULL : &f->wait;
}

// ---- of a queue ----

static Errand__V1__WatchQueueRequest *queue_request(const follower *f)
{
    return (Errand__V1__WatchQueueRequest *) f->call->request;
}

static void take_events(void *data, const ProtobufCMessage *reply)
{
    follower *f = data;
    const Errand__V1__WatchQueueResponse *news = (const Errand__V1__WatchQueueResponse *) reply;
    (void) snprintf(f->cursor, sizeof f->cursor, "%s", news->cursor);
    f->changed = news->n_events > 0;
    if (f->changed) {
        f->on_change(f->data, reply);
    }
}

// The first time the cursor is the client's.
static void prepare_queue(follower *f, bool first)
{
    queue_request(f)->wait = first ? NULL : &f->wait;
    if (!first) {
        queue_request(f)->cursor = f->cursor;
    }
}

// ---- calls ----

static status *ask(follower *f, bool first)
{
    api_call *call = f->call;
    bool of_queue = call->request->descriptor == &errand__v1__watch_queue_request__descriptor;
    google__protobuf__duration__init(&f->wait);
    f->wait.seconds = f->beat_us / 1000000;
    f->wait.nanos = (int32_t) (f->beat_us % 1000000) * 1000;
    if (of_queue) {
        prepare_queue(f, first);
    } else {
        prepare_job(f, first);
    }
    f->changed = false;
    call->rpc.request = call->request;
    call->rpc.timeout_ms = f->beat_us / 1000 + API_TIMEOUT_MS;
    status *late = api_fit_deadline(call);
    if (late != NULL) {
        return late;
    }
    upstream_reply_fn *take = of_queue ? take_events : take_job;
    return first ? upstream_run(call->gateway->up, &call->rpc, take, f) : attend_run(call, take, f);
}

status *follow_first(follower *f)
{
    return ask(f, true);
}

// A server with too many waiting calls answers at once; asking again at once would not help it.
static void pause_if_early(follower *f, int64_t waited_us)
{
    if (f->changed || waited_us >= f->beat_us / 2) {
        f->pause_ms = 0;
        return;
    }
    f->pause_ms = f->pause_ms == 0 ? 50 : f->pause_ms * 2;
    if (f->pause_ms > MAX_PAUSE_MS) {
        f->pause_ms = MAX_PAUSE_MS;
    }
    const struct timespec time = {f->pause_ms / 1000, f->pause_ms % 1000 * 1000000};
    (void) nanosleep(&time, NULL);
}

status *follow_next(follower *f)
{
    int64_t start_us = clock_mono_us(clock_system());
    int64_t deadline_us = f->call->deadline_us;
    if (deadline_us != 0 && deadline_us - start_us < f->beat_us) {
        f->beat_us = deadline_us - start_us;
    }
    status *failure = ask(f, false);
    if (failure == NULL) {
        pause_if_early(f, clock_mono_us(clock_system()) - start_us);
    }
    return failure;
}
