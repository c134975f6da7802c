// What the client would rather have: Accept, Accept-Encoding, If-None-Match.
#include "unit/unit_test.h"

#include "gateway/negotiate.h"

static void gzip_is_taken_when_it_is_welcome(void **state)
{
    (void) state;
    static const char *const yes[] = {"gzip",
                                      "x-gzip",
                                      "GZIP",
                                      "br, gzip",
                                      "gzip;q=0.1",
                                      "deflate , gzip ; q=1.0",
                                      "*",
                                      "br;q=1, *;q=0.5",
                                      "identity;q=0.5, gzip",
                                      "gzip;q=0.001",
                                      ",,gzip"};
    static const char *const no[] = {
        "",    "br",    "gzip;q=0",    "gzip;q=0.000",         "identity",      "*;q=0",
        "gzi", "gzipp", "gzip;q=0, *", "identity, gzip;q=0.5", "br;x=\"gzip,\""};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (!negotiate_gzip(yes[i])) {
            fail_msg("%s", yes[i]);
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        if (negotiate_gzip(no[i])) {
            fail_msg("%s", no[i]);
        }
    }
    assert_false(negotiate_gzip(NULL));
}

static void the_range_that_fits_best_decides_on_a_type(void **state)
{
    (void) state;
    static const char *const yes[] = {"application/json",
                                      "Application/JSON",
                                      "application/*",
                                      "*/*",
                                      "*",
                                      "",
                                      "text/html, application/xml;q=0.9, */*;q=0.8",
                                      "application/json;charset=utf-8",
                                      "application/*;q=0, application/json",
                                      "text/plain;a=\"b,c\", application/json;q=0.1"};
    static const char *const no[] = {"text/html",
                                     "application/jso",
                                     "application/json2",
                                     "application/json;q=0",
                                     "*/*, application/json;q=0",
                                     "*/*;q=0",
                                     "text/*",
                                     "application/problem+json"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (!negotiate_type(yes[i], "application/json")) {
            fail_msg("%s", yes[i]);
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        if (negotiate_type(no[i], "application/json")) {
            fail_msg("%s", no[i]);
        }
    }
    assert_true(negotiate_type(NULL, "application/json"));
}

static void tags_are_compared_weakly(void **state)
{
    (void) state;
    static const char *const yes[] = {"W/\"7\"",        "\"7\"",         "*",
                                      "\"6\", W/\"7\"", "W/\"6\",\"7\"", " \"7\" , \"8\"",
                                      "\"a,b\", \"7\""};
    static const char *const no[] = {"",   "\"77\"",       "7",      "W/\"8\"",   "\"7",
                                     "\"", "\"6\", \"8\"", "\"7\"x", "\"a, \"7\""};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (!negotiate_has_tag(yes[i], "W/\"7\"")) {
            fail_msg("%s", yes[i]);
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        if (negotiate_has_tag(no[i], "W/\"7\"")) {
            fail_msg("%s", no[i]);
        }
    }
    assert_false(negotiate_has_tag(NULL, "W/\"7\""));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(gzip_is_taken_when_it_is_welcome),
    cmocka_unit_test(the_range_that_fits_best_decides_on_a_type),
    cmocka_unit_test(tags_are_compared_weakly),
};

UNIT_TEST_MAIN(tests)
