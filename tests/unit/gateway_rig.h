// gateway_rig - a gateway before a scripted server.
//
// Submit goes by the job's queue, GetResult by the last digit of the id.
#ifndef ERRAND_TESTS_UNIT_GATEWAY_RIG_H
#define ERRAND_TESTS_UNIT_GATEWAY_RIG_H

#include "unit/unit_test.h"

#include "base/buf.h"
#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"
#include "gateway/gateway.h"
#include "rpc/server.h"

#include <pthread.h>
#include <stdlib.h>

#define RIG_ID      "00000000-0000-7000-8000-00000000000"  // a digit follows
#define RIG_SECONDS 20                                     // longer means broken

typedef struct rig {
    ProtobufCService jobs;
    ProtobufCService info;
    ProtobufCService queues;
    rpc_server *server;
    char *rpc_url;
    gateway *gateway;
    char *url;
    int port;

    pthread_mutex_t lock;  // of what follows
    pthread_cond_t changed;
    const char *health;
    char request_id[300];
    char authorization[64];
    char traceparent[64];
    int64_t wait_s;  // of the last call that may wait; -1: none
    rpc_call *parked[64];
    size_t parked_count;
} rig;

static rig *the_rig;  // invoke functions are given a service only

// What a test file answers itself: the methods that the rig does not know. False: neither does it.
typedef bool rig_other_fn(rpc_call *call, const char *method, const ProtobufCMessage *request);
static rig_other_fn *rig_other;

static inline char *rig_text(const char *text)
{
    return (char *) (uintptr_t) text;
}

static inline void rig_copy(char *to, size_t size, const char *from)
{
    (void) snprintf(to, size, "%s", from != NULL ? from : "(none)");
}

static inline void rig_note(rpc_call *call, const Google__Protobuf__Duration *wait)
{
    rig *r = the_rig;
    pthread_mutex_lock(&r->lock);
    rig_copy(r->request_id, sizeof r->request_id, rpc_call_request_id(call));
    rig_copy(r->authorization, sizeof r->authorization, rpc_call_metadata(call, "authorization"));
    rig_copy(r->traceparent, sizeof r->traceparent, rpc_call_metadata(call, "traceparent"));
    r->wait_s = wait != NULL ? wait->seconds : -1;
    pthread_mutex_unlock(&r->lock);
}

// Queues full, taken and bad are refused; with a wait the job is done. Key dup: it existed already.
static inline void rig_submit(rpc_call *call, const Errand__V1__SubmitRequest *request)
{
    rig_note(call, request->wait);
    const Errand__V1__Job *job = request->job;
    if (strcmp(job->queue, "full") == 0) {
        status *failure = status_new(STATUS_RESOURCE_EXHAUSTED, "the queue is full");
        failure->retry_delay_ms = 1500;
        rpc_call_fail(call, failure);
    } else if (strcmp(job->queue, "taken") == 0) {
        rpc_call_fail(call, status_new(STATUS_ALREADY_EXISTS, "the id is taken"));
    } else if (strcmp(job->queue, "bad") == 0) {
        rpc_call_fail(call, status_bad_field("job.http.url", "expected a URL"));
    } else {
        Errand__V1__Job reply = ERRAND__V1__JOB__INIT;
        reply.id = rig_text(RIG_ID "1");
        reply.queue = job->queue;
        reply.state = request->wait != NULL ? ERRAND__V1__JOB__STATE__SUCCEEDED
                                            : ERRAND__V1__JOB__STATE__READY;
        reply.duplicate = strcmp(job->unique_key, "dup") == 0;
        rpc_call_answer(call, &reply.base);
    }
}

