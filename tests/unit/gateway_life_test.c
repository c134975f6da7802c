// The gateway's routes of queues and events, before a scripted server.
#include "unit/gateway_rig_client.h"

// What the last Update asked for.
static char update_mask[128];
static char update_queue[64];
static bool update_has_rate;
static bool has_max_running;

// The job that Watch tells of.
static int64_t job_revision;
static Errand__V1__Job__State job_state;
static int64_t progress_done;
static bool parks;  // a Watch with nothing new waits for ever; otherwise it is answered at once

static void answer_update(rpc_call *call, const Errand__V1__UpdateQueueRequest *request)
{
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    update_mask[0] = '\0';
    for (size_t i = 0; i < mask->n_paths; i++) {
        (void) strncat(update_mask, mask->paths[i], sizeof update_mask - strlen(update_mask) - 2);
        (void) strcat(update_mask, " ");
    }
    rig_copy(update_queue, sizeof update_queue, request->queue->name);
    update_has_rate = request->queue->rate_limit != NULL;
    has_max_running = request->queue->max_running != NULL;
    if (strcmp(request->queue->name, "bad") == 0) {
        rpc_call_fail(call, status_bad_field("queue.max_running", "expected one or more"));
    } else {
        rpc_call_answer(call, &request->queue->base);
    }
}

static void answer_watch(rpc_call *call, const Errand__V1__WatchJobRequest *request)
{
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    Errand__V1__Progress progress = ERRAND__V1__PROGRESS__INIT;
    rig *r = the_rig;
    if (request->id[35] == '9') {
        rpc_call_fail(call, status_new(STATUS_NOT_FOUND, "no such job"));
        return;
    }
    pthread_mutex_lock(&r->lock);
    bool wait = parks && request->revision == job_revision;
    job.id = request->id;
    job.revision = job_revision;
    job.state = job_state;
    progress.done = progress_done;
    job.progress = progress_done > 0 ? &progress : NULL;
    pthread_mutex_unlock(&r->lock);
    if (wait) {
        rig_park(call);
    } else {
        rpc_call_answer(call, &job.base);
    }
}

static bool other(rpc_call *call, const char *method, const ProtobufCMessage *request)
{
    if (strcmp(method, "Update") == 0) {
        answer_update(call, (const Errand__V1__UpdateQueueRequest *) request);
    } else if (strcmp(method, "Watch") == 0) {
        answer_watch(call, (const Errand__V1__WatchJobRequest *) request);
    } else {
        return false;
    }
    return true;
}

static int set_up(void **state)
{
    gateway_options options;
    rig_options(&options);
    options.max_streams = 1;
    options.heartbeat_us = 200000;
    rig_other = other;
    job_revision = 7;
    job_state = ERRAND__V1__JOB__STATE__READY;
    parks = true;
    *state = rig_new(&options);
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static answer patch(rig *r, const char *path, const char *body)
{
    return rig_request(r, "PATCH", path, JSON_TYPE, body);
}

// ---- queues ----

static void a_patch_changes_the_members_of_its_body(void **state)
{
    answer got = patch(*state, "/v1/queues/a.b", "{\"maxRunning\":5,\"rateLimit\":null}");
    assert_int_equal(got.http_status, 200);
    assert_has(got.body, "\"name\":\"a.b\"");
    assert_has(got.body, "\"maxRunning\":5");
    assert_has(update_mask, "max_running ");
    assert_has(update_mask, "rate_limit ");
    assert_int_equal(strlen(update_mask), strlen("max_running rate_limit "));
    assert_true(has_max_running);
    assert_false(update_has_rate);
}

static void a_patch_may_name_its_own_queue_only(void **state)
{
    answer got = patch(*state, "/v1/queues/a", "{\"name\":\"a\",\"max_depth\":\"9\"}");
    assert_int_equal(got.http_status, 200);
    assert_string_equal(update_mask, "max_depth ");
    assert_string_equal(update_queue, "a");
    got = patch(*state, "/v1/queues/a", "{\"name\":\"b\"}");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    assert_has(got.body, "\"field\":\"name\"");
}

static void a_wrong_patch_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"colour\":1}", "{\"maxRunning\":\"x\"}", "[]", "null", "{", ""};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        answer got = patch(*state, "/v1/queues/a", bodies[i]);
        assert_problem(&got, 400, "INVALID_ARGUMENT");
    }
    answer got = patch(*state, "/v1/queues/a?maxRunning=5", "{}");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    got = rig_request(*state, "PATCH", "/v1/queues/a", "Content-Type: text/plain\r\n", "{}");
    assert_problem(&got, 415, "INVALID_ARGUMENT");
    got = patch(*state, "/v1/queues/bad", "{\"maxRunning\":-1}");
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    assert_has(got.body, "\"field\":\"max_running\"");
    assert_has(got.body, "\"detail\":\"max_running: ");
}

