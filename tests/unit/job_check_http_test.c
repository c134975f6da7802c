// job_check_http - what is wrong with the HTTP call or the callback of a submitted job.
#include "unit/job_sample.h"

#define A26                "AAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SECRET_OF_78_BYTES ("whsec_" A26 A26 A26 A26)

static void bad_urls_say_what_is_wrong(void **state)
{
    (void) state;
    static const struct {
        const char *url;
        const char *words;
    } cases[] = {
        {"", "found nothing"},
        {"ftp://example.org/", "found \"ftp\", expected http or https"},
        {"file:///etc/passwd", "found \"file\""},
        {"/relative", "found no scheme"},
        {"example.org/x", "found no scheme"},
        {"://example.org/x", "found no scheme"},
        {"http:/example.org", "found no //"},
        {"http://", "found no host"},
        {"http:///path", "found no host"},
        {"http://user@", "found no host"},
        {"http://?x", "found no host"},
        {"http://a b/", "found a space"},
        {"http://a/\n", "control character"},
        {"http://a/\t", "control character"},
        {"http://a\\b/", "backslash"},
        {"http://a:0/", "bad port"},
        {"http://a:65536/", "bad port"},
        {"http://a:99999999999999999999/", "bad port"},
        {"http://a:/", "bad port"},
        {"http://a:8x/", "bad port"},
        {"http://[::1/", "bad host"},
        {"http://[1.2.3.4]/", "bad host"},
        {"http://[::1]x/", "bad host"},
        {"http://a%2fb/", "bad host"},
        {"http://a@b@c/", "bad host"},
        {"http://:80/", "bad host"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample *s = http_sample();
        s->http.url = text(cases[i].url);
        bad(s, "http.url", cases[i].words);
    }
}

static void odd_but_right_urls_are_accepted(void **state)
{
    (void) state;
    static const char *const urls[] = {
        "HTTP://EXAMPLE.ORG",
        "http://[::1]:8080/x",
        "http://[fe80::1.2.3.4]/",
        "https://u:p@example.org:1/",
        "http://127.0.0.1?q=@",
        "http://a_b.example/%20",
        "http://\xc3\xbcml\xc3\xa4ut.example/",
        "http://a#frag/..",
        "http://a:65535",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        sample *s = http_sample();
        s->http.url = text(urls[i]);
        accepts(s);
    }
}

static void a_url_has_a_longest_length(void **state)
{
    (void) state;
    static char url[8194] = "http://a/";
    memset(url + 9, 'x', 8192 - 9);
    sample *s = http_sample();
    s->http.url = url;
    accepts(s);
    url[8192] = 'x';
    bad(s, "http.url", "found 8193 bytes, expected at most 8192");
}

static void methods_are_tokens(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->http.method = text("PROPFIND");
    accepts(s);
    s->http.method = text("GET /");
    bad(s, "http.method", "found \"GET /\"");
    s->http.method = text("connect");
    bad(s, "http.method", "expected any other");
}

static void headers_of_the_connection_are_refused(void **state)
{
    (void) state;
    static const char *const names[] = {
        "Host",    "CONTENT-LENGTH", "Transfer-Encoding", "connection",         "TE",
        "Trailer", "Upgrade",        "Keep-Alive",        "Proxy-Authorization"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char field[64];
        sample *s = http_sample();
        s->header.key = text(names[i]);
        snprintf(field, sizeof field, "http.headers[\"%s\"]", names[i]);
        bad(s, field, "of the connection itself");
    }
}

static void headers_can_not_smuggle(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->header.value = text("a\r\nSecret: 1");
    bad(s, "http.headers[\"x-one\"]", "control character in the value");
    AUTO(status) failure = job_spec_check(&s->job, &limits);
    assert_null(strstr(failure->message, "Secret"));
    s->header.value = text("tab\tand \xc3\xa4 pass");
    accepts(s);
    s->header.key = text("a b");
    bad(s, "http.headers[\"a b\"]", "other characters");
    s->header.key = text("a:\r\n");
    bad(s, "http.headers[\"a:??\"]", "other characters");
    s->header.key = text("");
    bad(s, "http.headers[\"\"]", "other characters");
}

static void success_codes_have_a_syntax(void **state)
{
    (void) state;
    static const char *const wrong[] = {"",    "2",   "20",  "2xxx", "xx2", "2x0",
                                        "199", "1xx", "600", "2XX",  "-20"};
    sample *s = http_sample();
    s->http.success_codes = s->texts;
    s->http.n_success_codes = 2;
    s->texts[0] = text("2xx");
    s->texts[1] = text("404");
    accepts(s);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        s->texts[1] = text(wrong[i]);
        bad(s, "http.success_codes[1]", "expected a code");
    }
}

