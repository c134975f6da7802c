// rpc_rig - a server with a scripted JobService, for the tests of src/rpc.
//
// Get echoes the id; "fail" fails with NOT_FOUND, "busy" with UNAVAILABLE until told otherwise,
// "big" answers with as many bytes as the view says. GetResult is parked, List is held without
// parking; both are answered by rig_release.
#ifndef ERRAND_TESTS_UNIT_RPC_RIG_H
#define ERRAND_TESTS_UNIT_RPC_RIG_H

#include "unit/unit_test.h"

#include "base/buf.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "rpc/wire.h"

#include "errand/rpc/v1/envelope.pb-c.h"
#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RIG_MAX_HELD   20000
#define RIG_TIMEOUT_MS 20000
#define RIG_JOBS       (&errand__v1__job_service__descriptor)
#define RIG_INFO       (&errand__v1__server_service__descriptor)

typedef struct rig {
    ProtobufCService jobs;  // first: invoke gets its address
    ProtobufCService info;
    rpc_server_options options;
    rpc_server *server;
    char *url;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    rpc_call *held[RIG_MAX_HELD];
    size_t places;         // used of held
    size_t held_count;     // calls that are parked or were refused, or are held
    size_t refused_count;  // calls that could not be parked, answered at once
    size_t gone_count;
    uint64_t last_gone;
    rpc_gone_reason last_reason;
    size_t served;
    _Atomic bool busy;
    char last_request_id[64];
    bool had_deadline;
} rig;

static inline void rig_answer_job(rpc_call *call, const char *id)
{
    Errand__V1__Job reply = ERRAND__V1__JOB__INIT;
    reply.id = (char *) (uintptr_t) id;
    rpc_call_answer(call, &reply.base);
}

static inline void rig_get(rig *r, const Errand__V1__GetJobRequest *request, rpc_call *call)
{
    if (strcmp(request->id, "fail") == 0) {
        status *failure = status_new(STATUS_NOT_FOUND, "no job \"%s\"", request->id);
        status_add_violation(failure, "id", "unknown");
        rpc_call_fail(call, failure);
    } else if (strcmp(request->id, "busy") == 0 && atomic_load(&r->busy)) {
        rpc_call_fail(call, status_new(STATUS_UNAVAILABLE, "busy"));
    } else if (strcmp(request->id, "big") == 0) {
        size_t size = (size_t) request->view;
        char *text = arena_alloc(rpc_call_arena(call), size + 1);
        memset(text, 'x', size);
        text[size] = '\0';
        rig_answer_job(call, text);
    } else {
        rig_answer_job(call, request->id);
    }
}

