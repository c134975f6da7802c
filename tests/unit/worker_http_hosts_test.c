// worker_http_hosts - which transfers may begin, and in which group of the loop.
#include "unit/unit_test.h"

#include "worker/http_hosts.h"

#include <stdlib.h>

#define MANY 1000

static http_transfer transfers[MANY];

static bool enter(http_hosts *hosts, size_t i, const char *url)
{
    transfers[i] = (http_transfer){.group = 99};
    return http_hosts_enter(hosts, &transfers[i], url);
}

static bool enter_own_host(http_hosts *hosts, size_t i)
{
    char url[64];
    (void) snprintf(url, sizeof url, "http://host-%zu/", i);
    return enter(hosts, i, url);
}

static void leave_all(http_hosts *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void) http_hosts_leave(hosts, &transfers[i]);
    }
    assert_null(hosts->by_name);
    for (size_t i = 0; i < HTTP_GROUPS; i++) {
        assert_int_equal(hosts->in_group[i], 0);
    }
}

static void transfers_to_one_host_fill_the_groups_one_after_the_other(void **state)
{
    (void) state;
    http_hosts hosts = {0};
    for (size_t i = 0; i < MANY; i++) {
        assert_true(enter(&hosts, i, "http://a/x"));
        assert_int_equal(transfers[i].group, i / HTTP_GROUP_TRANSFERS);
    }
    (void) http_hosts_leave(&hosts, &transfers[0]);
    assert_true(enter(&hosts, 0, "http://a/x"));
    assert_int_equal(transfers[0].group, 0);
    leave_all(&hosts, MANY);
}

static void transfers_to_many_hosts_are_spread_too(void **state)
{
    (void) state;
    http_hosts hosts = {0};
    for (size_t i = 0; i < MANY; i++) {
        assert_true(enter_own_host(&hosts, i));
        assert_int_equal(transfers[i].group, i / HTTP_GROUP_ALL);
    }
    leave_all(&hosts, MANY);
}

static void beyond_its_cap_a_host_has_a_line(void **state)
{
    (void) state;
    http_hosts hosts = {.max = 2};
    assert_true(enter(&hosts, 0, "http://a/x"));
    assert_true(enter(&hosts, 1, "HTTP://me@A/x"));
    assert_false(enter(&hosts, 2, "http://a/x"));
    assert_false(enter(&hosts, 3, "http://a/x"));
    assert_true(enter(&hosts, 4, "http://a:81/x"));
    assert_true(http_hosts_waits(&transfers[2]));
    assert_null(http_hosts_leave(&hosts, &transfers[2]));  // given up
    assert_ptr_equal(http_hosts_leave(&hosts, &transfers[0]), &transfers[3]);
    assert_false(http_hosts_waits(&transfers[3]));
    assert_int_equal(hosts.in_group[0], 3);
    assert_null(http_hosts_leave(&hosts, &transfers[1]));
    assert_null(http_hosts_leave(&hosts, &transfers[3]));
    assert_null(http_hosts_leave(&hosts, &transfers[4]));
    assert_null(hosts.by_name);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(transfers_to_one_host_fill_the_groups_one_after_the_other),
    cmocka_unit_test(transfers_to_many_hosts_are_spread_too),
    cmocka_unit_test(beyond_its_cap_a_host_has_a_line),
};

UNIT_TEST_MAIN(tests)
