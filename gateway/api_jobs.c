// api_jobs - what the routes of jobs do beyond passing a call on.
#include "gateway/routes.h"

#include "base/clock.h"
#include "base/uuid.h"
#include "errand/v1/job_service.pb-c.h"
#include "gateway/headers.h"
#include "gateway/negotiate.h"
#include "gateway/problem.h"
#include "json/codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_WAIT_SECONDS 60
#define MAX_MEDIA_TYPE   255

bool api_is_final(Errand__V1__Job__State state)
{
    switch (state) {
    case ERRAND__V1__JOB__STATE__SUCCEEDED:
    case ERRAND__V1__JOB__STATE__FAILED:
    case ERRAND__V1__JOB__STATE__CANCELLED:
    case ERRAND__V1__JOB__STATE__EXPIRED:
        return true;
    case ERRAND__V1__JOB__STATE__STATE_UNSPECIFIED:
    case ERRAND__V1__JOB__STATE__BLOCKED:
    case ERRAND__V1__JOB__STATE__SCHEDULED:
    case ERRAND__V1__JOB__STATE__READY:
    case ERRAND__V1__JOB__STATE__RUNNING:
    case _ERRAND__V1__JOB__STATE_IS_INT_SIZE:
        break;
    }
    return false;
}

static const char *state_name(Errand__V1__Job__State state)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&errand__v1__job__state__descriptor, (int) state);
    return value != NULL ? value->name : "in a state that this gateway does not know";
}

// Prefer: wait=5 is ?wait=5s for those who can not touch the URL; the query wins.
bool api_submit_prepare(api_call *call)
{
    Errand__V1__SubmitRequest *request = (Errand__V1__SubmitRequest *) call->request;
    int64_t seconds = headers_prefer_wait(exchange_list(call->x, "Prefer"));
    if (seconds < 0 || request->wait != NULL) {
        return true;
    }
    Google__Protobuf__Duration *wait = arena_alloc(call->x->memory, sizeof *wait);
    if (wait == NULL) {
        return problem_refuse(call->x, 503, "not enough memory for this request now");
    }
    google__protobuf__duration__init(wait);
    wait->seconds = seconds < MAX_WAIT_SECONDS ? seconds : MAX_WAIT_SECONDS;
    request->wait = wait;
    char applied[32];
    (void) snprintf(applied, sizeof applied, "wait=%lld", (long long) wait->seconds);
    exchange_add_header(call->x, "Preference-Applied", applied);
    return true;
}

void api_submit_answer(api_call *call, const ProtobufCMessage *reply)
{
    const Errand__V1__Job *job = (const Errand__V1__Job *) reply;
    const Errand__V1__SubmitRequest *request = (const Errand__V1__SubmitRequest *) call->request;
    bool finished = request->wait != NULL && api_is_final(job->state);
    uuid id;
    if (uuid_parse(job->id, &id)) {
        char location[64];
        (void) snprintf(location, sizeof location, "/v1/jobs/%s", job->id);
        exchange_add_header(call->x, "Location", location);
    }
    api_reply_json(call->x, job->duplicate || finished ? 200 : 201, reply);
}

void api_submit_fail(api_call *call, status *failure)
{
    const Errand__V1__SubmitRequest *request = (const Errand__V1__SubmitRequest *) call->request;
    if (failure->code == STATUS_ALREADY_EXISTS && call->has_key && *request->job->id == '\0') {
        status_free(failure);
        failure = status_new(STATUS_ALREADY_EXISTS,
                             "this Idempotency-Key was used before with another body");
        problem_write(call->x, 422, failure);
        status_free(failure);
        return;
    }
    api_strip_prefix(failure, "job.");
    (void) problem_take(call->x, failure);
}

