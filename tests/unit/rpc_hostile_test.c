// rpc hostile - bytes that no client of ours would send: each gets its own clear status.
#include "unit/rpc_rig.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define TCP "tcp://127.0.0.1:0"

static void garbage_is_invalid_argument(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    buf_append_text(&b, "GET / HTTP/1.1\r\n\r\n");
    assert_raw_refused(raw, &b, STATUS_INVALID_ARGUMENT);
    buf_clear(&b);
    buf_append(&b, "\x0a\x02\xff\xfe", 4);
    assert_raw_refused(raw, &b, STATUS_INVALID_ARGUMENT);
    nng_close(raw);
    rig_free(r);
}

static void an_empty_message_is_answered(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    assert_true(buf_reserve(&b, 1));
    assert_raw_refused(raw, &b, STATUS_UNIMPLEMENTED);
    nng_close(raw);
    rig_free(r);
}

static void an_unknown_method_is_unimplemented_and_named(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    raw_request(&b, "/errand.v1.JobService/Frobnicate", NULL, 0);
    Errand__Rpc__V1__Response *response = raw_call(raw, b.bytes, b.size);
    assert_int_equal(response->status->code, STATUS_UNIMPLEMENTED);
    assert_non_null(strstr(response->status->message, "/errand.v1.JobService/Frobnicate"));
    errand__rpc__v1__response__free_unpacked(response, NULL);
    nng_close(raw);
    rig_free(r);
}

static void an_undecodable_payload_is_invalid_argument(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    raw_request(&b, "/errand.v1.JobService/Get", "\x0a\x7f", 2);
    assert_raw_refused(raw, &b, STATUS_INVALID_ARGUMENT);
    assert_int_equal(r->served, 0);
    nng_close(raw);
    rig_free(r);
}

static void nest(buf *b, const char *tag)
{
    AUTO_BUF outer = {0};
    buf_append_text(&outer, tag);
    for (size_t size = b->size;; size >>= 7) {
        buf_append_char(&outer, (char) (size > 0x7f ? size | 0x80 : size));
        if (size <= 0x7f) {
            break;
        }
    }
    buf_append(&outer, b->bytes, b->size);
    buf_clear(b);
    buf_append(b, outer.bytes, outer.size);
}

static void hostile_nesting_is_invalid_argument(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    const ProtobufCFieldDescriptor *args =
        protobuf_c_message_descriptor_get_field_by_name(&errand__v1__job__descriptor, "args");
    AUTO_BUF payload = {0};
    while (payload.size < 34000) {
        nest(&payload, "\x0a");
        nest(&payload, "\x32");
    }
    char tag[3] = {(char) (args->id << 3 | 2), '\0', '\0'};
    if (args->id > 15) {
        tag[0] = (char) ((args->id << 3 & 0x7f) | 0x82);
        tag[1] = (char) (args->id >> 4);
    }
    nest(&payload, tag);
    nest(&payload, "\x0a");
    AUTO_BUF b = {0};
    raw_request(&b, "/errand.v1.JobService/Submit", payload.bytes, payload.size);
    Errand__Rpc__V1__Response *response = raw_call(raw, b.bytes, b.size);
    assert_int_equal(response->status->code, STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(response->status->message, "job.args"));
    errand__rpc__v1__response__free_unpacked(response, NULL);
    nng_close(raw);
    rig_free(r);
}

static void request_with_timeout(buf *b, int64_t seconds, int32_t nanos)
{
    Errand__Rpc__V1__Request request = ERRAND__RPC__V1__REQUEST__INIT;
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    timeout.seconds = seconds;
    timeout.nanos = nanos;
    request.method = (char *) (uintptr_t) "/errand.v1.JobService/Get";
    request.timeout = &timeout;
    size_t packed = errand__rpc__v1__request__get_packed_size(&request);
    buf_clear(b);
    assert_true(buf_reserve(b, packed));
    b->size = errand__rpc__v1__request__pack(&request, b->bytes);
}

static void an_expired_deadline_is_deadline_exceeded(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    request_with_timeout(&b, 0, 0);
    assert_raw_refused(raw, &b, STATUS_DEADLINE_EXCEEDED);
    assert_int_equal(r->served, 0);
    nng_close(raw);
    rig_free(r);
}

static void an_absurd_timeout_is_invalid_argument(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    request_with_timeout(&b, -1, 0);
    assert_raw_refused(raw, &b, STATUS_INVALID_ARGUMENT);
    request_with_timeout(&b, INT64_MAX, 0);
    assert_raw_refused(raw, &b, STATUS_INVALID_ARGUMENT);
    request_with_timeout(&b, 1, 1000000000);
    assert_raw_refused(raw, &b, STATUS_INVALID_ARGUMENT);
    request_with_timeout(&b, 1, -1);
    assert_raw_refused(raw, &b, STATUS_INVALID_ARGUMENT);
    nng_close(raw);
    rig_free(r);
}

static rpc_server_options small_messages(void)
{
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_message_bytes = 10000;
    return options;
}

static void assert_cap_over(const char *url)
{
    rpc_server_options options = small_messages();
    rig *r = rig_new(&options, url);
    nng_socket raw = raw_dial(r->url);
    AUTO_BUF b = {0};
    static const char filler[60000];
    raw_request(&b, "/errand.v1.JobService/Get", filler, 10000);
    assert_raw_refused(raw, &b, STATUS_RESOURCE_EXHAUSTED);
    raw_request(&b, "/errand.v1.JobService/Get", filler, 30000);
    assert_raw_refused(raw, &b, STATUS_RESOURCE_EXHAUSTED);
    nng_close(raw);
    rig_free(r);
}

