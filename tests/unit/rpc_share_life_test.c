// rpc share life - deadlines, broken connections, restarts and the end of a client whose calls
// share messages.
#include "unit/rpc_script.h"

// ---- deadlines ----

// False: the call had not come so far when its time was over.
static bool one_ends_in_its_time(int64_t timeout_ms)
{
    const rpc_call_options brief = {.prompt = true, .timeout_ms = timeout_ms};
    script *s = script_open_busy("deadline");
    script_ask_many(s, 5);
    asked *hasty = script_ask(s, &brief);
    script_ask_many(s, 5);
    script_free_lanes(s);
    taken held = script_take(s);
    bool together = held.request->n_calls == 11;
    calls_wait(&s->calls, 1 + CLIENT_SHARING_LANES + 1);
    assert_failed(s, hasty, STATUS_DEADLINE_EXCEEDED);
    if (together) {
        taken first = script_take(s);
        assert_int_equal(first.request->n_calls, 0);
        assert_true(first.request->timeout->seconds < RIG_TIMEOUT_MS / 1000);  // what is left
        taken_serve(&first);
        assert_int_equal(script_serve(s, 9), 9);
        calls_wait(&s->calls, s->count);
        assert_int_equal(s->calls.failed, 1);
        taken_serve(&held);  // too late
        script_ask(s, &prompt);
        assert_int_equal(script_serve(s, 1), 1);
        calls_wait(&s->calls, s->count);
        assert_int_equal(s->calls.failed, 1);
    } else {
        taken_drop(&held);
    }
    script_close(s);
    return together;
}

static void one_ends_in_its_time_and_the_others_are_sent_again(void **state)
{
    (void) state;
    int64_t timeout_ms = 100;
    while (!one_ends_in_its_time(timeout_ms)) {
        timeout_ms *= 2;  // a busy machine
    }
}

static void a_deadline_ends_a_call_that_waits_to_share(void **state)
{
    (void) state;
    const rpc_call_options brief = {.prompt = true, .timeout_ms = 50};
    script *s = script_open_busy("waits");
    script_ask_many(s, 5);
    asked *hasty = script_ask(s, &brief);
    script_ask_many(s, 5);
    calls_wait(&s->calls, 2);  // the first of all, and this
    assert_failed(s, hasty, STATUS_DEADLINE_EXCEEDED);
    script_free_lanes(s);
    assert_int_equal(script_serve(s, 10), 1);
    calls_wait(&s->calls, s->count);
    assert_int_equal(s->calls.failed, 1);
    script_close(s);
}

// ---- connections ----

static void calls_under_way_together_are_sent_again_when_the_connection_breaks(void **state)
{
    (void) state;
    script *s = script_open_busy("breaks");
    script_ask_many(s, 30);
    script_free_lanes(s);
    taken t = script_take(s);
    assert_int_equal(t.request->n_calls, 30);
    script_ask_many(s, 21);  // these wait to share
    nng_close(s->socket);
    taken_drop(&t);
    script_listen(s);
    size_t messages = script_serve(s, 51);
    assert_in_range(messages, 31, 51);
    assert_all_right(s);
    script_close(s);
}

static void calls_before_a_connection_share_nothing(void **state)
{
    (void) state;
    script *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->url, sizeof s->url, "ipc:///tmp/errand-rpc-share-%d-early", (int) getpid());
    calls_init(&s->calls);
    s->client = rig_client(s->url);
    script_ask_many(s, 30);
    script_listen(s);
    assert_int_equal(script_serve(s, 30), 30);
    assert_all_right(s);
    script_close(s);
}

