// client jobs - liberrand's typed calls and watches, before a scripted JobService.
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

static void answer_job(rpc_call *call, const char *id, int64_t revision, bool final)
{
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.id = (char *) (uintptr_t) id;
    job.revision = revision;
    job.state = final ? ERRAND__V1__JOB__STATE__SUCCEEDED : ERRAND__V1__JOB__STATE__RUNNING;
    rpc_call_answer(call, &job.base);
}

static void on_gone(void *data, uint64_t ticket)
{
    (void) data;
    (void) ticket;
}

static void watch_call(scene *s, const Errand__V1__WatchJobRequest *request, rpc_call *call)
{
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

static void batch_call(const Errand__V1__BatchSubmitRequest *request, rpc_call *call)
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

static void list_call(scene *s, const Errand__V1__ListJobsRequest *request, rpc_call *call)
{
    Errand__V1__ListJobsResponse reply = ERRAND__V1__LIST_JOBS_RESPONSE__INIT;
    snprintf(s->last_queue, sizeof s->last_queue, "%s", request->queue);
    reply.next_page_token = (char *) (uintptr_t) "more";
    rpc_call_answer(call, &reply.base);
}

// Cancel, Retry and Delete differ in nothing but their names.
static void change_call(scene *s, const Errand__V1__CancelJobRequest *request, rpc_call *call)
{
    snprintf(s->last_id, sizeof s->last_id, "%s", request->id);
    answer_job(call, request->id, 9, true);
}

static void invoke(ProtobufCService *service, unsigned index, const ProtobufCMessage *input,
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

static scene *scene_new(void)
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

static void play(scene *s, const int64_t *script, size_t length)
{
    memcpy(s->script, script, length * sizeof *script);
    s->length = length;
}

#define PLAY(s, ...)                                                                               \
    play(s, (const int64_t[]){__VA_ARGS__}, sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t))

static void answer_parked(scene *s)
{
    pthread_mutex_lock(&s->lock);
    rpc_call *call = s->parked;
    s->parked = NULL;
    pthread_mutex_unlock(&s->lock);
    if (call != NULL) {
        answer_job(call, JOB_ID, 4, true);
    }
}

static void scene_free(scene *s)
{
    errand_client_close(s->client);
    answer_parked(s);
    rpc_server_stop(s->server, 1000);
    rpc_server_free(s->server);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool is_parked(const scene *s)
{
    return s->parked != NULL;
}

static bool was_told_of_an_error(const scene *s)
{
    return s->told_code != 0;
}

static bool was_told_three_times(const scene *s)
{
    return s->told_count == 3;
}

static bool was_told(const scene *s)
{
    return s->told_count > 0;
}

static void wait_for(scene *s, bool (*there)(const scene *s))
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

// ---- watches ----

static int64_t next_revision(errand_watch *watch)
{
    Errand__V1__Job *job = NULL;
    assert_null(errand_watch_next(watch, (int64_t) PATIENCE * 1000, &job));
    if (job == NULL) {
        return 0;
    }
    int64_t revision = job->revision;
    errand__v1__job__free_unpacked(job, NULL);
    return revision;
}

static void a_watch_gives_each_change_once_up_to_the_last(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    PLAY(s, 3, 4, UNCHANGED, 7);
    assert_null(errand_watch_open(s->client, JOB_ID, &watch));
    assert_int_equal(next_revision(watch), 3);
    assert_int_equal(next_revision(watch), 4);
    assert_int_equal(next_revision(watch), 7);
    assert_int_equal(next_revision(watch), 0);
    assert_int_equal(next_revision(watch), 0);
    const int64_t expected[] = {0, 3, 4, 4};
    assert_memory_equal(s->asked, expected, sizeof expected);
    errand_watch_close(watch);
    scene_free(s);
}

static void waiting_for_a_change_may_be_given_up_and_taken_up_again(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    Errand__V1__Job *job = NULL;
    PLAY(s, 3, FOR_GOOD);
    assert_null(errand_watch_open(s->client, JOB_ID, &watch));
    assert_int_equal(next_revision(watch), 3);
    errand_error *error = errand_watch_next(watch, 10, &job);
    assert_int_equal(error->code, STATUS_DEADLINE_EXCEEDED);
    errand_error_free(error);
    wait_for(s, is_parked);
    answer_parked(s);
    assert_int_equal(next_revision(watch), 4);
    assert_int_equal(s->calls, 2);  // the call that waited was not made twice
    errand_watch_close(watch);
    scene_free(s);
}

static void a_watch_of_nothing_fails(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    Errand__V1__Job *job = NULL;
    assert_null(errand_watch_open(s->client, JOB_ID, &watch));
    errand_error *error = errand_watch_next(watch, -1, &job);
    assert_int_equal(error->code, STATUS_NOT_FOUND);
    errand_error_free(error);
    errand_watch_close(watch);
    scene_free(s);
}

static void take_note(void *data, const Errand__V1__Job *job, const errand_error *error)
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

static void changes_are_told_without_a_thread_of_the_callers(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, 5, 9);
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, was_told_three_times);
    errand_watch_close(s->watch);
    const int64_t expected[] = {3, 5, 9};
    assert_memory_equal(s->told, expected, sizeof expected);
    assert_int_equal(s->told_code, 0);
    scene_free(s);
}

