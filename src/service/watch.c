// watch - Watch: the first change of a job after a revision.
#include "service/internal.h"

typedef struct watch_state {
    engine_wait wait;
    service *service;
    rpc_call *call;
} watch_state;

static void answer_now(reader_pool *readers, rpc_call *call, const uuid *id)
{
    Errand__V1__Job *job = NULL;
    status *failure = view_read(readers, id, false, rpc_call_arena(call), &job);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else {
        rpc_call_answer(call, &job->base);
    }
}

static void watch_done(engine_command *command)
{
    watch_state *w = command->owner;
    if (command->failure != NULL) {
        rpc_call_fail(w->call, wait_why_ended(w->service, command->failure));
    } else {
        answer_now(&w->service->done_readers, w->call, &w->wait.id);
    }
}

// True when somebody will answer later.
static bool wait_for_change(service *s, rpc_call *call, const uuid *id, int64_t revision,
                            int64_t deadline_us)
{
    watch_state *w = arena_zalloc(rpc_call_arena(call), sizeof *w);
    if (w == NULL) {
        return false;
    }
    w->service = s;
    w->call = call;
    w->wait.command = (engine_command){.verb = ENGINE_WAIT, .done = watch_done, .owner = w};
    w->wait.id = *id;
    w->wait.deadline_us = deadline_us;
    w->wait.watch = true;
    w->wait.revision = revision;
    return wait_for(s, call, &w->wait);
}

void watch_call(service *s, const Errand__V1__WatchJobRequest *request, rpc_call *call)
{
    uuid id;
    int64_t deadline_us = 0;
    status *failure = job_find(s, call, request->id, &id);
    if (failure == NULL && request->revision < 0) {
        failure = status_bad_field("revision", "found %lld, expected 0 or more",
                                   (long long) request->revision);
    }
    if (failure == NULL) {
        failure = wait_deadline(request->wait, call, &deadline_us);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else if (deadline_us == 0 || request->revision == 0 ||
               !wait_for_change(s, call, &id, request->revision, deadline_us)) {
        answer_now(&s->readers, call, &id);
    }
}