static void max_body_bytes_stays_within_the_result_limit(void **state)
{
    (void) state;
    sample *s = http_sample();
    s->http.max_body_bytes = 16 << 20;
    accepts(s);
    s->http.max_body_bytes++;
    bad(s, "http.max_body_bytes", "expected 0 to 16777216");
    s->http.max_body_bytes = -1;
    bad(s, "http.max_body_bytes", "found -1");
}

static sample *callback_sample(void)
{
    sample *s = http_sample();
    s->job.callback = &s->callback;
    s->callback.headers = s->callback_headers;
    s->callback.n_headers = 1;
    s->callback.on = s->states;
    return s;
}

static void callbacks_are_checked_too(void **state)
{
    (void) state;
    sample *s = callback_sample();
    accepts(s);
    s->callback.url = text("");
    bad(s, "callback.url", "found nothing");
    s = callback_sample();
    s->callback_header.key = text("Webhook-Id");
    bad(s, "callback.headers[\"Webhook-Id\"]", "the server sets");
    s->callback_header.key = text("Errand-Job-Id");
    bad(s, "callback.headers[\"Errand-Job-Id\"]", "the server sets");
    s->callback_header.key = text("host");
    bad(s, "callback.headers[\"host\"]", "connection");
    s = callback_sample();
    s->callback.format = (Errand__V1__Callback__Format) 3;
    bad(s, "callback.format", "found 3, expected EVENT or RAW");
}

static void callbacks_are_made_in_final_states_once_each(void **state)
{
    (void) state;
    sample *s = callback_sample();
    s->callback.n_on = 2;
    s->states[0] = ERRAND__V1__JOB__STATE__FAILED;
    s->states[1] = ERRAND__V1__JOB__STATE__SUCCEEDED;
    accepts(s);
    s->states[1] = ERRAND__V1__JOB__STATE__FAILED;
    bad(s, "callback.on[1]", "found FAILED again");
    s->states[1] = ERRAND__V1__JOB__STATE__RUNNING;
    bad(s, "callback.on[1]", "found RUNNING, expected SUCCEEDED");
    s->states[1] = (Errand__V1__Job__State) 4711;
    bad(s, "callback.on[1]", "found 4711");
    s->states[1] = (Errand__V1__Job__State) -1;
    bad(s, "callback.on[1]", "found -1");
}

static void secrets_have_a_form_and_are_never_shown(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "hunter2",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
        "whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        SECRET_OF_78_BYTES,
    };
    sample *s = callback_sample();
    s->callback.secret = text("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX");
    accepts(s);
    s->callback.secret_name = text("main");
    bad(s, "callback.secret_name", "both");
    s->callback.secret_name = text("");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        s->callback.secret = text(wrong[i]);
        bad(s, "callback.secret", "24 to 64 bytes");
        AUTO(status) failure = job_spec_check(&s->job, &limits);
        assert_null(i == 1 ? NULL : strstr(failure->message, wrong[i]));
    }
    static char longest[1003] = "whsec_";
    memset(longest + 6, 'A', sizeof longest - 7);
    s->callback.secret = longest;
    bad(s, "callback.secret", "24 to 64 bytes");
    s->callback.secret = text("");
    s->callback.secret_name = text("no spaces");
    bad(s, "callback.secret_name", "other characters");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bad_urls_say_what_is_wrong),
    cmocka_unit_test(odd_but_right_urls_are_accepted),
    cmocka_unit_test(a_url_has_a_longest_length),
    cmocka_unit_test(methods_are_tokens),
    cmocka_unit_test(headers_of_the_connection_are_refused),
    cmocka_unit_test(headers_can_not_smuggle),
    cmocka_unit_test(success_codes_have_a_syntax),
    cmocka_unit_test(max_body_bytes_stays_within_the_result_limit),
    cmocka_unit_test(callbacks_are_checked_too),
    cmocka_unit_test(callbacks_are_made_in_final_states_once_each),
    cmocka_unit_test(secrets_have_a_form_and_are_never_shown),
};

UNIT_TEST_MAIN(tests)
