// client - liberrand before a scripted server: what it sends, and how it tells failures.
#include "unit/unit_test.h"

#include "errand.h"

#include "base/status.h"
#include "rpc/server.h"

#include <pthread.h>
#include <stdlib.h>

#define JOB_ID "00000000-0000-7000-8000-000000000001"

typedef struct scene {
    ProtobufCService service;  // first: invoke gets its address
    rpc_server *server;
    char *url;
    errand_client *client;

    pthread_mutex_t lock;  // of what follows
    char authorization[64];
    char request_id[64];
    char traceparent[64];
    int64_t wait_s;  // of the last call that waits; -1: none
    int unfinished;  // answers of GetResult before the final one
    int calls;
} scene;

static status *authorize(void *data, const char *method, const char *authorization, rpc_caller *ret)
{
    (void) method;
    scene *s = data;
    pthread_mutex_lock(&s->lock);
    snprintf(s->authorization, sizeof s->authorization, "%s",
             authorization == NULL ? "(none)" : authorization);
    pthread_mutex_unlock(&s->lock);
    *ret = (rpc_caller){.name = ""};
    return NULL;
}

static void note(scene *s, const rpc_call *call, const Google__Protobuf__Duration *wait)
{
    const char *request_id = rpc_call_request_id(call);
    const char *traceparent = rpc_call_metadata(call, "traceparent");
    pthread_mutex_lock(&s->lock);
    snprintf(s->request_id, sizeof s->request_id, "%s", request_id == NULL ? "" : request_id);
    snprintf(s->traceparent, sizeof s->traceparent, "%s", traceparent == NULL ? "" : traceparent);
    s->wait_s = wait == NULL ? -1 : wait->seconds;
    s->calls++;
    pthread_mutex_unlock(&s->lock);
}

static void submit(scene *s, const Errand__V1__SubmitRequest *request, rpc_call *call)
{
    note(s, call, request->wait);
    if (strcmp(request->job->queue, "full") == 0) {
        status *failure = status_new(STATUS_RESOURCE_EXHAUSTED, "the queue is full");
        failure->retry_delay_ms = 1500;
        status_add_violation(failure, "job.queue", "found full");
        status_add_violation(failure, "job.kind", "found none");
        rpc_call_fail(call, failure);
        return;
    }
    rpc_call_answer(call, &request->job->base);
}

static void get_result(scene *s, const Errand__V1__GetResultRequest *request, rpc_call *call)
{
    note(s, call, request->wait);
    Errand__V1__GetResultResponse reply = ERRAND__V1__GET_RESULT_RESPONSE__INIT;
    reply.id = request->id;
    pthread_mutex_lock(&s->lock);
    reply.state =
        s->unfinished-- > 0 ? ERRAND__V1__JOB__STATE__RUNNING : ERRAND__V1__JOB__STATE__SUCCEEDED;
    pthread_mutex_unlock(&s->lock);
    rpc_call_answer(call, &reply.base);
}

static void get(scene *s, const Errand__V1__GetJobRequest *request, rpc_call *call)
{
    note(s, call, NULL);
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.id = request->id;
    job.priority = (int32_t) request->view;
    rpc_call_answer(call, &job.base);
}

static void invoke(ProtobufCService *service, unsigned index, const ProtobufCMessage *input,
                   ProtobufCClosure closure, void *closure_data)
{
    scene *s = (scene *) (void *) service;
    rpc_call *call = rpc_call_of(closure_data);
    const char *name = service->descriptor->methods[index].name;
    if (strcmp(name, "Submit") == 0) {
        submit(s, (const Errand__V1__SubmitRequest *) input, call);
    } else if (strcmp(name, "GetResult") == 0) {
        get_result(s, (const Errand__V1__GetResultRequest *) input, call);
    } else if (strcmp(name, "Get") == 0) {
        get(s, (const Errand__V1__GetJobRequest *) input, call);
    } else {
        closure(NULL, closure_data);
    }
}

static scene *scene_new(const char *token)
{
    scene *s = calloc(1, sizeof *s);
    s->service.descriptor = &errand__v1__job_service__descriptor;
    s->service.invoke = invoke;
    pthread_mutex_init(&s->lock, NULL);
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.authorize = authorize;
    options.authorize_data = s;
    assert_null(rpc_server_new(&options, &s->server));
    rpc_server_add(s->server, &s->service);
    assert_null(rpc_server_listen(s->server, "tcp://127.0.0.1:0", &s->url));
    errand_client_options client = {.url = s->url, .token = token};
    assert_null(errand_client_open(&client, &s->client));
    return s;
}

