// rpc park - calls that wait: thousands of them, their caps, and what becomes of them.
#include "unit/rpc_calls.h"

#define TCP "tcp://127.0.0.1:0"

typedef struct scene {
    rig *rig;
    rpc_client *client;
    calls calls;
} scene;

static void scene_init(scene *s, const rpc_server_options *options, const char *url)
{
    s->rig = rig_new(options, url);
    s->client = rig_client_with_window(s->rig->url, 10000);
    calls_init(&s->calls);
}

static void scene_fini(scene *s)
{
    rpc_client_close(s->client);
    rig_free(s->rig);
    calls_fini(&s->calls);
}

static rpc_server_options few_calls(size_t max_calls, size_t reserved, size_t per_peer)
{
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_calls = max_calls;
    options.reserved_calls = reserved;
    options.max_parked_per_peer = per_peer;
    return options;
}

static void park_and_lose_5000(const char *url)
{
    scene s;
    scene_init(&s, NULL, url);
    calls_park(&s.calls, s.client, 5000);
    rig_wait(s.rig, &s.rig->held_count, 5000);
    rpc_client *other = rig_client(s.rig->url);
    assert_null(rig_call_get(other, "still served", "still served", NULL));
    assert_int_equal(rpc_server_parked(s.rig->server), 5000);
    rpc_client_close(s.client);
    s.client = NULL;
    rig_wait(s.rig, &s.rig->gone_count, 5000);
    rig_release(s.rig);
    assert_int_equal(rpc_server_parked(s.rig->server), 0);
    assert_null(rig_call_get(other, "and after", "and after", NULL));
    rpc_client_close(other);
    assert_int_equal(s.calls.failed, 5000);
    assert_int_equal(s.rig->gone_count, 5000);
    scene_fini(&s);
}

static void thousands_parked_are_released_when_their_connection_goes(void **state)
{
    (void) state;
    park_and_lose_5000(TCP);
}

static void inproc_connections_go_too(void **state)
{
    (void) state;
    park_and_lose_5000("inproc://park");
}

static void thousands_parked_are_all_answered(void **state)
{
    (void) state;
    scene s;
    scene_init(&s, NULL, TCP);
    calls_park(&s.calls, s.client, 5000);
    rig_wait(s.rig, &s.rig->held_count, 5000);
    Errand__V1__GetResultResponse reply = ERRAND__V1__GET_RESULT_RESPONSE__INIT;
    for (size_t i = 0; i < 5000; i++) {
        rpc_call_reply_closure(&reply.base, s.rig->held[i]);
    }
    s.rig->places = 0;
    calls_wait(&s.calls, 5000);
    assert_int_equal(s.calls.succeeded, 5000);
    assert_int_equal(rpc_server_parked(s.rig->server), 0);
    rpc_client_close(s.client);
    s.client = NULL;
    assert_int_equal(s.rig->gone_count, 0);
    scene_fini(&s);
}

static void the_reserve_keeps_other_calls_served(void **state)
{
    (void) state;
    scene s;
    rpc_server_options options = few_calls(20, 5, 100);
    scene_init(&s, &options, TCP);
    calls_park(&s.calls, s.client, 18);
    rig_wait(s.rig, &s.rig->held_count, 18);
    rig_wait(s.rig, &s.rig->refused_count, 3);
    calls_wait(&s.calls, 3);
    assert_int_equal(s.calls.succeeded, 3);
    assert_int_equal(rpc_server_parked(s.rig->server), 15);
    assert_null(rig_call_get(s.client, "x", "x", NULL));
    scene_fini(&s);
}

