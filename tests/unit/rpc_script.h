// rpc_script - a server that a test plays itself: it takes one message after the other and answers
// when and what it likes. And a client whose lanes for calls that share are all busy, so that what
// is started next comes in one message.
#ifndef ERRAND_TESTS_UNIT_RPC_SCRIPT_H
#define ERRAND_TESTS_UNIT_RPC_SCRIPT_H

#include "unit/rpc_calls.h"

#include "rpc/client_internal.h"

#include <nng/protocol/reqrep0/rep.h>

#define SCRIPT_MOST 1000

// One call of the test.
typedef struct asked {
    calls *calls;
    char id[16];
    int answered;  // how often
    bool right;    // with its own id
    status_code code;
} asked;

// A message that came.
typedef struct taken {
    nng_ctx context;
    Errand__Rpc__V1__Request *request;
} taken;

typedef struct script {
    nng_socket socket;
    char url[96];
    rpc_client *client;
    calls calls;
    asked asked[SCRIPT_MOST];
    size_t count;
    taken busy[CLIENT_SHARING_LANES];
    size_t messages;  // that were taken
} script;

static const rpc_call_options prompt = {.prompt = true};

// ---- calls ----

static inline void asked_done(void *data, const ProtobufCMessage *reply, const status *failure)
{
    asked *a = data;
    pthread_mutex_lock(&a->calls->lock);
    a->answered++;
    a->code = status_code_of(failure);
    a->right = reply != NULL && strcmp(((const Errand__V1__Job *) reply)->id, a->id) == 0;
    pthread_mutex_unlock(&a->calls->lock);
    calls_done(a->calls, reply, failure);
}

// A call whose request is larger than `size`.
static inline asked *script_ask_large(script *s, const rpc_call_options *options, size_t size)
{
    assert_true(s->count < SCRIPT_MOST);
    asked *a = &s->asked[s->count++];
    a->calls = &s->calls;
    snprintf(a->id, sizeof a->id, "job-%zu", s->count);
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    char *kind = malloc(size + 1);
    assert_non_null(kind);
    memset(kind, 'k', size);
    kind[size] = '\0';
    job.id = a->id;
    job.kind = kind;
    request.job = &job;
    rpc_client_start(s->client, RIG_JOBS, "Submit", &request.base, options, asked_done, a);
    free(kind);
    return a;
}

static inline asked *script_ask(script *s, const rpc_call_options *options)
{
    return script_ask_large(s, options, 0);
}

static inline void script_ask_many(script *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        script_ask(s, &prompt);
    }
}

// All calls are answered, each once and with its own job.
static inline void assert_all_right(script *s)
{
    calls_wait(&s->calls, s->count);
    for (size_t i = 0; i < s->count; i++) {
        assert_int_equal(s->asked[i].answered, 1);
        assert_true(s->asked[i].right);
    }
}

static inline void assert_failed(script *s, const asked *a, status_code code)
{
    pthread_mutex_lock(&s->calls.lock);
    assert_int_equal(a->answered, 1);
    assert_int_equal(a->code, code);
    pthread_mutex_unlock(&s->calls.lock);
}

// ---- the server's side ----

static inline taken script_take(script *s)
{
    taken t;
    nng_aio *aio;
    assert_int_equal(nng_ctx_open(&t.context, s->socket), 0);
    assert_int_equal(nng_aio_alloc(&aio, NULL, NULL), 0);
    nng_aio_set_timeout(aio, RIG_TIMEOUT_MS);
    nng_ctx_recv(t.context, aio);
    nng_aio_wait(aio);
    assert_int_equal(nng_aio_result(aio), 0);
    nng_msg *message = nng_aio_get_msg(aio);
    t.request = errand__rpc__v1__request__unpack(NULL, nng_msg_len(message), nng_msg_body(message));
    assert_non_null(t.request);
    nng_msg_free(message);
    nng_aio_free(aio);
    s->messages++;
    return t;
}

// How many calls it has; one alone is none of several.
static inline size_t taken_calls(const taken *t)
{
    return t->request->n_calls > 0 ? t->request->n_calls : 1;
}

static inline void taken_drop(taken *t)
{
    errand__rpc__v1__request__free_unpacked(t->request, NULL);
    nng_ctx_close(t->context);
}

static inline void taken_answer_bytes(taken *t, const void *bytes, size_t size)
{
    nng_msg *message;
    nng_aio *aio;
    assert_int_equal(nng_msg_alloc(&message, size), 0);
    if (size > 0) {
        memcpy(nng_msg_body(message), bytes, size);
    }
    assert_int_equal(nng_aio_alloc(&aio, NULL, NULL), 0);
    nng_aio_set_msg(aio, message);
    nng_ctx_send(t->context, aio);
    nng_aio_wait(aio);
    assert_int_equal(nng_aio_result(aio), 0);
    nng_aio_free(aio);
    taken_drop(t);
}

static inline void taken_answer(taken *t, const Errand__Rpc__V1__Response *response)
{
    size_t size = errand__rpc__v1__response__get_packed_size(response);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    (void) errand__rpc__v1__response__pack(response, bytes);
    taken_answer_bytes(t, bytes, size);
    free(bytes);
}

