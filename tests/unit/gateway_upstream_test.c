// Calls of the gateway to several servers of one store, and their ends from outside.
#include "unit/rpc_rig.h"

#include "gateway/upstream.h"

#define LONG_MS    20000
#define CONNECT_MS 2000

typedef struct asked {
    char id[64];
} asked;

static void take_reply(void *data, const ProtobufCMessage *reply)
{
    (void) snprintf(((asked *) data)->id, sizeof((asked *) data)->id, "%s",
                    ((const Errand__V1__Job *) reply)->id);
}

static upstream *open_upstream(const char *const *urls, size_t count)
{
    const upstream_options options = {.urls = urls,
                                      .url_count = count,
                                      .max_message_bytes = (size_t) 1 << 20,
                                      .connect_timeout_ms = CONNECT_MS};
    upstream *u = NULL;
    assert_null(upstream_open(&options, &u));
    return u;
}

static status *ask(upstream *u, const char *id, int64_t timeout_ms, asked *ret)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    const upstream_call call = {.service = RIG_JOBS,
                                .method = "Get",
                                .request = &request.base,
                                .memory = memory,
                                .timeout_ms = timeout_ms};
    *ret = (asked){.id = ""};
    return upstream_run(u, &call, take_reply, ret);
}

// ---- several servers ----

static void the_first_server_that_is_connected_is_asked(void **state)
{
    (void) state;
    rig *one = rig_new(NULL, "tcp://127.0.0.1:0"), *other = rig_new(NULL, "tcp://127.0.0.1:0");
    const char *const urls[] = {one->url, other->url};
    upstream *u = open_upstream(urls, 2);
    asked got;
    for (int i = 0; i < 3; i++) {
        assert_null(ask(u, "a", LONG_MS, &got));
        assert_string_equal(got.id, "a");
    }
    assert_int_equal(one->served + other->served, 3);
    upstream_free(u);
    rig_free(one);
    rig_free(other);
}

static void a_server_that_is_gone_is_avoided(void **state)
{
    (void) state;
    rig *one = rig_new(NULL, "tcp://127.0.0.1:0"), *other = rig_new(NULL, "tcp://127.0.0.1:0");
    const char *const urls[] = {one->url, other->url};
    upstream *u = open_upstream(urls, 2);
    asked got;
    assert_null(ask(u, "a", LONG_MS, &got));
    rig_stop(one);
    for (int i = 0; i < 3; i++) {
        assert_null(ask(u, "b", LONG_MS, &got));
        assert_string_equal(got.id, "b");
    }
    assert_in_range(other->served, 3, 5);
    upstream_free(u);
    rig_free(one);
    rig_free(other);
}

static void a_server_that_takes_no_calls_is_passed_by(void **state)
{
    (void) state;
    rig *one = rig_new(NULL, "tcp://127.0.0.1:0"), *other = rig_new(NULL, "tcp://127.0.0.1:0");
    const char *const urls[] = {one->url, other->url};
    upstream *u = open_upstream(urls, 2);
    asked got;
    atomic_store(&other->busy, false);
    assert_null(ask(u, "busy", LONG_MS, &got));
    assert_string_equal(got.id, "busy");
    upstream_free(u);
    rig_free(one);
    rig_free(other);
}

static void without_any_server_a_call_fails_in_its_time(void **state)
{
    (void) state;
    rig *one = rig_new(NULL, "tcp://127.0.0.1:0"), *other = rig_new(NULL, "tcp://127.0.0.1:0");
    const char *const urls[] = {one->url, other->url};
    rig_stop(one);
    rig_stop(other);
    upstream *u = open_upstream(urls, 2);
    asked got;
    AUTO(status) failure = ask(u, "a", 300, &got);
    assert_int_equal(status_code_of(failure), STATUS_UNAVAILABLE);
    upstream_free(u);
    rig_free(one);
    rig_free(other);
}

// ---- ends from outside ----

typedef struct waiting {
    upstream *up;
    upstream_cancel cancel;
    status *failure;
    pthread_t thread;
} waiting;

static void *wait_for_result(void *data)
{
    waiting *w = data;
    asked got;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__GetResultRequest *request = arena_alloc(memory, sizeof *request);
    errand__v1__get_result_request__init(request);
    const upstream_call call = {.service = RIG_JOBS,
                                .method = "GetResult",
                                .request = &request->base,
                                .memory = memory,
                                .timeout_ms = LONG_MS,
                                .cancel = &w->cancel};
    w->failure = upstream_run(w->up, &call, take_reply, &got);
    return NULL;
}

// Fails the same way whether the call was waiting already or comes later.
static void cancel_while_it_waits(rig *r, upstream *u)
{
    waiting w = {.up = u};
    upstream_cancel_init(&w.cancel);
    assert_int_equal(pthread_create(&w.thread, NULL, wait_for_result, &w), 0);
    rig_wait(r, &r->held_count, 1);
    upstream_cancel_fire(&w.cancel);
    assert_int_equal(pthread_join(w.thread, NULL), 0);
    assert_int_equal(status_code_of(w.failure), STATUS_CANCELLED);
    status_free(w.failure);
    wait_for_result(&w);  // it stays fired
    assert_int_equal(status_code_of(w.failure), STATUS_CANCELLED);
    status_free(w.failure);
    upstream_cancel_fini(&w.cancel);
}

static void a_call_to_a_server_elsewhere_can_be_cancelled(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "tcp://127.0.0.1:0");
    const char *url = r->url;
    upstream *u = open_upstream(&url, 1);
    cancel_while_it_waits(r, u);
    upstream_free(u);
    rig_free(r);
}

static void a_call_to_the_server_of_this_process_can_be_cancelled(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://upstream-cancel");
    upstream *u = NULL;
    assert_null(upstream_open_local(r->server, NULL, &u));
    cancel_while_it_waits(r, u);
    rig_wait(r, &r->gone_count, 1);
    upstream_free(u);
    rig_free(r);
}

static void after_a_stop_calls_fail_with_unavailable(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://upstream-stop");
    const char *url = r->url;
    upstream *local = NULL, *remote = open_upstream(&url, 1);
    assert_null(upstream_open_local(r->server, NULL, &local));
    asked got;
    assert_null(ask(local, "a", LONG_MS, &got));
    assert_null(ask(remote, "a", LONG_MS, &got));
    upstream_stop(local);
    upstream_stop(remote);
    AUTO(status) failure = ask(local, "a", LONG_MS, &got);
    assert_int_equal(status_code_of(failure), STATUS_UNAVAILABLE);
    AUTO(status) other = ask(remote, "a", LONG_MS, &got);
    assert_int_equal(status_code_of(other), STATUS_UNAVAILABLE);
    upstream_free(local);
    upstream_free(remote);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_server_that_is_connected_is_asked),
    cmocka_unit_test(a_server_that_is_gone_is_avoided),
    cmocka_unit_test(a_server_that_takes_no_calls_is_passed_by),
    cmocka_unit_test(without_any_server_a_call_fails_in_its_time),
    cmocka_unit_test(a_call_to_a_server_elsewhere_can_be_cancelled),
    cmocka_unit_test(a_call_to_the_server_of_this_process_can_be_cancelled),
    cmocka_unit_test(after_a_stop_calls_fail_with_unavailable),
};

UNIT_TEST_MAIN(tests)