// ---- events ----

static int ask_events(const rig *r, const char *headers, const char *id)
{
    char text[256];
    (void) snprintf(text, sizeof text,
                    "GET /v1/jobs/" RIG_ID "%s/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", id,
                    headers);
    int fd = rig_connect(r);
    rig_send(fd, text);
    return fd;
}

// Reads on until the text so far has the part; "" reads to the end.
static void read_until(int fd, buf *so_far, const char *part)
{
    while (*part == '\0' || so_far->size == 0 || strstr(buf_text(so_far), part) == NULL) {
        char bytes[4096];
        ssize_t size = recv(fd, bytes, sizeof bytes, 0);
        assert_true(size > 0 || (size == 0 && *part == '\0'));
        if (size == 0) {
            return;
        }
        buf_append(so_far, bytes, (size_t) size);
    }
}

static void change_job(rig *r, Errand__V1__Job__State job_is, int64_t done)
{
    Errand__V1__WatchJobRequest request = ERRAND__V1__WATCH_JOB_REQUEST__INIT;
    request.id = rig_text(RIG_ID "1");
    pthread_mutex_lock(&r->lock);
    rpc_call *call = r->parked[--r->parked_count];
    job_revision++;
    job_state = job_is;
    progress_done = done;
    pthread_mutex_unlock(&r->lock);
    answer_watch(call, &request);
}

static void changes_of_a_job_are_events(void **state)
{
    rig *r = *state;
    AUTO_BUF text = {0};
    int fd = ask_events(r, "", "1");
    read_until(fd, &text, "\"state\":\"READY\"");
    assert_has(buf_text(&text), "Content-Type: text/event-stream\r\n");
    assert_has(buf_text(&text), "event: state\nid: 7\ndata: {");
    rig_wait_parked(r, 1);
    change_job(r, ERRAND__V1__JOB__STATE__RUNNING, 0);
    read_until(fd, &text, "event: state\nid: 8\ndata: {");
    rig_wait_parked(r, 1);
    change_job(r, ERRAND__V1__JOB__STATE__RUNNING, 5);
    read_until(fd, &text, "event: progress\nid: 9\ndata: {\"done\":\"5\"}\n\n");
    rig_wait_parked(r, 1);
    change_job(r, ERRAND__V1__JOB__STATE__SUCCEEDED, 5);
    read_until(fd, &text, "");
    assert_has(buf_text(&text), "event: state\nid: 10\ndata: {");
    assert_string_equal(buf_text(&text) + text.size - 7, "\r\n0\r\n\r\n");
    close(fd);
}

static void what_was_seen_is_not_told_again(void **state)
{
    rig *r = *state;
    AUTO_BUF text = {0};
    int fd = ask_events(r, "Last-Event-ID: 7\r\n", "1");
    rig_wait_parked(r, 1);
    change_job(r, ERRAND__V1__JOB__STATE__SUCCEEDED, 0);
    read_until(fd, &text, "");
    assert_has_not(buf_text(&text), "id: 7");
    assert_has(buf_text(&text), "event: state\nid: 8\n");
    close(fd);
    job_state = ERRAND__V1__JOB__STATE__SUCCEEDED;
    answer got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1/events", "Last-Event-ID: 8\r\n", NULL);
    assert_int_equal(got.http_status, 204);
    assert_has_not(got.head, "Content-Length");
}