static inline void rig_park(rpc_call *call)
{
    rig *r = the_rig;
    pthread_mutex_lock(&r->lock);
    assert_in_range(r->parked_count, 0, 63);
    r->parked[r->parked_count++] = call;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

// 1: running. 2: an HTML page. 3: failed. 4: a JSON value. 5: never answered. 9: unknown.
static inline void rig_result(rpc_call *call, const Errand__V1__GetResultRequest *request)
{
    rig_note(call, request->wait);
    Errand__V1__GetResultResponse reply = ERRAND__V1__GET_RESULT_RESPONSE__INIT;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    Errand__V1__HttpResult page = ERRAND__V1__HTTP_RESULT__INIT;
    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT;
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    page.body = (ProtobufCBinaryData){4, (uint8_t *) rig_text("<p>\n")};
    page.content_type = rig_text("text/html; charset=utf-8");
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    value.number_value = 1.5;
    error.message = rig_text("it broke");
    reply.id = request->id;
    reply.state = ERRAND__V1__JOB__STATE__SUCCEEDED;
    switch (request->id[35]) {
    case '1':
        reply.state = ERRAND__V1__JOB__STATE__RUNNING;
        break;
    case '2':
        result.output_case = ERRAND__V1__RESULT__OUTPUT_HTTP;
        result.http = &page;
        reply.result = &result;
        break;
    case '3':
        reply.state = ERRAND__V1__JOB__STATE__FAILED;
        reply.error = &error;
        break;
    case '4':
        result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
        result.value = &value;
        reply.result = &result;
        break;
    case '5':
        rig_park(call);
        return;
    default:
        rpc_call_fail(call, status_new(STATUS_NOT_FOUND, "no such job"));
        return;
    }
    rpc_call_answer(call, &reply.base);
}

static inline void rig_wait_parked(rig *r, size_t count)
{
    pthread_mutex_lock(&r->lock);
    while (r->parked_count < count) {
        pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

static inline void rig_list(rpc_call *call, const Errand__V1__ListJobsRequest *request)
{
    char echo[128];
    (void) snprintf(echo, sizeof echo, "%s %d %s %d", request->queue, (int) request->state,
                    request->label, request->page_size);
    Errand__V1__ListJobsResponse reply = ERRAND__V1__LIST_JOBS_RESPONSE__INIT;
    reply.next_page_token = echo;
    rpc_call_answer(call, &reply.base);
}

static inline void rig_get(rpc_call *call, const Errand__V1__GetJobRequest *request)
{
    Errand__V1__Job reply = ERRAND__V1__JOB__INIT;
    rig_note(call, NULL);
    reply.id = request->id;
    reply.attempt = (int32_t) request->view;
    rpc_call_answer(call, &reply.base);
}

static inline void rig_invoke_other(ProtobufCService *service, unsigned index,
                                    const ProtobufCMessage *input, ProtobufCClosure closure,
                                    void *closure_data)
{
    (void) closure;
    rpc_call *call = rpc_call_of(closure_data);
    const char *name = service->descriptor->methods[index].name;
    if (rig_other == NULL || !rig_other(call, name, input)) {
        rpc_call_fail(call, status_new(STATUS_UNIMPLEMENTED, "no %s here", name));
    }
}

static inline void rig_invoke_jobs(ProtobufCService *service, unsigned index,
                                   const ProtobufCMessage *input, ProtobufCClosure closure,
                                   void *closure_data)
{
    rpc_call *call = rpc_call_of(closure_data);
    const char *name = service->descriptor->methods[index].name;
    if (strcmp(name, "Submit") == 0) {
        rig_submit(call, (const Errand__V1__SubmitRequest *) input);
    } else if (strcmp(name, "GetResult") == 0) {
        rig_result(call, (const Errand__V1__GetResultRequest *) input);
    } else if (strcmp(name, "List") == 0) {
        rig_list(call, (const Errand__V1__ListJobsRequest *) input);
    } else if (strcmp(name, "Get") == 0) {
        rig_get(call, (const Errand__V1__GetJobRequest *) input);
    } else {
        rig_invoke_other(service, index, input, closure, closure_data);
    }
}

static inline void rig_invoke_info(ProtobufCService *service __attribute__((unused)),
                                   unsigned index __attribute__((unused)),
                                   const ProtobufCMessage *input __attribute__((unused)),
                                   ProtobufCClosure closure __attribute__((unused)), void *data)
{
    Errand__V1__ServerInfo reply = ERRAND__V1__SERVER_INFO__INIT;
    rig_note(rpc_call_of(data), NULL);
    pthread_mutex_lock(&the_rig->lock);
    reply.health = rig_text(the_rig->health);
    pthread_mutex_unlock(&the_rig->lock);
    rpc_call_answer(rpc_call_of(data), &reply.base);
}

static inline void rig_start_gateway(rig *r, const gateway_options *options)
{
    assert_null(gateway_start(options, &r->gateway, &r->url));
    r->port = (int) strtol(strrchr(r->url, ':') + 1, NULL, 10);
}

static inline void rig_options(gateway_options *options)
{
    gateway_options_init(options);
    options->listen = "127.0.0.1:0";
    options->threads = 32;
    options->token = "own";
}

static inline void rig_aim(const rig *r, gateway_options *options)
{
    options->rpc_urls = (const char *const *) &r->rpc_url;
    options->rpc_url_count = 1;
}

// rig_new takes options other than rpc_urls, or NULL for those of rig_options.
static inline rig *rig_new(const gateway_options *options)
{
    rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    the_rig = r;
    r->jobs = (ProtobufCService){&errand__v1__job_service__descriptor, rig_invoke_jobs, NULL};
    r->info = (ProtobufCService){&errand__v1__server_service__descriptor, rig_invoke_info, NULL};
    r->queues = (ProtobufCService){&errand__v1__queue_service__descriptor, rig_invoke_other, NULL};
    r->health = "serving";
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    rpc_server_options server_options;
    rpc_server_options_init(&server_options);
    assert_null(rpc_server_new(&server_options, &r->server));
    rpc_server_add(r->server, &r->jobs);
    rpc_server_add(r->server, &r->info);
    rpc_server_add(r->server, &r->queues);
    assert_null(rpc_server_listen(r->server, "tcp://127.0.0.1:0", &r->rpc_url));
    gateway_options own;
    rig_options(&own);
    if (options != NULL) {
        own = *options;
    }
    rig_aim(r, &own);
    rig_start_gateway(r, &own);
    return r;
}

static inline void rig_free(rig *r)
{
    gateway_stop(r->gateway);
    for (size_t i = 0; i < r->parked_count; i++) {
        rpc_call_fail(r->parked[i], status_new(STATUS_CANCELLED, "the test is over"));
    }
    rpc_server_stop(r->server, 0);
    rpc_server_free(r->server);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->rpc_url);
    free(r->url);
    free(r);
    the_rig = NULL;
}

#endif
