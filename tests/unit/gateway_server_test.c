// The gateway as a whole: health, methods, hosts and origins, credentials, crowds, its end.
#include "unit/gateway_rig_client.h"

#include <sys/resource.h>

static int set_up(void **state)
{
    static const char *const origins[] = {"https://app.example"};
    static const char *const hosts[] = {"jobs.example"};
    gateway_options options;
    rig_options(&options);
    options.origins = origins;
    options.origin_count = 1;
    options.hosts = hosts;
    options.host_count = 1;
    *state = rig_new(&options);
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static void a_gateway_is_alive_without_its_server(void **state)
{
    rig *r = *state;
    rpc_server_stop(r->server, 0);
    answer got = rig_request(r, "GET", "/healthz", "", NULL);
    assert_int_equal(got.http_status, 200);
    got = rig_request(r, "GET", "/readyz", "", NULL);
    assert_problem(&got, 503, "UNAVAILABLE");
    assert_has_not(got.body, "127.0.0.1");
}

static void a_gateway_is_ready_when_its_server_serves(void **state)
{
    rig *r = *state;
    answer got = rig_request(r, "GET", "/readyz", "", NULL);
    assert_int_equal(got.http_status, 200);
    pthread_mutex_lock(&r->lock);
    r->health = "draining";
    pthread_mutex_unlock(&r->lock);
    got = rig_request(r, "GET", "/readyz", "", NULL);
    assert_problem(&got, 503, "UNAVAILABLE");
    assert_has(got.body, "draining");
}

static void readiness_is_asked_with_the_gateways_own_token(void **state)
{
    rig *r = *state;
    (void) rig_request(r, "GET", "/readyz", "Authorization: Bearer theirs\r\n", NULL);
    assert_string_equal(r->authorization, "Bearer own");
}

static void credentials_and_trace_are_passed_on(void **state)
{
    rig *r = *state;
    const char *trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    char headers[256];
    (void) snprintf(headers, sizeof headers, "Authorization: Bearer theirs\r\ntraceparent: %s\r\n",
                    trace);
    (void) rig_request(r, "GET", "/v1/jobs/x", headers, NULL);
    assert_string_equal(r->authorization, "Bearer theirs");
    assert_string_equal(r->traceparent, trace);
}

static void the_gateways_token_is_not_lent_to_others(void **state)
{
    rig *r = *state;
    (void) rig_request(r, "GET", "/v1/jobs/x", "traceparent: 00-bad\r\n", NULL);
    assert_string_equal(r->authorization, "(none)");
    assert_string_equal(r->traceparent, "(none)");
}

static void unknown_paths_and_methods_are_told_apart(void **state)
{
    answer got = rig_request(*state, "GET", "/nowhere", "", NULL);
    assert_problem(&got, 404, "NOT_FOUND");
    got = rig_request(*state, "PUT", "/v1/jobs", "", NULL);
    assert_problem(&got, 405, "UNIMPLEMENTED");
    assert_has(got.head, "Allow: POST, GET, HEAD, OPTIONS\r\n");
    got = rig_request(*state, "GET", "/v1/jobs:batch", "", NULL);
    assert_problem(&got, 405, "UNIMPLEMENTED");
    assert_has(got.head, "Allow: POST, OPTIONS\r\n");
    got = rig_request(*state, "GET", "/healthz?x=1", "", NULL);
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    got = rig_request(*state, "GET", "/healthz", JSON_TYPE, "{}");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
}

static int ask_host(rig *r, const char *host)
{
    char text[256];
    (void) snprintf(text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    return rig_ask(r, text).http_status;
}

static void only_known_hosts_are_served(void **state)
{
    assert_int_equal(ask_host(*state, "127.0.0.1:6780"), 200);
    assert_int_equal(ask_host(*state, "[::1]:6780"), 200);
    assert_int_equal(ask_host(*state, "LOCALHOST"), 200);
    assert_int_equal(ask_host(*state, "jobs.example:443"), 200);
    assert_int_equal(ask_host(*state, "evil.example"), 403);
    assert_int_equal(ask_host(*state, "127.0.0.1.evil.example"), 403);
    assert_int_equal(ask_host(*state, "localhost:80:90"), 403);
    assert_int_equal(ask_host(*state, "localhost\r\nHost: localhost"), 400);
    assert_int_equal(rig_ask(*state, "GET /healthz HTTP/1.1\r\n\r\n").http_status, 400);
    assert_int_equal(rig_ask(*state, "GET /healthz HTTP/1.0\r\n\r\n").http_status, 200);
}

static void only_known_origins_are_served(void **state)
{
    answer got =
        rig_request(*state, "POST", "/v1/jobs", JSON_TYPE "Origin: http://evil.example\r\n", "{}");
    assert_problem(&got, 403, "PERMISSION_DENIED");
    got = rig_request(*state, "GET", "/v1/jobs/x", "Origin: null\r\n", NULL);
    assert_problem(&got, 403, "PERMISSION_DENIED");
    got = rig_request(*state, "GET", "/v1/jobs/x", "Origin: http://localhost:1\r\n", NULL);
    assert_problem(&got, 403, "PERMISSION_DENIED");
    got = rig_request(*state, "GET", "/v1/jobs/x", "Origin: http://localhost\r\n", NULL);
    assert_int_equal(got.http_status, 200);
    got = rig_request(*state, "GET", "/v1/jobs/x", "Origin: https://app.example\r\n", NULL);
    assert_int_equal(got.http_status, 200);
    assert_has(got.head, "Access-Control-Allow-Origin: https://app.example\r\n");
}

static void connections_are_kept_unless_the_client_wants_otherwise(void **state)
{
    answer got = rig_request(*state, "GET", "/healthz", "", NULL);
    assert_has(got.head, "Connection: keep-alive\r\n");
    got = rig_request(*state, "GET", "/healthz", "Connection: close\r\n", NULL);
    assert_true(got.closed);
}

// More idle connections than places: the oldest have to go, so that new ones are served.
static void idle_connections_do_not_keep_new_ones_out(void **state)
{
    enum { CROWD = 200 };
    int fds[CROWD];
    for (int i = 0; i < CROWD; i++) {
        fds[i] = rig_connect(*state);
    }
    for (int i = 0; i < 5; i++) {
        answer got = rig_request(*state, "GET", "/healthz", "", NULL);
        assert_int_equal(got.http_status, 200);
    }
    for (int i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

static void two_thousand_idle_connections_are_all_kept(void **state)
{
    (void) state;
    enum { CROWD = 2000 };
    static int fds[CROWD];
    struct rlimit limit = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 8192) {
        skip();
    }
    gateway_options options;
    gateway_options_init(&options);
    options.listen = "127.0.0.1:0";
    rig *r = rig_new(&options);
    for (int i = 0; i < CROWD; i++) {
        fds[i] = rig_connect(r);
    }
    answer got = rig_request(r, "GET", "/healthz", "", NULL);
    assert_int_equal(got.http_status, 200);
    for (int i = 0; i < CROWD; i += 100) {
        rig_send(fds[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        rig_receive(fds[i], false, &got);
        assert_int_equal(got.http_status, 200);
    }
    for (int i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
    rig_free(r);
}

// Half of the threads may wait; beyond, the state so far is told at once.
static void waits_beyond_the_cap_are_answered_at_once(void **state)
{
    rig *r = *state;
    enum { HALF = 16 };
    int fds[HALF];
    for (int i = 0; i < HALF; i++) {
        fds[i] = rig_connect(r);
        rig_send(fds[i], "GET /v1/jobs/" RIG_ID "5/result?wait=60s HTTP/1.1\r\n"
                         "Host: localhost\r\n\r\n");
        rig_wait_parked(r, (size_t) i + 1);
        assert_int_equal(r->wait_s, 60);
    }
    (void) rig_request(r, "GET", "/v1/jobs/" RIG_ID "1/result?wait=60s", "", NULL);
    assert_int_equal(r->wait_s, -1);
    for (int i = 0; i < HALF; i++) {
        close(fds[i]);
    }
}

typedef struct asker {
    rig *r;
    answer got;
} asker;

static void *ask_and_wait(void *data)
{
    asker *a = data;
    a->got = rig_request(a->r, "GET", "/v1/jobs/" RIG_ID "5/result?wait=60s", "", NULL);
    return NULL;
}

static void a_stop_does_not_wait_for_long_polls(void **state)
{
    (void) state;
    rig *r = rig_new(NULL);
    asker a = {.r = r};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_and_wait, &a), 0);
    rig_wait_parked(r, 1);
    gateway_stop(r->gateway);
    r->gateway = NULL;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_problem(&a.got, 503, "UNAVAILABLE");
    assert_has(a.got.head, "Retry-After: 1\r\n");
    rig_free(r);
}

static void an_address_of_ipv6_is_served_or_said_to_be_unknown(void **state)
{
    const rig *r = *state;
    gateway *served = NULL;
    char *url = NULL;
    gateway_options options;
    rig_options(&options);
    rig_aim(r, &options);
    options.listen = "[::1]:0";
    AUTO(status) failure = gateway_start(&options, &served, &url);
    if (failure != NULL) {
        assert_int_equal(failure->code, STATUS_UNIMPLEMENTED);
        assert_has(failure->message, "built without IPv6");
    }
    gateway_stop(served);
    free(url);
}

static void a_taken_port_is_said_plainly(void **state)
{
    rig *r = *state;
    gateway_options options;
    rig_options(&options);
    rig_aim(r, &options);
    char listen[32];
    (void) snprintf(listen, sizeof listen, "127.0.0.1:%d", r->port);
    options.listen = listen;
    gateway *second = NULL;
    char *url = NULL;
    AUTO(status) failure = gateway_start(&options, &second, &url);
    assert_int_equal(status_code_of(failure), STATUS_UNAVAILABLE);
    assert_has(failure->message, listen);
    assert_null(second);
    assert_null(url);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_gateway_is_alive_without_its_server, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_gateway_is_ready_when_its_server_serves, set_up, tear_down),
    cmocka_unit_test_setup_teardown(readiness_is_asked_with_the_gateways_own_token, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(credentials_and_trace_are_passed_on, set_up, tear_down),
    cmocka_unit_test_setup_teardown(the_gateways_token_is_not_lent_to_others, set_up, tear_down),
    cmocka_unit_test_setup_teardown(unknown_paths_and_methods_are_told_apart, set_up, tear_down),
    cmocka_unit_test_setup_teardown(only_known_hosts_are_served, set_up, tear_down),
    cmocka_unit_test_setup_teardown(only_known_origins_are_served, set_up, tear_down),
    cmocka_unit_test_setup_teardown(connections_are_kept_unless_the_client_wants_otherwise, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(idle_connections_do_not_keep_new_ones_out, set_up, tear_down),
    cmocka_unit_test(two_thousand_idle_connections_are_all_kept),
    cmocka_unit_test_setup_teardown(waits_beyond_the_cap_are_answered_at_once, set_up, tear_down),
    cmocka_unit_test(a_stop_does_not_wait_for_long_polls),
    cmocka_unit_test_setup_teardown(an_address_of_ipv6_is_served_or_said_to_be_unknown, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(a_taken_port_is_said_plainly, set_up, tear_down),
};

UNIT_TEST_MAIN(tests)