static void scene_free(scene *s)
{
    errand_client_close(s->client);
    rpc_server_stop(s->server, 1000);
    rpc_server_free(s->server);
    pthread_mutex_destroy(&s->lock);
    free(s->url);
    free(s);
}

static Errand__V1__Job job_of_queue(const char *queue)
{
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.queue = (char *) (uintptr_t) queue;
    return job;
}

static void a_submitted_job_comes_back(void **state)
{
    (void) state;
    scene *s = scene_new(NULL);
    Errand__V1__Job job = job_of_queue("q");
    Errand__V1__Job *stored = NULL;
    assert_null(errand_submit(s->client, &job, 0, NULL, &stored));
    assert_string_equal(stored->queue, "q");
    assert_int_equal(s->wait_s, -1);
    assert_int_equal(strlen(s->request_id), 36);
    assert_string_equal(s->authorization, "(none)");
    errand__v1__job__free_unpacked(stored, NULL);
    scene_free(s);
}

static void a_wait_is_told_to_the_server_a_minute_at_most(void **state)
{
    (void) state;
    scene *s = scene_new(NULL);
    Errand__V1__Job job = job_of_queue("q");
    Errand__V1__Job *stored = NULL;
    assert_null(errand_submit(s->client, &job, 5000, NULL, &stored));
    assert_int_equal(s->wait_s, 5);
    errand__v1__job__free_unpacked(stored, NULL);
    assert_null(errand_submit(s->client, &job, 500000, NULL, &stored));
    assert_int_equal(s->wait_s, 60);
    errand__v1__job__free_unpacked(stored, NULL);
    scene_free(s);
}

static void a_failure_tells_code_message_delay_and_fields(void **state)
{
    (void) state;
    scene *s = scene_new(NULL);
    Errand__V1__Job job = job_of_queue("full");
    Errand__V1__Job *stored = NULL;
    errand_error *error = errand_submit(s->client, &job, 0, NULL, &stored);
    assert_non_null(error);
    assert_int_equal(error->code, ERRAND__RPC__V1__CODE__RESOURCE_EXHAUSTED);
    assert_string_equal(error->message, "the queue is full");
    assert_int_equal(error->retry_delay_ms, 1500);
    assert_int_equal(error->violation_count, 2);
    assert_string_equal(error->fields[0], "job.queue");
    assert_string_equal(error->descriptions[0], "found full");
    assert_string_equal(error->fields[1], "job.kind");
    assert_null(stored);
    errand_error_free(error);
    scene_free(s);
}

static void the_options_of_a_call_reach_the_server(void **state)
{
    (void) state;
    scene *s = scene_new("secret");
    Errand__V1__Job job = job_of_queue("q");
    Errand__V1__Job *stored = NULL;
    errand_call_options options = {.request_id = "mine", .traceparent = "00-ab"};
    assert_null(errand_submit(s->client, &job, 0, &options, &stored));
    assert_string_equal(s->request_id, "mine");
    assert_string_equal(s->traceparent, "00-ab");
    assert_string_equal(s->authorization, "Bearer secret");
    errand__v1__job__free_unpacked(stored, NULL);
    scene_free(s);
}

static void a_call_may_use_another_token_or_none(void **state)
{
    (void) state;
    scene *s = scene_new("secret");
    Errand__V1__Job job = job_of_queue("q");
    Errand__V1__Job *stored = NULL;
    errand_call_options options = {.token = "other"};
    assert_null(errand_submit(s->client, &job, 0, &options, &stored));
    assert_string_equal(s->authorization, "Bearer other");
    errand__v1__job__free_unpacked(stored, NULL);
    options.token = "";
    assert_null(errand_submit(s->client, &job, 0, &options, &stored));
    assert_string_equal(s->authorization, "(none)");
    errand__v1__job__free_unpacked(stored, NULL);
    scene_free(s);
}

static void a_job_is_got_by_its_id(void **state)
{
    (void) state;
    scene *s = scene_new(NULL);
    Errand__V1__Job *job = NULL;
    assert_null(errand_get(s->client, JOB_ID, ERRAND__V1__JOB_VIEW__FULL, &job));
    assert_string_equal(job->id, JOB_ID);
    assert_int_equal(job->priority, ERRAND__V1__JOB_VIEW__FULL);
    errand__v1__job__free_unpacked(job, NULL);
    scene_free(s);
}