static void one_connection_may_park_only_its_share(void **state)
{
    (void) state;
    scene s;
    rpc_server_options options = few_calls(100, 10, 4);
    scene_init(&s, &options, TCP);
    rpc_client *other = rig_client(s.rig->url);
    calls_park(&s.calls, s.client, 6);
    rig_wait(s.rig, &s.rig->refused_count, 2);
    calls_park(&s.calls, other, 4);
    rig_wait(s.rig, &s.rig->held_count, 10);
    assert_int_equal(s.rig->refused_count, 2);
    assert_int_equal(rpc_server_parked(s.rig->server), 8);
    rpc_client_close(other);
    rig_wait(s.rig, &s.rig->gone_count, 4);
    scene_fini(&s);
}

static void calls_beyond_the_cap_are_resource_exhausted(void **state)
{
    (void) state;
    scene s;
    rpc_server_options options = few_calls(10, 2, 100);
    scene_init(&s, &options, TCP);
    calls_hold(&s.calls, s.client, 10, NULL);
    rig_wait(s.rig, &s.rig->held_count, 10);
    for (int i = 0; i < 200; i++) {
        AUTO(status) failure = rig_call_get(s.client, "x", NULL, NULL);
        assert_int_equal(status_code_of(failure), STATUS_RESOURCE_EXHAUSTED);
    }
    rig_release(s.rig);
    calls_wait(&s.calls, 10);
    assert_null(rig_call_get(s.client, "x", "x", NULL));
    scene_fini(&s);
}

static void stopping_releases_and_answers_the_parked(void **state)
{
    (void) state;
    scene s;
    scene_init(&s, NULL, TCP);
    calls_park(&s.calls, s.client, 100);
    rig_wait(s.rig, &s.rig->held_count, 100);
    rpc_server_stop(s.rig->server, 0);
    assert_int_equal(s.rig->gone_count, 100);
    rig_release(s.rig);
    assert_int_equal(rpc_server_parked(s.rig->server), 0);
    scene_fini(&s);
}

// The services may still hold calls when the server is long gone.
static void answers_after_the_server_was_freed_are_dropped(void **state)
{
    (void) state;
    scene s;
    scene_init(&s, NULL, TCP);
    calls_park(&s.calls, s.client, 50);
    calls_hold(&s.calls, s.client, 50, NULL);
    rig_wait(s.rig, &s.rig->held_count, 100);
    rig_stop(s.rig);
    rig_release(s.rig);
    scene_fini(&s);
}

static void *release_when_gone(void *data)
{
    rig *r = data;
    rig_wait(r, &r->gone_count, 1);
    rig_release(r);
    return NULL;
}

// A raw requester that waits already: what reaches it has come before the connection was closed.
static void stopping_waits_for_calls_under_way(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF request = {0};
    raw_request(&request, "/errand.v1.JobService/GetResult", NULL, 0);
    raw_send(raw, request.bytes, request.size);
    nng_aio *answer;
    assert_int_equal(nng_aio_alloc(&answer, NULL, NULL), 0);
    nng_recv_aio(raw, answer);
    rig_wait(r, &r->held_count, 1);
    pthread_t answerer;
    assert_int_equal(pthread_create(&answerer, NULL, release_when_gone, r), 0);
    rpc_server_stop(r->server, RIG_TIMEOUT_MS);
    pthread_join(answerer, NULL);
    nng_aio_wait(answer);
    assert_int_equal(nng_aio_result(answer), 0);
    nng_msg_free(nng_aio_get_msg(answer));
    nng_aio_free(answer);
    nng_close(raw);
    rig_free(r);
}

static void nothing_is_parked_on_a_connection_that_has_gone(void **state)
{
    (void) state;
    scene s;
    scene_init(&s, NULL, TCP);
    calls_hold(&s.calls, s.client, 1, NULL);
    calls_park(&s.calls, s.client, 1);
    rig_wait(s.rig, &s.rig->held_count, 2);
    rpc_client_close(s.client);
    s.client = NULL;
    rig_wait(s.rig, &s.rig->gone_count, 1);
    for (size_t i = 0; i < 2; i++) {
        if (i != s.rig->last_gone) {
            assert_false(rpc_call_park(s.rig->held[i], rig_gone, s.rig, 7));
        }
    }
    scene_fini(&s);
}

