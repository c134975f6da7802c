// client_scene - a client of liberrand before a scripted JobService.
#ifndef ERRAND_TESTS_UNIT_CLIENT_SCENE_H
#define ERRAND_TESTS_UNIT_CLIENT_SCENE_H

#include "unit/unit_test.h"

#include "errand.h"

#include "base/arena.h"
#include "base/status.h"
#include "rpc/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define JOB_ID    "00000000-0000-7000-8000-000000000001"
#define PATIENCE  20  // seconds
#define FOR_GOOD  -1  // Watch never answers
#define UNCHANGED 0   // Watch answers with the job as it was

// What the scripted job goes through: revisions, one for each Watch; the last one is final.
typedef struct scene {
    ProtobufCService service;  // first: invoke gets its address
    rpc_server *server;
    errand_client *client;

    pthread_mutex_t lock;  // of what follows
    pthread_cond_t changed;
    int64_t script[8];
    size_t length, calls;
    int64_t asked[8];  // revisions that Watch was asked with
    rpc_call *parked;
    char last_method[32], last_id[64], last_queue[32];
    int64_t told[8];  // revisions, in the order in which `changed` told them
    size_t told_count;
    int told_code;
    errand_watch *watch;
} scene;

static inline void answer_job(rpc_call *call, const char *id, int64_t revision, bool final)
{
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.id = (char *) (uintptr_t) id;
    job.revision = revision;
    job.state = final ? ERRAND__V1__JOB__STATE__SUCCEEDED : ERRAND__V1__JOB__STATE__RUNNING;
    rpc_call_answer(call, &job.base);
}

static inline void on_gone(void *data, uint64_t ticket, rpc_gone_reason reason)
{
    (void) data;
    (void) reason;
    (void) ticket;
}

static inline void watch_call(scene *s, const Errand__V1__WatchJobRequest *request, rpc_call *call)
{
    if (*request->id == '\0') {
        rpc_call_fail(call, status_bad_field("id", "expected a UUID"));
        return;
    }
    if (s->calls == s->length) {
        rpc_call_fail(call, status_new(STATUS_NOT_FOUND, "no such job"));
        return;
    }
    s->asked[s->calls] = request->revision;
    int64_t revision = s->script[s->calls++];
    if (revision == FOR_GOOD) {
        s->parked = rpc_call_park(call, on_gone, s, 0) ? call : NULL;
    } else if (revision == UNCHANGED) {
        answer_job(call, request->id, request->revision, false);
    } else {
        answer_job(call, request->id, revision, s->calls == s->length);
    }
}

static inline void batch_call(const Errand__V1__BatchSubmitRequest *request, rpc_call *call)
{
    Errand__V1__BatchSubmitResponse reply = ERRAND__V1__BATCH_SUBMIT_RESPONSE__INIT;
    arena *memory = rpc_call_arena(call);
    reply.results = arena_alloc(memory, request->n_jobs * sizeof *reply.results);
    for (size_t i = 0; i < request->n_jobs; i++) {
        Errand__V1__BatchSubmitResponse__Result *one = arena_alloc(memory, sizeof *one);
        errand__v1__batch_submit_response__result__init(one);
        one->outcome_case = ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_JOB;
        one->job = request->jobs[i];
        reply.results[reply.n_results++] = one;
    }
    rpc_call_answer(call, &reply.base);
}

static inline void list_call(scene *s, const Errand__V1__ListJobsRequest *request, rpc_call *call)
{
    Errand__V1__ListJobsResponse reply = ERRAND__V1__LIST_JOBS_RESPONSE__INIT;
    snprintf(s->last_queue, sizeof s->last_queue, "%s", request->queue);
    reply.next_page_token = (char *) (uintptr_t) "more";
    rpc_call_answer(call, &reply.base);
}

// Cancel, Retry and Delete differ in nothing but their names.
static inline void change_call(scene *s, const Errand__V1__CancelJobRequest *request,
                               rpc_call *call)
{
    snprintf(s->last_id, sizeof s->last_id, "%s", request->id);
    answer_job(call, request->id, 9, true);
}

static inline void invoke(ProtobufCService *service, unsigned index, const ProtobufCMessage *input,
                          ProtobufCClosure closure, void *closure_data)
{
    scene *s = (scene *) (void *) service;
    rpc_call *call = rpc_call_of(closure_data);
    const char *name = service->descriptor->methods[index].name;
    pthread_mutex_lock(&s->lock);
    snprintf(s->last_method, sizeof s->last_method, "%s", name);
    if (strcmp(name, "Watch") == 0) {
        watch_call(s, (const Errand__V1__WatchJobRequest *) input, call);
    } else if (strcmp(name, "BatchSubmit") == 0) {
        batch_call((const Errand__V1__BatchSubmitRequest *) input, call);
    } else if (strcmp(name, "Submit") == 0) {
        rpc_call_answer(call, &((const Errand__V1__SubmitRequest *) input)->job->base);
    } else if (strcmp(name, "List") == 0) {
        list_call(s, (const Errand__V1__ListJobsRequest *) input, call);
    } else if (strcmp(name, "Cancel") == 0 || strcmp(name, "Retry") == 0 ||
               strcmp(name, "Delete") == 0) {
        change_call(s, (const Errand__V1__CancelJobRequest *) (const void *) input, call);
    } else {
        closure(NULL, closure_data);
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static inline scene *scene_new(void)
{
    scene *s = calloc(1, sizeof *s);
    char *url = NULL;
    s->service.descriptor = &errand__v1__job_service__descriptor;
    s->service.invoke = invoke;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    rpc_server_options options;
    rpc_server_options_init(&options);
    assert_null(rpc_server_new(&options, &s->server));
    rpc_server_add(s->server, &s->service);
    assert_null(rpc_server_listen(s->server, "tcp://127.0.0.1:0", &url));
    errand_client_options client = {.url = url};
    assert_null(errand_client_open(&client, &s->client));
    free(url);
    return s;
}

static inline void play(scene *s, const int64_t *script, size_t length)
{
    memcpy(s->script, script, length * sizeof *script);
    s->length = length;
}

#define PLAY(s, ...)                                                                               \
    play(s, (const int64_t[]){__VA_ARGS__}, sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t))

static inline void answer_parked(scene *s)
{
    pthread_mutex_lock(&s->lock);
    rpc_call *call = s->parked;
    s->parked = NULL;
    pthread_mutex_unlock(&s->lock);
    if (call != NULL) {
        answer_job(call, JOB_ID, 4, true);
    }
}

static inline void scene_free(scene *s)
{
    errand_client_close(s->client);
    answer_parked(s);
    rpc_server_stop(s->server, 1000);
    rpc_server_free(s->server);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static inline bool was_told(const scene *s)
{
    return s->told_count > 0;
}

static inline void wait_for(scene *s, bool (*there)(const scene *s))
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE;
    int failed = 0;
    pthread_mutex_lock(&s->lock);
    while (!there(s) && failed == 0) {
        failed = pthread_cond_timedwait(&s->changed, &s->lock, &end);
    }
    bool found = there(s);
    pthread_mutex_unlock(&s->lock);
    assert_true(found);
}

static inline void take_note(void *data, const Errand__V1__Job *job, const errand_error *error)
{
    scene *s = data;
    pthread_mutex_lock(&s->lock);
    if (error != NULL) {
        s->told_code = error->code;
    } else {
        s->told[s->told_count++] = job->revision;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

#endif
