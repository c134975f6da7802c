// rpc client - the window, the queue behind it, and closing.
#include "unit/rpc_calls.h"

#define TCP "tcp://127.0.0.1:0"

static void calls_beyond_the_window_queue(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client_with_window(r->url, 2);
    calls c;
    calls_init(&c);
    calls_hold(&c, client, 2, NULL);
    rig_wait(r, &r->held_count, 2);
    for (int i = 0; i < 1000; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        calls_get(&c, client, id, NULL);
    }
    assert_int_equal(r->served, 2);
    rig_release(r);
    calls_wait(&c, 1002);
    assert_int_equal(c.succeeded, 1000);
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void the_deadline_passes_in_the_queue_too(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client_with_window(r->url, 1);
    calls c;
    calls_init(&c);
    calls_hold(&c, client, 1, NULL);
    rig_wait(r, &r->held_count, 1);
    rpc_call_options longer = {.timeout_ms = 10000};
    rpc_call_options shorter = {.timeout_ms = 30};
    calls_get(&c, client, "stays", &longer);
    calls_get(&c, client, "goes", &shorter);
    calls_wait(&c, 1);
    assert_int_equal(status_code_of(c.last_failure), STATUS_DEADLINE_EXCEEDED);
    rig_release(r);
    calls_wait(&c, 3);
    assert_string_equal(c.last_id, "stays");
    rpc_client_close(client);
    calls_fini(&c);
    rig_free(r);
}

static void closing_cancels_what_is_under_way(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    rpc_client *client = rig_client_with_window(r->url, 50);
    calls c;
    calls_init(&c);
    calls_get(&c, client, "busy", NULL);  // pauses and tries again
    rig_wait(r, &r->served, 2);
    calls_hold(&c, client, 100, NULL);  // half at the server, half in the queue
    rig_wait(r, &r->held_count, 49);
    rpc_client_close(client);
    assert_int_equal(c.failed, 101);
    assert_int_equal(status_code_of(c.last_failure), STATUS_CANCELLED);
    calls_fini(&c);
    rig_free(r);
}

static void closing_without_a_server_cancels_too(void **state)
{
    (void) state;
    rpc_client *client = rig_client("tcp://127.0.0.1:1");
    calls c;
    calls_init(&c);
    calls_hold(&c, client, 100, NULL);
    rpc_client_close(client);
    assert_int_equal(c.failed, 100);
    assert_int_equal(status_code_of(c.last_failure), STATUS_CANCELLED);
    calls_fini(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(calls_beyond_the_window_queue),
    cmocka_unit_test(the_deadline_passes_in_the_queue_too),
    cmocka_unit_test(closing_cancels_what_is_under_way),
    cmocka_unit_test(closing_without_a_server_cancels_too),
};

UNIT_TEST_MAIN(tests)