static void a_failure_is_told_and_is_the_end(void **state)
{
    (void) state;
    scene *s = scene_new();
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, was_told_of_an_error);
    assert_int_equal(s->told_code, STATUS_NOT_FOUND);
    errand_watch_close(s->watch);
    scene_free(s);
}

static void a_watch_is_closed_while_its_call_waits(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, FOR_GOOD);
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, is_parked);
    errand_watch_close(s->watch);
    answer_parked(s);
    scene_free(s);  // nobody is told any more
}

static void close_at_once(void *data, const Errand__V1__Job *job, const errand_error *error)
{
    scene *s = data;
    errand_watch_close(NULL);
    errand_watch_close(s->watch);
    take_note(data, job, error);
}

static void a_watch_may_be_closed_by_what_it_calls(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, 4, 5);
    assert_null(errand_watch_start(s->client, JOB_ID, close_at_once, s, &s->watch));
    wait_for(s, was_told);
    scene_free(s);
}

static void the_end_of_the_client_is_told(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, FOR_GOOD);
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, is_parked);
    errand_client_close(s->client);
    s->client = NULL;
    wait_for(s, was_told_of_an_error);
    errand_watch_close(s->watch);
    scene_free(s);
}

// ---- typed calls ----

static void a_job_is_submitted_without_waiting(void **state)
{
    (void) state;
    scene *s = scene_new();
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.revision = 42;
    errand_submit_start(s->client, &job, NULL, take_note, s);
    wait_for(s, was_told);
    assert_int_equal(s->told[0], 42);
    scene_free(s);
}

static void a_batch_keeps_its_order(void **state)
{
    (void) state;
    scene *s = scene_new();
    Errand__V1__Job first = ERRAND__V1__JOB__INIT, second = ERRAND__V1__JOB__INIT;
    const Errand__V1__Job *jobs[] = {&first, &second};
    Errand__V1__BatchSubmitResponse *reply = NULL;
    first.priority = 1;
    second.priority = 2;
    assert_null(errand_submit_batch(s->client, jobs, 2, NULL, &reply));
    assert_int_equal(reply->n_results, 2);
    assert_int_equal(reply->results[0]->job->priority, 1);
    assert_int_equal(reply->results[1]->job->priority, 2);
    errand__v1__batch_submit_response__free_unpacked(reply, NULL);
    scene_free(s);
}

static void a_list_is_of_all_or_of_what_is_asked_for(void **state)
{
    (void) state;
    scene *s = scene_new();
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *reply = NULL;
    request.queue = (char *) (uintptr_t) "mail";
    assert_null(errand_list(s->client, &request, &reply));
    assert_string_equal(s->last_queue, "mail");
    assert_string_equal(reply->next_page_token, "more");
    errand__v1__list_jobs_response__free_unpacked(reply, NULL);
    assert_null(errand_list(s->client, NULL, &reply));
    assert_string_equal(s->last_queue, "");
    errand__v1__list_jobs_response__free_unpacked(reply, NULL);
    scene_free(s);
}

static void a_job_is_changed_by_its_id(void **state)
{
    (void) state;
    static const struct {
        errand_error *(*change)(errand_client *client, const char *id, Errand__V1__Job **ret);
        const char *method;
    } changes[] = {{errand_cancel, "Cancel"}, {errand_retry, "Retry"}, {errand_delete, "Delete"}};
    scene *s = scene_new();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        Errand__V1__Job *job = NULL;
        s->last_id[0] = '\0';
        assert_null(changes[i].change(s->client, JOB_ID, &job));
        assert_string_equal(s->last_method, changes[i].method);
        assert_string_equal(s->last_id, JOB_ID);
        assert_int_equal(job->revision, 9);
        errand__v1__job__free_unpacked(job, NULL);
        assert_null(changes[i].change(s->client, JOB_ID, NULL));
    }
    scene_free(s);
}

static void values_are_read_from_json(void **state)
{
    (void) state;
    Google__Protobuf__Value *value = NULL;
    char *text = NULL;
    assert_null(errand_value_from_json("{\"width\": [400, null, \"a\\u00e9\"]}", &value));
    assert_null(errand_to_json(&value->base, &text));
    assert_string_equal(text, "{\"width\":[400,null,\"a\xc3\xa9\"]}");
    free(text);
    google__protobuf__value__free_unpacked(value, NULL);
    errand_error *error = errand_value_from_json("{", &value);
    assert_int_equal(error->code, STATUS_INVALID_ARGUMENT);
    errand_error_free(error);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_watch_gives_each_change_once_up_to_the_last),
    cmocka_unit_test(waiting_for_a_change_may_be_given_up_and_taken_up_again),
    cmocka_unit_test(a_watch_of_nothing_fails),
    cmocka_unit_test(changes_are_told_without_a_thread_of_the_callers),
    cmocka_unit_test(a_failure_is_told_and_is_the_end),
    cmocka_unit_test(a_watch_is_closed_while_its_call_waits),
    cmocka_unit_test(a_watch_may_be_closed_by_what_it_calls),
    cmocka_unit_test(the_end_of_the_client_is_told),
    cmocka_unit_test(a_job_is_submitted_without_waiting),
    cmocka_unit_test(a_batch_keeps_its_order),
    cmocka_unit_test(a_list_is_of_all_or_of_what_is_asked_for),
    cmocka_unit_test(a_job_is_changed_by_its_id),
    cmocka_unit_test(values_are_read_from_json),
};

UNIT_TEST_MAIN(tests)