static void a_result_is_asked_for_until_the_job_has_ended(void **state)
{
    (void) state;
    scene *s = scene_new(NULL);
    s->unfinished = 2;
    Errand__V1__GetResultResponse *result = NULL;
    assert_null(errand_result(s->client, JOB_ID, 30000, &result));
    assert_int_equal(result->state, ERRAND__V1__JOB__STATE__SUCCEEDED);
    assert_int_equal(s->calls, 3);
    errand__v1__get_result_response__free_unpacked(result, NULL);
    scene_free(s);
}

static void without_a_wait_the_state_so_far_is_the_answer(void **state)
{
    (void) state;
    scene *s = scene_new(NULL);
    s->unfinished = 1;
    Errand__V1__GetResultResponse *result = NULL;
    assert_null(errand_result(s->client, JOB_ID, 0, &result));
    assert_int_equal(result->state, ERRAND__V1__JOB__STATE__RUNNING);
    assert_int_equal(s->wait_s, -1);
    assert_int_equal(s->calls, 1);
    errand__v1__get_result_response__free_unpacked(result, NULL);
    scene_free(s);
}

typedef struct done {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int runs;
    int code;
    char id[64];
} done;

static void on_done(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    done *d = data;
    pthread_mutex_lock(&d->lock);
    d->runs++;
    d->code = error == NULL ? 0 : error->code;
    if (reply != NULL) {
        snprintf(d->id, sizeof d->id, "%s", ((const Errand__V1__Job *) reply)->id);
    }
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void start_get(errand_client *client, done *d)
{
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) JOB_ID;
    errand_start(client, &errand__v1__job_service__descriptor, "Get", &request.base, NULL, on_done,
                 d);
}

static void a_started_call_is_done_once(void **state)
{
    (void) state;
    scene *s = scene_new(NULL);
    done d = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    start_get(s->client, &d);
    pthread_mutex_lock(&d.lock);
    while (d.runs == 0) {
        pthread_cond_wait(&d.changed, &d.lock);
    }
    pthread_mutex_unlock(&d.lock);
    assert_int_equal(d.code, 0);
    assert_string_equal(d.id, JOB_ID);
    scene_free(s);
    assert_int_equal(d.runs, 1);
}

static void closing_fails_what_is_under_way(void **state)
{
    (void) state;
    errand_client_options options = {.url = "inproc://nobody-is-there"};
    errand_client *client = NULL;
    assert_null(errand_client_open(&options, &client));
    done d = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    start_get(client, &d);
    errand_client_close(client);
    assert_int_equal(d.runs, 1);
    assert_int_equal(d.code, ERRAND__RPC__V1__CODE__CANCELLED);
}

static void a_server_that_is_not_there_is_unavailable(void **state)
{
    (void) state;
    errand_client_options options = {.url = "inproc://nobody-is-there", .timeout_ms = 50};
    errand_client *client = NULL;
    assert_null(errand_client_open(&options, &client));
    Errand__V1__Job *job = NULL;
    errand_error *error = errand_get(client, JOB_ID, ERRAND__V1__JOB_VIEW__BASIC, &job);
    assert_non_null(error);
    assert_int_equal(error->code, ERRAND__RPC__V1__CODE__UNAVAILABLE);
    assert_non_null(strstr(error->message, "inproc://nobody-is-there"));
    assert_int_equal(error->retry_delay_ms, -1);
    errand_error_free(error);
    errand_client_close(client);
}

static void a_url_that_is_none_is_told_at_once(void **state)
{
    (void) state;
    errand_client_options options = {.url = "nonsense"};
    errand_client *client = NULL;
    errand_error *error = errand_client_open(&options, &client);
    assert_non_null(error);
    assert_non_null(strstr(error->message, "nonsense"));
    assert_null(client);
    errand_error_free(error);
    errand_error_free(NULL);
    errand_client_close(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_submitted_job_comes_back),
    cmocka_unit_test(a_wait_is_told_to_the_server_a_minute_at_most),
    cmocka_unit_test(a_failure_tells_code_message_delay_and_fields),
    cmocka_unit_test(the_options_of_a_call_reach_the_server),
    cmocka_unit_test(a_call_may_use_another_token_or_none),
    cmocka_unit_test(a_job_is_got_by_its_id),
    cmocka_unit_test(a_result_is_asked_for_until_the_job_has_ended),
    cmocka_unit_test(without_a_wait_the_state_so_far_is_the_answer),
    cmocka_unit_test(a_started_call_is_done_once),
    cmocka_unit_test(closing_fails_what_is_under_way),
    cmocka_unit_test(a_server_that_is_not_there_is_unavailable),
    cmocka_unit_test(a_url_that_is_none_is_told_at_once),
};

UNIT_TEST_MAIN(tests)