static void an_event_stream_of_an_old_client_ends_with_the_connection(void **state)
{
    rig *r = *state;
    AUTO_BUF text = {0};
    job_state = ERRAND__V1__JOB__STATE__FAILED;
    int fd = rig_connect(r);
    rig_send(fd, "GET /v1/jobs/" RIG_ID "1/events HTTP/1.0\r\n\r\n");
    read_until(fd, &text, "");
    assert_has_not(buf_text(&text), "chunked");
    assert_has(buf_text(&text), "\r\n\r\nevent: state\nid: 7\n");
    close(fd);
}

static void events_that_can_not_be_are_refused(void **state)
{
    rig *r = *state;
    answer got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "9/events", "", NULL);
    assert_problem(&got, 404, "NOT_FOUND");
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1/events", "Last-Event-ID: x\r\n", NULL);
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1/events?wait=5s", "", NULL);
    assert_problem(&got, 400, "INVALID_ARGUMENT");
    got = rig_request(r, "HEAD", "/v1/jobs/" RIG_ID "1/events", "", NULL);
    assert_int_equal(got.http_status, 200);
    assert_has(got.head, "Content-Type: text/event-stream\r\n");
}

static void streams_are_capped_and_a_client_that_left_gives_its_place_back(void **state)
{
    rig *r = *state;
    AUTO_BUF text = {0};
    parks = false;
    int fd = ask_events(r, "", "1");
    read_until(fd, &text, "event: state");
    answer got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1/events", "", NULL);
    assert_problem(&got, 503, "UNAVAILABLE");
    assert_has(got.head, "Retry-After: ");
    read_until(fd, &text, ": waiting\n\n");
    close(fd);
    do {
        got = rig_request(r, "HEAD", "/v1/jobs/" RIG_ID "1/events", "", NULL);
    } while (got.http_status == 503);
    assert_int_equal(got.http_status, 200);
}

static void a_stop_ends_streams(void **state)
{
    rig *r = *state;
    AUTO_BUF text = {0};
    int fd = ask_events(r, "", "1");
    rig_wait_parked(r, 1);
    gateway_stop(r->gateway);
    r->gateway = NULL;
    read_until(fd, &text, "");
    assert_has(buf_text(&text), "event: state\nid: 7\n");
    close(fd);
}

static void without_its_server_a_gateway_soon_says_unavailable_but_not_where_that_was(void **state)
{
    (void) state;
    gateway_options options;
    rig_options(&options);
    options.connect_timeout_us = 100000;
    rig *r = rig_new(&options);
    answer got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1", "", NULL);
    assert_int_equal(got.http_status, 200);
    rpc_server_stop(r->server, 0);
    got = rig_request(r, "GET", "/v1/jobs/" RIG_ID "1", "", NULL);
    assert_int_equal(got.http_status, 503);
    assert_has(got.body, "\"detail\":\"the gateway has no connection to the server\"");
    assert_has_not(got.body, "127.0.0.1");
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_patch_changes_the_members_of_its_body, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_patch_may_name_its_own_queue_only, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_wrong_patch_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(changes_of_a_job_are_events, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_was_seen_is_not_told_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(an_event_stream_of_an_old_client_ends_with_the_connection,
                                    set_up, tear_down),
    cmocka_unit_test_setup_teardown(events_that_can_not_be_are_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(streams_are_capped_and_a_client_that_left_gives_its_place_back,
                                    set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_stop_ends_streams, set_up, tear_down),
    cmocka_unit_test(without_its_server_a_gateway_soon_says_unavailable_but_not_where_that_was),
};

UNIT_TEST_MAIN(tests)
