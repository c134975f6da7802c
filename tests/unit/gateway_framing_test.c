// Where requests end: what the gateway refuses on the wire, and that it goes on serving.
#include "unit/gateway_rig_client.h"

#define HOST "Host: localhost\r\n"
#define POST "POST /v1/jobs HTTP/1.1\r\n" HOST JSON_TYPE
#define BODY "{\"queue\":\"q\"}"  // 13 bytes

static int set_up(void **state)
{
    gateway_options options;
    rig_options(&options);
    options.max_body_bytes = 1000;
    options.request_timeout_us = 300000;
    *state = rig_new(&options);
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

// The connection must go, so that nothing behind the request can be taken for another one.
static void assert_refused_and_closed(rig *r, const char *text, int http_status)
{
    answer got;
    char byte;
    int fd = rig_connect(r);
    rig_send(fd, text);
    rig_receive(fd, false, &got);
    if (got.http_status != http_status) {
        fail_msg("%d instead of %d for %s", got.http_status, http_status, text);
    }
    assert_has(got.head, "Content-Type: application/problem+json\r\n");
    assert_true(got.closed);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void a_length_that_can_be_read_in_two_ways_is_refused(void **state)
{
    assert_refused_and_closed(*state, POST "Content-Length: 13\r\nContent-Length: 13\r\n\r\n" BODY,
                              400);
    assert_refused_and_closed(*state, POST "Content-Length: 13\r\ncontent-length: 3\r\n\r\n" BODY,
                              400);
    assert_refused_and_closed(*state, POST "Content-Length: +13\r\n\r\n" BODY, 400);
    assert_refused_and_closed(*state, POST "Content-Length: 13abc\r\n\r\n" BODY, 400);
    assert_refused_and_closed(*state, POST "Content-Length: 0x0d\r\n\r\n" BODY, 400);
    assert_refused_and_closed(*state, POST "Content-Length: 13,13\r\n\r\n" BODY, 400);
    assert_refused_and_closed(*state, POST "Content-Length : 13\r\n\r\n" BODY, 400);
    assert_refused_and_closed(
        *state, POST "Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n" BODY, 400);
    assert_refused_and_closed(*state,
                              POST
                              "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "0\r\n\r\n",
                              400);
    assert_refused_and_closed(*state, POST "Transfer-Encoding: gzip\r\n\r\n", 400);
}

static void more_header_fields_than_civetweb_keeps_are_refused(void **state)
{
    char text[4096] = "GET /healthz HTTP/1.1\r\n" HOST;
    size_t used = strlen(text);
    for (int i = 0; i < 64; i++) {
        used += (size_t) snprintf(text + used, sizeof text - used, "X-%d: y\r\n", i);
    }
    (void) snprintf(text + used, sizeof text - used, "Content-Length: 5\r\n\r\n");
    assert_refused_and_closed(*state, text, 431);
}

// Some other server on the way may see the length behind the folded line.
static void folded_header_fields_are_refused(void **state)
{
    assert_refused_and_closed(*state, POST "X-A: a\r\n b\r\nContent-Length: 13\r\n\r\n" BODY, 400);
    assert_refused_and_closed(*state, POST "X-A: a\r\n\tContent-Length: 13\r\n\r\n" BODY, 400);
    answer got = rig_ask(*state, "GET /healthz HTTP/1.1\r\n" HOST "X-A: a  \r\n\r\n");
    assert_int_equal(got.http_status, 200);
    got = rig_ask(*state, "GET /healthz HTTP/1.1\r\n" HOST "X-A:\r\n\r\n");
    assert_int_equal(got.http_status, 200);
}

static void a_chunked_body_is_put_together(void **state)
{
    answer got = rig_ask(*state, POST "Transfer-Encoding: chunked\r\n\r\n"
                                      "8\r\n{\"queue\"\r\n5\r\n:\"q\"}\r\n0\r\n\r\n");
    assert_int_equal(got.http_status, 201);
    assert_has(got.body, "\"queue\":\"q\"");
    assert_true(got.closed);
}

static void bad_chunks_are_refused(void **state)
{
    static const char *const bodies[] = {"zz\r\n" BODY, "-5\r\n" BODY, "ffffffffffffffff\r\n" BODY,
                                         "3\r\n" BODY "\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[512];
        (void) snprintf(text, sizeof text, POST "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
        assert_refused_and_closed(*state, text, 400);
    }
}

static void a_body_over_the_cap_is_413(void **state)
{
    assert_refused_and_closed(*state, POST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
                              413);
    char text[4096] = POST "Transfer-Encoding: chunked\r\n\r\n4b0\r\n";
    size_t used = strlen(text);
    memset(text + used, 'x', 0x4b0);
    (void) strcpy(text + used + 0x4b0, "\r\n0\r\n\r\n");
    assert_refused_and_closed(*state, text, 413);
}

// A client that sends on while it is refused must still see the answer, not a reset.
static void the_answer_to_a_large_body_arrives(void **state)
{
    answer got;
    int fd = rig_connect(*state);
    static char megabyte[1 << 20];
    rig_send(fd, POST "Content-Length: 20971520\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        assert_int_equal(send(fd, megabyte, sizeof megabyte, MSG_NOSIGNAL), sizeof megabyte);
    }
    rig_receive(fd, false, &got);
    assert_problem(&got, 413, "RESOURCE_EXHAUSTED");
    close(fd);
}

static void the_client_is_told_to_continue(void **state)
{
    answer got;
    int fd = rig_connect(*state);
    rig_send(fd, POST "Content-Length: 13\r\nExpect: 100-continue\r\n\r\n");
    assert_true(rig_read_head(fd, &got) > 0);
    assert_string_equal(got.head, "HTTP/1.1 100 Continue\r\n\r\n");
    rig_send(fd, BODY);
    rig_receive(fd, false, &got);
    assert_int_equal(got.http_status, 201);
    close(fd);
    assert_refused_and_closed(*state, POST "Content-Length: 13\r\nExpect: tea\r\n\r\n" BODY, 417);
}

static void a_body_that_does_not_come_is_cut_off(void **state)
{
    assert_refused_and_closed(*state, POST "Content-Length: 13\r\n\r\n{\"qu", 408);
    assert_refused_and_closed(*state, POST "Transfer-Encoding: chunked\r\n\r\nd\r\n{\"qu", 408);
}

// Each byte comes in time, but never the last one.
static void a_body_that_drips_is_cut_off(void **state)
{
    answer got;
    int fd = rig_connect(*state);
    const struct timeval pause = {.tv_usec = 50000};
    char byte;
    rig_send(fd, POST "Content-Length: 999\r\n\r\n");
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause), 0);
    int drops = 0;
    while (drops < 900 && recv(fd, &byte, 1, MSG_PEEK) < 0) {
        (void) send(fd, " ", 1, MSG_NOSIGNAL);
        drops++;
    }
    assert_in_range(drops, 1, 899);
    rig_receive(fd, false, &got);
    assert_problem(&got, 408, "DEADLINE_EXCEEDED");
    close(fd);
}

static void half_a_request_is_an_error_and_no_more(void **state)
{
    answer got;
    int fd = rig_connect(*state);
    rig_send(fd, POST "Content-Length: 13\r\n\r\n{\"qu");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    rig_receive(fd, false, &got);
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    close(fd);
    got = rig_request(*state, "GET", "/healthz", "", NULL);
    assert_int_equal(got.http_status, 200);
}

static void noise_is_a_bad_request(void **state)
{
    assert_refused_and_closed(*state, "noise\r\n\r\n", 400);
    assert_refused_and_closed(*state, "\x16\x03\x01\x02", 400);
    assert_refused_and_closed(*state, "GET /healthz HTTP/3.0\r\n" HOST "\r\n", 505);
    assert_refused_and_closed(*state, "BREW /healthz HTTP/1.1\r\n" HOST "\r\n", 400);
}

static void requests_in_one_go_are_answered_in_order(void **state)
{
    answer got;
    int fd = rig_connect(*state);
    rig_send(fd, POST "Content-Length: 13\r\n\r\n" BODY "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
                      "GET /nowhere HTTP/1.1\r\n" HOST "\r\n");
    rig_receive(fd, false, &got);
    assert_int_equal(got.http_status, 201);
    assert_false(got.closed);
    rig_receive(fd, false, &got);
    assert_int_equal(got.http_status, 200);
    rig_receive(fd, false, &got);
    assert_int_equal(got.http_status, 404);
    close(fd);
}

static void a_web_socket_is_not_opened(void **state)
{
    answer got = rig_ask(*state, "GET /ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n"
                                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                 "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
    assert_problem(&got, 404, "NOT_FOUND");
}

static void paths_are_taken_as_they_are(void **state)
{
    static const char *const paths[] = {"//healthz", "/./healthz",  "/../healthz", "/healthz/",
                                        "/HEALTHZ",  "/healthz%00", "/v1/jobs/",   "/v1/jobs/a/b"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        answer got = rig_request(*state, "GET", paths[i], "", NULL);
        assert_problem(&got, 404, "NOT_FOUND");
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_length_that_can_be_read_in_two_ways_is_refused, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(more_header_fields_than_civetweb_keeps_are_refused, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(folded_header_fields_are_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_chunked_body_is_put_together, set_up, tear_down),
    cmocka_unit_test_setup_teardown(bad_chunks_are_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_body_over_the_cap_is_413, set_up, tear_down),
    cmocka_unit_test_setup_teardown(the_answer_to_a_large_body_arrives, set_up, tear_down),
    cmocka_unit_test_setup_teardown(the_client_is_told_to_continue, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_body_that_does_not_come_is_cut_off, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_body_that_drips_is_cut_off, set_up, tear_down),
    cmocka_unit_test_setup_teardown(half_a_request_is_an_error_and_no_more, set_up, tear_down),
    cmocka_unit_test_setup_teardown(noise_is_a_bad_request, set_up, tear_down),
    cmocka_unit_test_setup_teardown(requests_in_one_go_are_answered_in_order, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_web_socket_is_not_opened, set_up, tear_down),
    cmocka_unit_test_setup_teardown(paths_are_taken_as_they_are, set_up, tear_down),
};

UNIT_TEST_MAIN(tests)
