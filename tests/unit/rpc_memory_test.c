// rpc memory - each allocation of ours fails in turn: a clear failure every time, never silence.
#include "unit/rpc_calls.h"

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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(starting_a_server_survives_every_failed_allocation),
    cmocka_unit_test(a_call_survives_every_failed_allocation),
};

UNIT_TEST_MAIN(tests)