static inline void taken_refuse(taken *t, Errand__Rpc__V1__Code code)
{
    Errand__Rpc__V1__Response response = ERRAND__RPC__V1__RESPONSE__INIT;
    Errand__Rpc__V1__Status refusal = ERRAND__RPC__V1__STATUS__INIT;
    refusal.code = code;
    response.status = &refusal;
    taken_answer(t, &response);
}

// The job of a Submit, encoded: the answer to it as our server would give.
static inline ProtobufCBinaryData submitted_job(ProtobufCBinaryData payload)
{
    Errand__V1__SubmitRequest *submit =
        errand__v1__submit_request__unpack(NULL, payload.len, payload.data);
    assert_non_null(submit);
    ProtobufCBinaryData job = {.data = malloc(100000)};
    assert_non_null(job.data);
    job.len = errand__v1__job__pack(submit->job, job.data);
    errand__v1__submit_request__free_unpacked(submit, NULL);
    return job;
}

// What answers one call: with its job, or with the code.
static inline ProtobufCBinaryData answer_to(ProtobufCBinaryData call, Errand__Rpc__V1__Code code)
{
    Errand__Rpc__V1__Request *request = errand__rpc__v1__request__unpack(NULL, call.len, call.data);
    assert_non_null(request);
    Errand__Rpc__V1__Response response = ERRAND__RPC__V1__RESPONSE__INIT;
    Errand__Rpc__V1__Status refusal = ERRAND__RPC__V1__STATUS__INIT;
    refusal.code = code;
    response.payload = submitted_job(request->payload);
    response.status = code == ERRAND__RPC__V1__CODE__OK ? NULL : &refusal;
    ProtobufCBinaryData answer = {.data = malloc(response.payload.len + 100)};
    assert_non_null(answer.data);
    answer.len = errand__rpc__v1__response__pack(&response, answer.data);
    free(response.payload.data);
    errand__rpc__v1__request__free_unpacked(request, NULL);
    return answer;
}

// Answers the first `count` of several calls: one of them with that code, garbage for UNKNOWN.
static inline void taken_serve_some(taken *t, size_t count, size_t odd, Errand__Rpc__V1__Code code)
{
    static uint8_t garbage[] = {0x12, 0xff};
    ProtobufCBinaryData answers[CLIENT_MOST_SHARE];
    Errand__Rpc__V1__Response response = ERRAND__RPC__V1__RESPONSE__INIT;
    response.answers = answers;
    response.n_answers = count;
    assert_in_range(count, 0, t->request->n_calls);
    for (size_t i = 0; i < count; i++) {
        bool damaged = i == odd && code == ERRAND__RPC__V1__CODE__UNKNOWN;
        answers[i] =
            damaged ? (ProtobufCBinaryData){sizeof garbage, garbage}
                    : answer_to(t->request->calls[i], i == odd ? code : ERRAND__RPC__V1__CODE__OK);
    }
    taken_answer(t, &response);
    for (size_t i = 0; i < count; i++) {
        if (answers[i].data != garbage) {
            free(answers[i].data);
        }
    }
}

// Answers the call, or all of several.
static inline void taken_serve(taken *t)
{
    if (t->request->n_calls > 0) {
        taken_serve_some(t, t->request->n_calls, SIZE_MAX, ERRAND__RPC__V1__CODE__OK);
        return;
    }
    Errand__Rpc__V1__Response response = ERRAND__RPC__V1__RESPONSE__INIT;
    response.payload = submitted_job(t->request->payload);
    uint8_t *job = response.payload.data;
    taken_answer(t, &response);
    free(job);
}

// Takes and serves until so many calls came; returns in how many messages.
static inline size_t script_serve(script *s, size_t count)
{
    size_t before = s->messages;
    while (count > 0) {
        taken t = script_take(s);
        assert_in_range(taken_calls(&t), 1, count);
        count -= taken_calls(&t);
        taken_serve(&t);
    }
    return s->messages - before;
}

static inline void script_listen(script *s)
{
    assert_int_equal(nng_rep0_open(&s->socket), 0);
    assert_int_equal(nng_listen(s->socket, s->url, NULL, 0), 0);
}

// ---- scenes ----

// A server and a client that is connected.
static inline script *script_open(const char *name, size_t max_in_flight)
{
    script *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->url, sizeof s->url, "ipc:///tmp/errand-rpc-share-%d-%s", (int) getpid(), name);
    script_listen(s);
    calls_init(&s->calls);
    s->client = rig_client_with_window(s->url, max_in_flight);
    s->client->sharing.patience_us = INT64_C(3600000000);
    script_ask(s, NULL);
    (void) script_serve(s, 1);
    assert_all_right(s);
    return s;
}

// All lanes whose calls share have one that is not answered.
static inline script *script_open_busy(const char *name)
{
    script *s = script_open(name, SCRIPT_MOST);
    script_ask_many(s, CLIENT_SHARING_LANES);
    for (int i = 0; i < CLIENT_SHARING_LANES; i++) {
        s->busy[i] = script_take(s);
        assert_int_equal(s->busy[i].request->n_calls, 0);
    }
    return s;
}

static inline void script_free_lanes(script *s)
{
    for (int i = 0; i < CLIENT_SHARING_LANES; i++) {
        taken_serve(&s->busy[i]);
    }
}

static inline void script_close(script *s)
{
    rpc_client_close(s->client);
    nng_close(s->socket);
    calls_fini(&s->calls);
    free(s);
}

#endif