static void a_request_over_the_cap_is_resource_exhausted(void **state)
{
    (void) state;
    assert_cap_over(TCP);
}

static void inproc_has_the_same_cap(void **state)
{
    (void) state;
    assert_cap_over("inproc://cap");
}

static void four_times_the_cap_drops_that_connection_only(void **state)
{
    (void) state;
    rpc_server_options options = small_messages();
    rig *r = rig_new(&options, TCP);
    rpc_client *other = rig_client(r->url);
    assert_null(rig_call_get(other, "before", "before", NULL));
    nng_socket raw = raw_dial(r->url);
    static const char filler[60000];
    raw_send(raw, filler, sizeof filler);
    nng_msg *message;
    assert_int_equal(nng_recvmsg(raw, &message, 0), NNG_ECONNRESET);
    assert_null(rig_call_get(other, "after", "after", NULL));
    nng_close(raw);
    rpc_client_close(other);
    rig_free(r);
}

static void a_reply_over_the_cap_is_resource_exhausted(void **state)
{
    (void) state;
    rpc_server_options options = small_messages();
    rig *r = rig_new(&options, TCP);
    rpc_client *client = rig_client(r->url);
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) "big";
    request.view = (Errand__V1__JobView) 20000;
    ProtobufCMessage *reply = NULL;
    AUTO(status) s = rpc_client_call(client, RIG_JOBS, "Get", &request.base, NULL, &reply);
    assert_int_equal(status_code_of(s), STATUS_RESOURCE_EXHAUSTED);
    request.view = (Errand__V1__JobView) 9000;
    assert_null(rpc_client_call(client, RIG_JOBS, "Get", &request.base, NULL, &reply));
    assert_int_equal(strlen(((Errand__V1__Job *) reply)->id), 9000);
    protobuf_c_message_free_unpacked(reply, NULL);
    rpc_client_close(client);
    rig_free(r);
}

static void the_memory_of_all_requests_is_capped(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_memory_bytes = 4000;
    rig *r = rig_new(&options, TCP);
    nng_socket raw = raw_dial(r->url);
    static const char filler[4096];
    AUTO_BUF b = {0};
    raw_request(&b, "/errand.v1.JobService/Get", filler, sizeof filler);
    assert_raw_refused(raw, &b, STATUS_RESOURCE_EXHAUSTED);
    nng_close(raw);
    rpc_client *client = rig_client(r->url);
    for (int i = 0; i < 100; i++) {  // what is answered counts no longer
        assert_null(rig_call_get(client, "x", "x", NULL));
    }
    rpc_client_close(client);
    rig_free(r);
}

static int connect_plainly(const char *url)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t) strtol(strrchr(url, ':') + 1, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

// SP over TCP: a greeting, then each message behind its length in eight bytes, here with the id of
// the request in front.
static void send_plainly(int fd, uint8_t id, const buf *request)
{
    AUTO_BUF bytes = {0};
    size_t size = request->size + 4;
    buf_append(&bytes, "\0\0\0\0\0\0", 6);
    buf_append_char(&bytes, (char) (size >> 8));
    buf_append_char(&bytes, (char) size);
    buf_append(&bytes, "\x80\0\0", 3);
    buf_append_char(&bytes, (char) id);
    buf_append(&bytes, request->bytes, request->size);
    assert_int_equal(send(fd, bytes.bytes, bytes.size, 0), bytes.size);
}

static void a_peer_that_never_reads_loses_its_connection(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.send_timeout_ms = 50;
    rig *r = rig_new(&options, TCP);
    int fd = connect_plainly(r->url);
    assert_int_equal(send(fd, "\0SP\0\0\x30\0\0", 8, 0), 8);
    Errand__V1__GetJobRequest get = ERRAND__V1__GET_JOB_REQUEST__INIT;
    get.id = (char *) (uintptr_t) "big";
    get.view = (Errand__V1__JobView) 8000000;
    uint8_t payload[64];
    size_t size = errand__v1__get_job_request__pack(&get, payload);
    AUTO_BUF request = {0};
    raw_request(&request, "/errand.v1.JobService/GetResult", NULL, 0);
    send_plainly(fd, 100, &request);
    rig_wait(r, &r->held_count, 1);
    raw_request(&request, "/errand.v1.JobService/Get", payload, size);
    for (uint8_t id = 0; id < 8; id++) {
        send_plainly(fd, id, &request);
    }
    rig_wait(r, &r->gone_count, 1);  // of the call that is parked on the same connection
    rpc_client *client = rig_client(r->url);
    assert_null(rig_call_get(client, "others", "others", NULL));
    rpc_client_close(client);
    close(fd);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(garbage_is_invalid_argument),
    cmocka_unit_test(an_empty_message_is_answered),
    cmocka_unit_test(an_unknown_method_is_unimplemented_and_named),
    cmocka_unit_test(an_undecodable_payload_is_invalid_argument),
    cmocka_unit_test(hostile_nesting_is_invalid_argument),
    cmocka_unit_test(an_expired_deadline_is_deadline_exceeded),
    cmocka_unit_test(an_absurd_timeout_is_invalid_argument),
    cmocka_unit_test(a_request_over_the_cap_is_resource_exhausted),
    cmocka_unit_test(inproc_has_the_same_cap),
    cmocka_unit_test(four_times_the_cap_drops_that_connection_only),
    cmocka_unit_test(a_reply_over_the_cap_is_resource_exhausted),
    cmocka_unit_test(the_memory_of_all_requests_is_capped),
    cmocka_unit_test(a_peer_that_never_reads_loses_its_connection),
};

UNIT_TEST_MAIN(tests)