static void park_as(scene *s, rpc_client *client, const char *request_id)
{
    const rpc_call_options options = {.request_id = request_id};
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    rpc_client_start(client, RIG_JOBS, "GetResult", &request.base, &options, calls_done, &s->calls);
}

// A call that says that nobody waits for another one.
static void end_by(rpc_client *client, const char *request_id)
{
    const rpc_call_options options = {.ends = request_id};
    assert_null(rig_call_get(client, "a", "a", &options));
}

static void a_repeated_call_replaces_its_twin(void **state)
{
    (void) state;
    scene s;
    scene_init(&s, NULL, TCP);
    rpc_client *other = rig_client(s.rig->url);
    const struct {
        rpc_client *client;
        const char *id;
        size_t gone;
    } made[] = {{s.client, "one", 0}, {s.client, "two", 0}, {other, "one", 0},
                {s.client, "one", 1}, {s.client, "one", 2}, {other, "two", 2}};
    size_t count = sizeof made / sizeof made[0];
    for (size_t i = 0; i < count; i++) {
        park_as(&s, made[i].client, made[i].id);
        rig_wait(s.rig, &s.rig->held_count, i + 1);
        rig_wait(s.rig, &s.rig->gone_count, made[i].gone);
    }
    assert_int_equal(s.rig->last_gone, 3);
    assert_int_equal(s.rig->last_reason, RPC_GONE_REPLACED);
    end_by(s.client, "one");  // the latest
    assert_int_equal(s.rig->gone_count, 3);
    assert_int_equal(s.rig->last_gone, 4);
    assert_int_equal(s.rig->last_reason, RPC_GONE_LEFT);
    rig_release(s.rig);
    calls_wait(&s.calls, count);
    rpc_client_close(other);
    scene_fini(&s);
}

static void one_call_is_dropped_by_another_of_its_connection(void **state)
{
    (void) state;
    scene s;
    scene_init(&s, NULL, TCP);
    rpc_client *other = rig_client(s.rig->url);
    const char *ids[] = {"one", "two", "three"};
    for (size_t i = 0; i < 3; i++) {  // so that the ticket of each is known
        park_as(&s, s.client, ids[i]);
        rig_wait(s.rig, &s.rig->held_count, i + 1);
    }
    end_by(other, "two");      // it is not a call of that connection,
    end_by(s.client, "four");  // this is none at all,
    end_by(s.client, "two");
    end_by(s.client, "two");  // and this one is as good as gone
    assert_int_equal(s.rig->gone_count, 1);
    assert_int_equal(s.rig->last_gone, 1);
    end_by(s.client, "three");
    end_by(s.client, "one");
    assert_int_equal(s.rig->gone_count, 3);
    assert_int_equal(s.rig->last_gone, 0);
    rig_release(s.rig);
    calls_wait(&s.calls, 3);
    rpc_client_close(other);
    scene_fini(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(thousands_parked_are_released_when_their_connection_goes),
    cmocka_unit_test(inproc_connections_go_too),
    cmocka_unit_test(thousands_parked_are_all_answered),
    cmocka_unit_test(the_reserve_keeps_other_calls_served),
    cmocka_unit_test(one_connection_may_park_only_its_share),
    cmocka_unit_test(calls_beyond_the_cap_are_resource_exhausted),
    cmocka_unit_test(stopping_releases_and_answers_the_parked),
    cmocka_unit_test(answers_after_the_server_was_freed_are_dropped),
    cmocka_unit_test(stopping_waits_for_calls_under_way),
    cmocka_unit_test(nothing_is_parked_on_a_connection_that_has_gone),
    cmocka_unit_test(a_repeated_call_replaces_its_twin),
    cmocka_unit_test(one_call_is_dropped_by_another_of_its_connection),
};

UNIT_TEST_MAIN(tests)
