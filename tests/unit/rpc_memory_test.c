// rpc memory - each allocation of ours fails in turn: a clear failure every time, never silence.
#include "unit/rpc_calls.h"
#include "unit/rpc_parcel.h"

#include <semaphore.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);

// How many allocations still succeed; negative: all.
static _Atomic long allowed = -1;
static _Atomic bool failed;

static bool fails_now(void)
{
    if (atomic_load(&allowed) < 0 || atomic_fetch_sub(&allowed, 1) > 0) {
        return false;
    }
    atomic_store(&allowed, -1);
    atomic_store(&failed, true);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    return fails_now() ? NULL : __real_realloc(pointer, size);
}

// True once the n-th allocation was never reached.
static bool went_through(void)
{
    atomic_store(&allowed, -1);
    return !atomic_exchange(&failed, false);
}

static void ignore_job(ProtobufCService *service, unsigned index, const ProtobufCMessage *input,
                       ProtobufCClosure closure, void *closure_data)
{
    (void) service;
    (void) index;
    (void) input;
    Errand__V1__Job reply = ERRAND__V1__JOB__INIT;
    closure(&reply.base, closure_data);
}

static void start_and_stop_server(void)
{
    ProtobufCService jobs = {.descriptor = RIG_JOBS, .invoke = ignore_job};
    rpc_server_options options;
    rpc_server_options_init(&options);
    rpc_server *server = NULL;
    char *url = NULL;
    AUTO(status) opened = rpc_server_new(&options, &server);
    if (opened == NULL) {
        rpc_server_add(server, &jobs);
        AUTO(status) listening = rpc_server_listen(server, "inproc://memory", &url);
        assert_true((listening == NULL) == (url != NULL));
    }
    rpc_server_free(server);
    free(url);
}

static void starting_a_server_survives_every_failed_allocation(void **state)
{
    (void) state;
    for (long n = 0;; n++) {
        atomic_store(&allowed, n);
        start_and_stop_server();
        if (went_through()) {
            assert_true(n > 10);
            break;
        }
    }
}

static status *one_call(const char *url)
{
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = url;
    options.default_timeout_ms = RIG_TIMEOUT_MS;
    rpc_client *client = NULL;
    status *failure = rpc_client_open(&options, &client);
    if (failure == NULL) {
        Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
        request.id = (char *) (uintptr_t) "an id";
        ProtobufCMessage *reply = NULL;
        failure = rpc_client_call(client, RIG_JOBS, "Get", &request.base, NULL, &reply);
        protobuf_c_message_free_unpacked(reply, NULL);
    }
    rpc_client_close(client);
    return failure;
}

static void a_call_survives_every_failed_allocation(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "tcp://127.0.0.1:0");
    for (long n = 0;; n++) {
        atomic_store(&allowed, n);
        AUTO(status) failure = one_call(r->url);
        if (went_through()) {
            assert_true(n > 3);
            assert_null(failure);
            break;
        }
        if (failure != NULL) {
            assert_int_equal(failure->code, STATUS_RESOURCE_EXHAUSTED);
        }
    }
    rig_free(r);
}

// ---- several calls in one message ----

static bool is_fine_or_exhausted(const Errand__Rpc__V1__Response *response)
{
    return response->status == NULL ||
           response->status->code == ERRAND__RPC__V1__CODE__RESOURCE_EXHAUSTED;
}

static void assert_fine_or_exhausted(const Errand__Rpc__V1__Response *response)
{
    assert_true(is_fine_or_exhausted(response));
    for (size_t i = 0; i < response->n_answers; i++) {
        Errand__Rpc__V1__Response *answer = answer_at(response, i, NULL);
        assert_true(is_fine_or_exhausted(answer));
        response_free(answer);
    }
}

static void several_calls_survive_every_failed_allocation(void **state)
{
    (void) state;
    AUTO_BUF bytes = {0};
    parcel p = {.count = 0};
    for (int i = 0; i < 3; i++) {
        parcel_get(&p, "several", "a", 0);
    }
    parcel_pack(&p, &bytes);
    for (long n = 0;; n++) {
        scene s;
        scene_open(&s, NULL);
        atomic_store(&allowed, n);
        Errand__Rpc__V1__Response *response = raw_call(s.raw, bytes.bytes, bytes.size);
        bool through = went_through();
        assert_fine_or_exhausted(response);
        assert_true(!through || response->n_answers == 3);
        response_free(response);
        scene_close(&s);
        if (through) {
            assert_true(n > 3);
            break;
        }
    }
}

typedef struct outcomes {
    sem_t ended;
    _Atomic int good, exhausted;
} outcomes;

static void note_outcome(void *data, const ProtobufCMessage *reply, const status *failure)
{
    outcomes *o = data;
    atomic_fetch_add(&o->good, reply != NULL);
    atomic_fetch_add(&o->exhausted, status_code_of(failure) == STATUS_RESOURCE_EXHAUSTED);
    sem_post(&o->ended);
}

enum { SHARING = 20 };

// The server answers none before all are started: or else the first could be enough for all.
static void start_sharing(rig *r, rpc_client *client, outcomes *o)
{
    const rpc_call_options prompt = {.prompt = true};
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) "an id";
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < SHARING; i++) {
        rpc_client_start(client, RIG_JOBS, "Get", &request.base, &prompt, note_outcome, o);
    }
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < SHARING; i++) {
        sem_wait(&o->ended);
    }
}

static void calls_that_share_survive_every_failed_allocation(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "tcp://127.0.0.1:0");
    for (long n = 0;; n++) {
        outcomes o = {.good = 0};
        sem_init(&o.ended, 0, 0);
        rpc_client *client = rig_client(r->url);
        assert_null(rig_call_get(client, "a", "a", NULL));
        atomic_store(&allowed, n);
        start_sharing(r, client, &o);
        bool through = went_through();
        assert_int_equal(o.good + o.exhausted, SHARING);
        assert_true(!through || o.good == SHARING);
        rpc_client_close(client);
        sem_destroy(&o.ended);
        if (through) {
            assert_true(n > SHARING);
            break;
        }
    }
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(starting_a_server_survives_every_failed_allocation),
    cmocka_unit_test(a_call_survives_every_failed_allocation),
    cmocka_unit_test(several_calls_survive_every_failed_allocation),
    cmocka_unit_test(calls_that_share_survive_every_failed_allocation),
};

UNIT_TEST_MAIN(tests)