// A revision is as good as a new one: a client that has it needs no more than to be told so.
void api_job_answer(api_call *call, const ProtobufCMessage *reply)
{
    exchange *x = call->x;
    const Errand__V1__GetJobRequest *request = (const Errand__V1__GetJobRequest *) call->request;
    const Errand__V1__Job *job = (const Errand__V1__Job *) reply;
    char tag[48];
    (void) snprintf(tag, sizeof tag, "W/\"%" PRId64 "%s\"", job->revision,
                    request->view == ERRAND__V1__JOB_VIEW__FULL ? "-full" : "");
    exchange_add_header(x, "ETag", tag);
    x->cache_control = "private, no-cache";
    if (negotiate_has_tag(exchange_list(x, "If-None-Match"), tag)) {
        x->http_status = 304;
        exchange_add_header(x, "Vary", "Accept-Encoding");
        return;
    }
    api_reply_json(x, 200, reply);
}

void api_result_answer(api_call *call, const ProtobufCMessage *reply)
{
    const Errand__V1__GetResultResponse *result = (const Errand__V1__GetResultResponse *) reply;
    api_reply_json(call->x, api_is_final(result->state) ? 200 : 202, reply);
}

static void reply_bytes(exchange *x, const ProtobufCBinaryData *body, const char *content_type)
{
    if (content_type != NULL && headers_is_media_type(content_type)) {
        const char *copy = arena_strdup(x->memory, content_type);
        x->content_type = copy != NULL ? copy : x->content_type;
    }
    buf_append(&x->reply, body->data, body->len);
}

static void reply_output(exchange *x, const Errand__V1__Result *result)
{
    static const ProtobufCBinaryData nothing = {0, NULL};
    x->http_status = 200;
    x->content_type = "application/octet-stream";
    buf_clear(&x->reply);
    switch (result != NULL ? result->output_case : ERRAND__V1__RESULT__OUTPUT__NOT_SET) {
    case ERRAND__V1__RESULT__OUTPUT_HTTP:
        reply_bytes(x, &result->http->body, result->http->content_type);
        break;
    case ERRAND__V1__RESULT__OUTPUT_EXEC:
        reply_bytes(x, &result->exec->stdout, NULL);
        break;
    case ERRAND__V1__RESULT__OUTPUT_DATA:
        reply_bytes(x, &result->data->body, result->data->content_type);
        break;
    case ERRAND__V1__RESULT__OUTPUT_VALUE:
        x->content_type = "application/json";
        api_reply_json(x, 200, &result->value->base);
        break;
    case ERRAND__V1__RESULT__OUTPUT__NOT_SET:
    case _ERRAND__V1__RESULT__OUTPUT__CASE_IS_INT_SIZE:
        reply_bytes(x, &nothing, NULL);
        break;
    }
}

static void refuse_output(exchange *x, const Errand__V1__GetResultResponse *result)
{
    const char *why = result->error != NULL ? result->error->message : "";
    AUTO(status) failure =
        status_new(STATUS_FAILED_PRECONDITION, "the job is %s and has no output%s%s",
                   state_name(result->state), *why != '\0' ? ": " : "", why);
    problem_write(x, 409, failure);
}

static void check_output_type(exchange *x)
{
    char type[MAX_MEDIA_TYPE + 1];
    size_t size = strcspn(x->content_type, "; \t");
    (void) snprintf(type, sizeof type, "%.*s", (int) size, x->content_type);
    if (x->http_status == 200 && !negotiate_type(exchange_list(x, "Accept"), type)) {
        (void) problem_refuse(x, 406, "the output is %s", type);
    }
}

void api_output_answer(api_call *call, const ProtobufCMessage *reply)
{
    const Errand__V1__GetResultResponse *result = (const Errand__V1__GetResultResponse *) reply;
    if (!api_is_final(result->state)) {
        api_reply_json(call->x, 202, reply);
    } else if (result->state != ERRAND__V1__JOB__STATE__SUCCEEDED) {
        refuse_output(call->x, result);
    } else {
        // What a stranger's server sent must not run as a page of ours.
        exchange_add_header(call->x, "Content-Security-Policy", "sandbox");
        reply_output(call->x, result->result);
        check_output_type(call->x);
    }
}

bool api_is_prompt(const api_call *call)
{
    static const char *const methods[] = {"Submit", "Get",   "GetResult",
                                          "Cancel", "Retry", "Delete"};
    if (call->waits || call->rpc.service != &errand__v1__job_service__descriptor) {
        return false;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(call->rpc.method, methods[i]) == 0) {
            return true;
        }
    }
    return false;
}