static inline void rig_gone(void *data, uint64_t ticket, rpc_gone_reason reason)
{
    rig *r = data;
    pthread_mutex_lock(&r->lock);
    r->gone_count++;
    r->last_gone = ticket;
    r->last_reason = reason;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

// The ticket of a parked call is its place.
static inline void rig_hold(rig *r, rpc_call *call, bool park)
{
    pthread_mutex_lock(&r->lock);
    size_t place = r->places++;
    r->held[place] = call;
    pthread_mutex_unlock(&r->lock);
    bool parked = !park || rpc_call_park(call, rig_gone, r, place);
    if (!parked) {
        r->held[place] = NULL;
        Errand__V1__GetResultResponse reply = ERRAND__V1__GET_RESULT_RESPONSE__INIT;
        reply.id = (char *) (uintptr_t) "refused";
        rpc_call_answer(call, &reply.base);
    }
    pthread_mutex_lock(&r->lock);
    r->refused_count += !parked;
    r->held_count++;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static inline void rig_note(rig *r, const rpc_call *call)
{
    const char *id = rpc_call_request_id(call);
    pthread_mutex_lock(&r->lock);
    snprintf(r->last_request_id, sizeof r->last_request_id, "%s", id == NULL ? "" : id);
    r->had_deadline = rpc_call_deadline_us(call) != INT64_MAX;
    r->served++;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static inline void rig_invoke_jobs(ProtobufCService *service, unsigned index,
                                   const ProtobufCMessage *input, ProtobufCClosure closure,
                                   void *closure_data)
{
    rig *r = (rig *) (void *) service;
    rpc_call *call = rpc_call_of(closure_data);
    const char *name = RIG_JOBS->methods[index].name;
    rig_note(r, call);
    if (strcmp(name, "Get") == 0) {
        rig_get(r, (const Errand__V1__GetJobRequest *) input, call);
    } else if (strcmp(name, "GetResult") == 0) {
        rig_hold(r, call, true);
    } else if (strcmp(name, "List") == 0) {
        rig_hold(r, call, false);
    } else if (strcmp(name, "Submit") == 0) {
        const Errand__V1__SubmitRequest *request = (const Errand__V1__SubmitRequest *) input;
        closure(request->job == NULL ? NULL : &request->job->base, closure_data);
    } else {
        closure(NULL, closure_data);
    }
}

static inline void rig_invoke_info(ProtobufCService *service, unsigned index,
                                   const ProtobufCMessage *input, ProtobufCClosure closure,
                                   void *closure_data)
{
    (void) service;
    (void) index;
    (void) input;
    Errand__V1__ServerInfo reply = ERRAND__V1__SERVER_INFO__INIT;
    reply.version = (char *) (uintptr_t) "7.7";
    closure(&reply.base, closure_data);
}

static inline void rig_listen(rig *r, const char *url)
{
    assert_null(rpc_server_new(&r->options, &r->server));
    rpc_server_add(r->server, &r->jobs);
    rpc_server_add(r->server, &r->info);
    assert_null(rpc_server_listen(r->server, url, &r->url));
}

// rig_new takes options, or NULL for the defaults.
static inline rig *rig_new(const rpc_server_options *options, const char *url)
{
    rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->jobs.descriptor = RIG_JOBS;
    r->jobs.invoke = rig_invoke_jobs;
    r->info.descriptor = RIG_INFO;
    r->info.invoke = rig_invoke_info;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    atomic_store(&r->busy, true);
    rpc_server_options_init(&r->options);
    if (options != NULL) {
        r->options = *options;
    }
    rig_listen(r, url);
    return r;
}

static inline void rig_stop(rig *r)
{
    rpc_server_stop(r->server, 0);
    rpc_server_free(r->server);
    r->server = NULL;
}

static inline void rig_release(rig *r)
{
    pthread_mutex_lock(&r->lock);
    size_t count = r->places;
    r->places = 0;
    r->held_count = 0;
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < count; i++) {
        if (r->held[i] != NULL) {
            rpc_call_reply_closure(NULL, r->held[i]);
        }
    }
}

static inline void rig_free(rig *r)
{
    rig_release(r);
    if (r->server != NULL) {
        rig_stop(r);
    }
    free(r->url);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

// rig_wait waits until *count, changed under the rig's lock, is at least wanted.
static inline void rig_wait(rig *r, const size_t *count, size_t wanted)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RIG_TIMEOUT_MS / 1000;
    int error = 0;
    pthread_mutex_lock(&r->lock);
    while (*count < wanted && error == 0) {
        error = pthread_cond_timedwait(&r->changed, &r->lock, &until);
    }
    size_t reached = *count;
    pthread_mutex_unlock(&r->lock);
    assert_in_range(reached, wanted, SIZE_MAX);
}

// The server goes down with calls that it holds, and comes up again, until it has got so many.
static inline void rig_restart_holding(rig *r, const char *url, size_t held, size_t got)
{
    rig_wait(r, &r->held_count, held);
    rig_stop(r);
    rig_release(r);  // too late
    free(r->url);
    rig_listen(r, url);
    rig_wait(r, &r->held_count, got);
}

// ---- callers ----

static inline rpc_client *rig_client(const char *url)
{
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = url;
    options.default_timeout_ms = RIG_TIMEOUT_MS;
    rpc_client *client;
    assert_null(rpc_client_open(&options, &client));
    return client;
}

static inline status *rig_call_get(rpc_client *client, const char *id, const char *expected,
                                   const rpc_call_options *options)
{
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    ProtobufCMessage *reply = NULL;
    status *failure = rpc_client_call(client, RIG_JOBS, "Get", &request.base, options, &reply);
    if (failure == NULL) {
        assert_string_equal(((Errand__V1__Job *) reply)->id, expected);
        protobuf_c_message_free_unpacked(reply, NULL);
    }
    return failure;
}

// A requester that sends whatever bytes it is given.
static inline nng_socket raw_dial(const char *url)
{
    nng_socket socket;
    assert_int_equal(nng_req0_open(&socket), 0);
    assert_int_equal(nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE), 0);
    assert_int_equal(nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, RIG_TIMEOUT_MS), 0);
    assert_int_equal(nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, RIG_TIMEOUT_MS), 0);
    assert_int_equal(nng_dial(socket, url, NULL, 0), 0);
    return socket;
}

static inline void raw_send(nng_socket socket, const void *bytes, size_t size)
{
    nng_msg *message;
    assert_int_equal(nng_msg_alloc(&message, size), 0);
    memcpy(nng_msg_body(message), bytes, size);
    assert_int_equal(nng_sendmsg(socket, message, 0), 0);
}

static inline Errand__Rpc__V1__Response *raw_receive(nng_socket socket)
{
    nng_msg *message;
    assert_int_equal(nng_recvmsg(socket, &message, 0), 0);
    Errand__Rpc__V1__Response *response =
        errand__rpc__v1__response__unpack(NULL, nng_msg_len(message), nng_msg_body(message));
    assert_non_null(response);
    nng_msg_free(message);
    return response;
}

static inline Errand__Rpc__V1__Response *raw_call(nng_socket socket, const void *bytes, size_t size)
{
    raw_send(socket, bytes, size);
    return raw_receive(socket);
}

static inline void assert_raw_refused(nng_socket socket, const buf *bytes, int code)
{
    Errand__Rpc__V1__Response *response = raw_call(socket, bytes->bytes, bytes->size);
    assert_non_null(response->status);
    assert_int_equal(response->status->code, code);
    assert_true(strlen(response->status->message) > 0);
    errand__rpc__v1__response__free_unpacked(response, NULL);
}

// A Request as others would encode it.
static inline void raw_request(buf *b, const char *method, const void *payload, size_t size)
{
    Errand__Rpc__V1__Request request = ERRAND__RPC__V1__REQUEST__INIT;
    request.method = (char *) (uintptr_t) method;
    request.payload.data = (uint8_t *) (uintptr_t) payload;
    request.payload.len = size;
    size_t packed = errand__rpc__v1__request__get_packed_size(&request);
    buf_clear(b);
    assert_true(buf_reserve(b, packed));
    b->size = errand__rpc__v1__request__pack(&request, b->bytes);
}

#endif
