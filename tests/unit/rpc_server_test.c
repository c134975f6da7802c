// rpc server - what every caller gets to see, hostile ones included.
#include "unit/rpc_rig.h"

#include "base/metrics.h"

#define TCP "tcp://127.0.0.1:0"

static void assert_echo_over(const char *url)
{
    rig *r = rig_new(NULL, url);
    rpc_client *client = rig_client(r->url);
    assert_null(rig_call_get(client, "abc", "abc", NULL));
    rpc_client_close(client);
    rig_free(r);
}

static void a_call_over_tcp_is_answered(void **state)
{
    (void) state;
    assert_echo_over(TCP);
}

static void a_call_over_ipc_is_answered(void **state)
{
    (void) state;
    char url[64];
    snprintf(url, sizeof url, "ipc:///tmp/errand-rpc-test-%d", (int) getpid());
    assert_echo_over(url);
}

static void a_call_over_inproc_is_answered(void **state)
{
    (void) state;
    assert_echo_over("inproc://echo");
}

static void port_0_is_told_as_a_real_port(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    assert_int_equal(strncmp(r->url, "tcp://127.0.0.1:", 16), 0);
    assert_true(strtol(r->url + 16, NULL, 10) > 0);
    rig_free(r);
}

static void a_taken_address_is_failed_precondition(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    char *url = NULL;
    AUTO(status) s = rpc_server_listen(r->server, r->url, &url);
    assert_int_equal(status_code_of(s), STATUS_FAILED_PRECONDITION);
    assert_null(url);
    AUTO(status) wrong = rpc_server_listen(r->server, "gopher://x", &url);
    assert_int_equal(status_code_of(wrong), STATUS_INVALID_ARGUMENT);
    rig_free(r);
}

static void one_server_serves_two_services_on_two_addresses(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    char *second = NULL;
    assert_null(rpc_server_listen(r->server, "inproc://second", &second));
    rpc_client *client = rig_client(second);
    assert_null(rig_call_get(client, "abc", "abc", NULL));
    Errand__V1__GetInfoRequest request = ERRAND__V1__GET_INFO_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    assert_null(rpc_client_call(client, RIG_INFO, "GetInfo", &request.base, NULL, &reply));
    assert_string_equal(((Errand__V1__ServerInfo *) reply)->version, "7.7");
    protobuf_c_message_free_unpacked(reply, NULL);
    rpc_client_close(client);
    free(second);
    rig_free(r);
}

static void a_failure_arrives_whole(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client(r->url);
    AUTO(status) s = rig_call_get(client, "fail", NULL, NULL);
    assert_int_equal(status_code_of(s), STATUS_NOT_FOUND);
    assert_string_equal(s->message, "no job \"fail\"");
    assert_int_equal(s->violation_count, 1);
    assert_string_equal(s->violations[0].field, "id");
    rpc_client_close(client);
    rig_free(r);
}

// SubmitRequest.job.args with 34 KB of lists of lists.

static void the_request_id_comes_back(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    Errand__Rpc__V1__Request request = ERRAND__RPC__V1__REQUEST__INIT;
    Errand__Rpc__V1__Request__MetadataEntry id = ERRAND__RPC__V1__REQUEST__METADATA_ENTRY__INIT;
    Errand__Rpc__V1__Request__MetadataEntry *metadata[] = {&id};
    id.key = (char *) (uintptr_t) "request-id";
    id.value = (char *) (uintptr_t) "r-77";
    request.metadata = metadata;
    request.n_metadata = 1;
    const char *methods[] = {"/errand.v1.JobService/Get", "/no.such/Method"};
    for (size_t i = 0; i < 2; i++) {
        request.method = (char *) (uintptr_t) methods[i];
        uint8_t bytes[256];
        size_t size = errand__rpc__v1__request__pack(&request, bytes);
        Errand__Rpc__V1__Response *response = raw_call(raw, bytes, size);
        assert_int_equal(response->n_metadata, 1);
        assert_string_equal(response->metadata[0]->key, "request-id");
        assert_string_equal(response->metadata[0]->value, "r-77");
        errand__rpc__v1__response__free_unpacked(response, NULL);
    }
    assert_string_equal(r->last_request_id, "r-77");
    nng_close(raw);
    rig_free(r);
}

static status *admit(void *data, const char *method, const char *authorization, rpc_caller *ret)
{
    (void) data;
    assert_string_equal(method, "/errand.v1.JobService/Get");
    if (authorization == NULL) {
        return status_new(STATUS_UNAUTHENTICATED, "no token");
    }
    *ret = (rpc_caller){.name = "somebody", .grant = data};
    return NULL;
}

static void a_caller_without_token_is_refused_before_decoding(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.authorize = admit;
    rig *r = rig_new(&options, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    raw_request(&b, "/errand.v1.JobService/Get", "\xff", 1);
    assert_raw_refused(raw, &b, STATUS_UNAUTHENTICATED);
    nng_close(raw);
    rpc_client *client = rig_client(r->url);
    rpc_call_options with_token = {.authorization = "Bearer x"};
    assert_null(rig_call_get(client, "in", "in", &with_token));
    rpc_client_close(client);
    rig_free(r);
}

static void a_method_without_an_answer_is_internal(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    raw_request(&b, "/errand.v1.JobService/Cancel", NULL, 0);
    assert_raw_refused(raw, &b, STATUS_INTERNAL);
    nng_close(raw);
    rig_free(r);
}

static double number_of(const char *sample)
{
    AUTO_BUF out = {0};
    metrics_render(&out);
    const char *found = strstr(buf_text(&out), sample);
    return found != NULL ? strtod(found + strlen(sample), NULL) : 0;
}

#define GET_CALLS "errand_rpc_requests_total{method=\"/errand.v1.JobService/Get\",code=\"OK\"} "
#define GET_TIMES "errand_rpc_request_duration_seconds_count{method=\"/errand.v1.JobService/Get\"} "

// Other tests of this process may have counted before.
static void calls_are_counted_by_method_and_code(void **state)
{
    (void) state;
    double calls = number_of(GET_CALLS), times = number_of(GET_TIMES);
    assert_echo_over(TCP);
    assert_echo_over(TCP);
    assert_int_equal((int) (number_of(GET_CALLS) - calls), 2);
    assert_int_equal((int) (number_of(GET_TIMES) - times), 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_call_over_tcp_is_answered),
    cmocka_unit_test(a_call_over_ipc_is_answered),
    cmocka_unit_test(a_call_over_inproc_is_answered),
    cmocka_unit_test(port_0_is_told_as_a_real_port),
    cmocka_unit_test(a_taken_address_is_failed_precondition),
    cmocka_unit_test(one_server_serves_two_services_on_two_addresses),
    cmocka_unit_test(a_failure_arrives_whole),
    cmocka_unit_test(the_request_id_comes_back),
    cmocka_unit_test(a_caller_without_token_is_refused_before_decoding),
    cmocka_unit_test(a_method_without_an_answer_is_internal),
    cmocka_unit_test(calls_are_counted_by_method_and_code),
};

UNIT_TEST_MAIN(tests)
