// follow - the changes of a job, one after another: Watch, asked again and again.
#include "gateway/follow.h"

#include "base/clock.h"
#include "gateway/gateway_internal.h"

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

// ---- calls ----

static void take_job(void *data, const ProtobufCMessage *reply)
{
    follower *f = data;
    const Errand__V1__Job *job = (const Errand__V1__Job *) reply;
    f->changed = f->revision == 0 || job->revision != f->revision;
    f->revision = job->revision;
    f->ended = api_is_final(job->state);
    if (f->changed) {
        f->on_change(f->data, job);
    }
}

static status *ask(follower *f, int64_t revision)
{
    api_call *call = f->call;
    google__protobuf__duration__init(&f->wait);
    f->wait.seconds = f->beat_us / 1000000;
    f->wait.nanos = (int32_t) (f->beat_us % 1000000) * 1000;
    f->request->revision = revision;
    f->request->wait = &f->wait;
    f->changed = false;
    call->rpc.request = call->request;
    call->rpc.timeout_ms = f->beat_us / 1000 + API_TIMEOUT_MS;
    status *late = api_fit_deadline(call);
    if (late != NULL) {
        return late;
    }
    return upstream_run(call->gateway->up, &call->rpc, take_job, f);
}

status *follow_first(follower *f)
{
    f->request = (Errand__V1__WatchJobRequest *) f->call->request;
    return ask(f, 0);
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
    status *failure = ask(f, f->revision);
    if (failure == NULL) {
        pause_if_early(f, clock_mono_us(clock_system()) - start_us);
    }
    return failure;
}
