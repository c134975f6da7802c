// rpc_address_test - addresses of servers: their form.
#include "rpc/address.h"

#include "unit/unit_test.h"

static void addresses_have_a_host_and_a_port(void **state)
{
    (void) state;
    static const char *const good[] = {
        "tcp://127.0.0.1:6710", "tcp://127.0.0.1:0", "tls+tcp://errand.example:65535",
        "tcp://[::1]:6710",     "tcp://:6710",       "tcp://*:6710",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(address_is_good(good[i]));
    }
}

static void a_socket_of_the_host_is_a_path(void **state)
{
    (void) state;
    assert_true(address_is_good("ipc:///run/errand/rpc.sock"));
    assert_true(address_is_good("ipc://rpc.sock"));
    assert_false(address_is_good("ipc://"));
}

static void other_addresses_are_none(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1:6x",
        "tcp://127.0.0.1:000006710",
        "tcp://a b:1",
        "tcp://[::1:1",
        "tcp://::1:1",
        "tcp://a/b:1",
        "tcp://a:1/b",
        "tls+ipc://x",
        "http://a:1",
        "127.0.0.1:6710",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(address_is_good(bad[i]));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(addresses_have_a_host_and_a_port),
    cmocka_unit_test(a_socket_of_the_host_is_a_path),
    cmocka_unit_test(other_addresses_are_none),
};

UNIT_TEST_MAIN(tests)
