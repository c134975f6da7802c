// rpc client - retries, deadlines, the window, closing.
#include "unit/rpc_calls.h"

#include "base/uuid.h"

#include <nng/protocol/reqrep0/rep.h>

#define TCP "tcp://127.0.0.1:0"

static void ipc_url(char *ret, size_t size, const char *name)
{
    snprintf(ret, size, "ipc:///tmp/errand-rpc-client-%d-%s", (int) getpid(), name);
}

static void every_call_has_a_fresh_request_id_and_a_deadline(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    assert_null(rig_call_get(client, "a", "a", NULL));
    uuid first;
    assert_true(uuid_parse(r->last_request_id, &first));
    assert_int_equal(first.bytes[6] >> 4, 7);
    assert_true(r->had_deadline);
    assert_null(rig_call_get(client, "a", "a", NULL));
    uuid second;
    assert_true(uuid_parse(r->last_request_id, &second));
    assert_false(uuid_equal(&first, &second));
    rpc_call_options own = {.request_id = "mine"};
    assert_null(rig_call_get(client, "a", "a", &own));
    assert_string_equal(r->last_request_id, "mine");
    rpc_client_close(client);
    rig_free(r);
}

static void an_unavailable_server_is_asked_again_with_the_same_request_id(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    calls c;
    calls_init(&c);
    calls_get(&c, client, "busy", NULL);
    rig_wait(r, &r->served, 1);
    char first[64];
    pthread_mutex_lock(&r->lock);
    snprintf(first, sizeof first, "%s", r->last_request_id);
    pthread_mutex_unlock(&r->lock);
    rig_wait(r, &r->served, 3);
    atomic_store(&r->busy, false);
    calls_wait(&c, 1);
    assert_int_equal(c.succeeded, 1);
    assert_string_equal(r->last_request_id, first);
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void once_means_once(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    rpc_call_options options = {.once = true};
    AUTO(status) s = rig_call_get(client, "busy", NULL, &options);
    assert_int_equal(status_code_of(s), STATUS_UNAVAILABLE);
    assert_int_equal(r->served, 1);
    rpc_client_close(client);
    rig_free(r);
}

static void retries_end_with_the_deadline_and_tell_the_last_failure(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    rpc_call_options options = {.timeout_ms = 100};
    int told = 0;
    for (int i = 0; i < 10; i++) {
        AUTO(status) s = rig_call_get(client, "busy", NULL, &options);
        bool busy = status_code_of(s) == STATUS_UNAVAILABLE;
        // A retry that comes too late at the server is refused for that.
        assert_true(busy || status_code_of(s) == STATUS_DEADLINE_EXCEEDED);
        told += busy && strcmp(s->message, "busy") == 0;
    }
    assert_true(told > 0);
    rpc_client_close(client);
    rig_free(r);
}

static void a_passed_deadline_names_method_and_server(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    assert_null(rig_call_get(client, "a", "a", NULL));
    calls c;
    calls_init(&c);
    rpc_call_options options = {.timeout_ms = 50};
    calls_hold(&c, client, 1, &options);
    calls_wait(&c, 1);
    assert_int_equal(status_code_of(c.last_failure), STATUS_DEADLINE_EXCEEDED);
    assert_non_null(strstr(c.last_failure->message, "errand.v1.JobService/List"));
    assert_non_null(strstr(c.last_failure->message, r->url));
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void a_late_answer_disturbs_nobody(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client_with_window(r->url, 1);
    calls c;
    calls_init(&c);
    assert_null(rig_call_get(client, "connected", "connected", NULL));
    rpc_call_options options = {.timeout_ms = 100};
    for (size_t i = 1; i <= 5; i++) {
        calls_hold(&c, client, 1, &options);
        calls_wait(&c, i);
        rig_wait(r, &r->held_count, 1);
        rig_release(r);
        assert_null(rig_call_get(client, "next", "next", NULL));
    }
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void a_server_that_was_never_there_is_unavailable(void **state)
{
    (void) state;
    rpc_client *client = rig_client("tcp://127.0.0.1:1");
    rpc_call_options options = {.timeout_ms = 100};
    AUTO(status) s = rig_call_get(client, "a", NULL, &options);
    assert_int_equal(status_code_of(s), STATUS_UNAVAILABLE);
    assert_non_null(strstr(s->message, "could not connect to tcp://127.0.0.1:1"));
    rpc_client_close(client);
}

// A busy machine may need longer than the client shall wait.
static void connect_at_last(rpc_client *client)
{
    status *failure;
    while ((failure = rig_call_get(client, "connected", "connected", NULL)) != NULL) {
        status_free(failure);
    }
}

static void a_server_that_went_away_is_soon_unavailable(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = r->url;
    options.connect_timeout_ms = 50;
    rpc_client *client = NULL;
    assert_null(rpc_client_open(&options, &client));
    connect_at_last(client);
    rpc_server_stop(r->server, 0);
    const rpc_call_options patient = {.timeout_ms = 3600000};  // far beyond the test's own limit
    AUTO(status) s = rig_call_get(client, "a", NULL, &patient);
    assert_int_equal(status_code_of(s), STATUS_UNAVAILABLE);
    assert_non_null(strstr(s->message, "could not connect to tcp://127.0.0.1:"));
    rpc_client_close(client);
    rig_free(r);
}

static void a_url_that_can_not_be_is_invalid_argument(void **state)
{
    (void) state;
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = "gopher://x";
    rpc_client *client = NULL;
    AUTO(status) s = rpc_client_open(&options, &client);
    assert_int_equal(status_code_of(s), STATUS_INVALID_ARGUMENT);
    assert_null(client);
}

static void calls_wait_for_a_server_that_starts_later(void **state)
{
    (void) state;
    char url[96];
    ipc_url(url, sizeof url, "later");
    rpc_client *client = rig_client(url);
    calls c;
    calls_init(&c);
    calls_get(&c, client, "early", NULL);
    rig *r = rig_new(NULL, url);
    calls_wait(&c, 1);
    assert_string_equal(c.last_id, "early");
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void a_call_survives_a_restart_of_the_server(void **state)
{
    (void) state;
    char url[96];
    ipc_url(url, sizeof url, "restart");
    rig *r = rig_new(NULL, url);
    rpc_client *client = rig_client(url);
    calls c;
    calls_init(&c);
    calls_hold(&c, client, 20, NULL);
    rig_restart_holding(r, url, 20, 20);
    assert_null(rig_call_get(client, "a", "a", NULL));
    rig_release(r);
    calls_wait(&c, 20);
    assert_int_equal(status_code_of(c.last_failure), STATUS_INTERNAL);  // as the rig answers
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

// The pause between two tries and all waits of a call are of the same timer of nng.
static void a_deadline_holds_after_a_second_try(void **state)
{
    (void) state;
    char url[96];
    ipc_url(url, sizeof url, "deadline");
    rig *r = rig_new(NULL, url);
    rpc_client *client = rig_client_with_window(url, 1);
    calls c;
    calls_init(&c);
    calls_hold(&c, client, 1, NULL);
    rig_restart_holding(r, url, 1, 1);
    rig_release(r);
    calls_wait(&c, 1);
    rpc_call_options options = {.timeout_ms = 50};
    calls_hold(&c, client, 1, &options);
    calls_wait(&c, 2);
    assert_int_equal(status_code_of(c.last_failure), STATUS_DEADLINE_EXCEEDED);
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void a_broken_connection_without_retry_is_unavailable(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    calls c;
    calls_init(&c);
    rpc_call_options options = {.once = true};
    calls_hold(&c, client, 1, &options);
    rig_wait(r, &r->held_count, 1);
    rig_stop(r);
    calls_wait(&c, 1);
    assert_int_equal(status_code_of(c.last_failure), STATUS_UNAVAILABLE);
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void a_request_over_the_cap_is_not_sent(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client_options options;
    rpc_client_options_init(&options);
    options.url = r->url;
    options.max_message_bytes = 1000;
    rpc_client *client;
    assert_null(rpc_client_open(&options, &client));
    static char id[2000];
    memset(id, 'x', sizeof id - 1);
    AUTO(status) s = rig_call_get(client, id, NULL, NULL);
    assert_int_equal(status_code_of(s), STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(r->served, 0);
    rpc_client_close(client);
    rig_free(r);
}

static void a_method_that_is_not_in_the_service_is_unimplemented(void **state)
{
    (void) state;
    rpc_client *client = rig_client("tcp://127.0.0.1:1");
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    ProtobufCMessage *reply;
    AUTO(status) s = rpc_client_call(client, RIG_JOBS, "Frobnicate", &request.base, NULL, &reply);
    assert_int_equal(status_code_of(s), STATUS_UNIMPLEMENTED);
    rpc_client_close(client);
}

typedef struct stub_answer {
    calls *calls;
    bool null;
} stub_answer;

static void on_stub_job(const Errand__V1__Job *job, void *data)
{
    stub_answer *answer = data;
    answer->null = job == NULL;
    AUTO(status) failure = job == NULL ? status_new(STATUS_UNKNOWN, "null") : NULL;
    calls_done(answer->calls, job == NULL ? NULL : &job->base, failure);
}

static void typed_stubs_work_on_both_sides(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    ProtobufCService *stub = rpc_client_stub(client, RIG_JOBS);
    calls c;
    calls_init(&c);
    stub_answer answer = {&c, true};
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) "typed";
    errand__v1__job_service__get(stub, &request, on_stub_job, &answer);
    calls_wait(&c, 1);
    assert_string_equal(c.last_id, "typed");
    request.id = (char *) (uintptr_t) "fail";
    errand__v1__job_service__get(stub, &request, on_stub_job, &answer);
    calls_wait(&c, 2);
    assert_true(answer.null);
    rpc_stub_free(stub);
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void reconnecting_drops_the_connection_and_calls_go_on(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    calls c;
    calls_init(&c);
    calls_park(&c, client, 1);
    rig_wait(r, &r->held_count, 1);
    rpc_client_reconnect(client);
    rig_wait(r, &r->gone_count, 1);
    rig_wait(r, &r->held_count, 2);  // tried again over the new one
    assert_null(rig_call_get(client, "a", "a", NULL));
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

// A server of its own that answers the first request with the given bytes.

static void *answer_with_garbage(void *data)
{
    nng_socket socket = *(nng_socket *) data;
    nng_msg *message;
    if (nng_recvmsg(socket, &message, 0) == 0) {
        nng_msg_clear(message);
        nng_msg_append(message, "\x12\xff", 2);
        nng_sendmsg(socket, message, 0);
    }
    return NULL;
}

static void a_damaged_reply_is_internal(void **state)
{
    (void) state;
    nng_socket server;
    assert_int_equal(nng_rep0_open(&server), 0);
    assert_int_equal(nng_listen(server, "inproc://garbage", NULL, 0), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_with_garbage, &server), 0);
    rpc_client *client = rig_client("inproc://garbage");
    AUTO(status) s = rig_call_get(client, "a", NULL, NULL);
    assert_int_equal(status_code_of(s), STATUS_INTERNAL);
    pthread_join(thread, NULL);
    rpc_client_close(client);
    nng_close(server);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_call_has_a_fresh_request_id_and_a_deadline),
    cmocka_unit_test(an_unavailable_server_is_asked_again_with_the_same_request_id),
    cmocka_unit_test(once_means_once),
    cmocka_unit_test(retries_end_with_the_deadline_and_tell_the_last_failure),
    cmocka_unit_test(a_passed_deadline_names_method_and_server),
    cmocka_unit_test(a_late_answer_disturbs_nobody),
    cmocka_unit_test(a_server_that_was_never_there_is_unavailable),
    cmocka_unit_test(a_server_that_went_away_is_soon_unavailable),
    cmocka_unit_test(a_url_that_can_not_be_is_invalid_argument),
    cmocka_unit_test(calls_wait_for_a_server_that_starts_later),
    cmocka_unit_test(a_call_survives_a_restart_of_the_server),
    cmocka_unit_test(a_deadline_holds_after_a_second_try),
    cmocka_unit_test(a_broken_connection_without_retry_is_unavailable),
    cmocka_unit_test(a_request_over_the_cap_is_not_sent),
    cmocka_unit_test(a_method_that_is_not_in_the_service_is_unimplemented),
    cmocka_unit_test(typed_stubs_work_on_both_sides),
    cmocka_unit_test(reconnecting_drops_the_connection_and_calls_go_on),
    cmocka_unit_test(a_damaged_reply_is_internal),
};

UNIT_TEST_MAIN(tests)