static void calls_survive_a_restart_of_the_server(void **state)
{
    (void) state;
    char url[96];
    snprintf(url, sizeof url, "ipc:///tmp/errand-rpc-share-%d-restart", (int) getpid());
    rig *r = rig_new(NULL, url);
    rpc_client *client = rig_client(url);
    calls c;
    calls_init(&c);
    assert_null(rig_call_get(client, "a", "a", NULL));
    calls_hold(&c, client, 20, &prompt);
    rig_restart_holding(r, url, CLIENT_SHARING_LANES, 20);
    rig_release(r);
    calls_wait(&c, 20);
    assert_int_equal(status_code_of(c.last_failure), STATUS_INTERNAL);  // as the rig answers
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

// ---- closing ----

static void assert_cancelled_once_from(script *s, size_t first)
{
    for (size_t i = first; i < s->count; i++) {
        assert_failed(s, &s->asked[i], STATUS_CANCELLED);
    }
}

static void closing_ends_calls_that_wait_to_share(void **state)
{
    (void) state;
    script *s = script_open_busy("close_waiting");
    script_ask_many(s, 100);
    rpc_client_close(s->client);
    s->client = NULL;
    assert_cancelled_once_from(s, 1);
    for (int i = 0; i < CLIENT_SHARING_LANES; i++) {
        taken_drop(&s->busy[i]);
    }
    script_close(s);
}

static void closing_ends_calls_that_are_under_way_together(void **state)
{
    (void) state;
    script *s = script_open_busy("close_shared");
    size_t first = s->count;
    script_ask_many(s, 100);
    script_free_lanes(s);
    taken t = script_take(s);
    assert_true(t.request->n_calls > 1);
    calls_wait(&s->calls, first);
    rpc_client_close(s->client);
    s->client = NULL;
    assert_cancelled_once_from(s, first);
    taken_drop(&t);
    script_close(s);
}

static void closing_ends_calls_that_are_sent_again(void **state)
{
    (void) state;
    for (int round = 0; round < 10; round++) {
        script *s = script_open_busy("close_again");
        size_t first = s->count;
        script_ask_many(s, 40);
        script_free_lanes(s);
        taken t = script_take(s);
        calls_wait(&s->calls, first);
        taken_serve_some(&t, 0, SIZE_MAX, ERRAND__RPC__V1__CODE__OK);
        rpc_client_close(s->client);  // while they go out anew, each alone
        s->client = NULL;
        assert_cancelled_once_from(s, first);
        script_close(s);
    }
}

// ---- many threads ----

typedef struct crowd {
    rpc_client *client;
    _Atomic bool stop;
    _Atomic size_t good;
} crowd;

static void *ask_and_ask(void *data)
{
    crowd *w = data;
    while (!atomic_load(&w->stop)) {
        AUTO(status) failure = rig_call_get(w->client, "crowd", "crowd", &prompt);
        assert_null(failure);
        atomic_fetch_add(&w->good, 1);
    }
    return NULL;
}

static void wait_for_good(crowd *w, size_t more)
{
    size_t wanted = atomic_load(&w->good) + more;
    while (atomic_load(&w->good) < wanted) {
        assert_null(rig_call_get(w->client, "and me", "and me", NULL));
    }
}

static void many_threads_share_through_restarts_and_reconnects(void **state)
{
    (void) state;
    enum { THREADS = 16, ROUNDS = 5 };
    char url[96];
    snprintf(url, sizeof url, "ipc:///tmp/errand-rpc-share-%d-crowd", (int) getpid());
    rig *r = rig_new(NULL, url);
    crowd w = {.client = rig_client(url)};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_ask, &w), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        wait_for_good(&w, 200);
        rpc_client_reconnect(w.client);
        wait_for_good(&w, 200);
        rig_stop(r);
        free(r->url);
        rig_listen(r, url);
    }
    wait_for_good(&w, 200);
    atomic_store(&w.stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    rpc_client_close(w.client);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_ends_in_its_time_and_the_others_are_sent_again),
    cmocka_unit_test(a_deadline_ends_a_call_that_waits_to_share),
    cmocka_unit_test(calls_under_way_together_are_sent_again_when_the_connection_breaks),
    cmocka_unit_test(calls_before_a_connection_share_nothing),
    cmocka_unit_test(calls_survive_a_restart_of_the_server),
    cmocka_unit_test(closing_ends_calls_that_wait_to_share),
    cmocka_unit_test(closing_ends_calls_that_are_under_way_together),
    cmocka_unit_test(closing_ends_calls_that_are_sent_again),
    cmocka_unit_test(many_threads_share_through_restarts_and_reconnects),
};

UNIT_TEST_MAIN(tests)
