// spec_http - what an HTTP call may look like.
#include "job/check.h"

#include "job/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define METHOD_MAX        32
#define MAX_SUCCESS_CODES 100

static void check_method(check *c, const char *method)
{
    char quoted[TEXT_QUOTE_SIZE];
    if (!*method)
        return;
    if (!text_is_token(method) || strlen(method) > METHOD_MAX)
        check_bad(c, "http.method", "found %s, expected a method such as GET",
                  text_quote(method, quoted));
    else if (strcasecmp(method, "CONNECT") == 0)
        check_bad(c, "http.method", "found %s, expected any other", text_quote(method, quoted));
}

// `204`, or a class such as `2xx`; interim answers (1xx) never end a call.
static bool is_success_code(const char *text)
{
    if (strlen(text) != 3 || text[0] < '2' || text[0] > '5')
        return false;
    if (text[1] == 'x' && text[2] == 'x')
        return true;
    return text[1] >= '0' && text[1] <= '9' && text[2] >= '0' && text[2] <= '9';
}

static void check_success_codes(check *c, const Errand__V1__HttpRequest *http)
{
    char field[64], quoted[TEXT_QUOTE_SIZE];
    if (http->n_success_codes > MAX_SUCCESS_CODES)
        check_bad(c, "http.success_codes", "found %zu codes, expected at most %d",
                  http->n_success_codes, MAX_SUCCESS_CODES);
    for (size_t i = 0; i < http->n_success_codes; i++) {
        if (is_success_code(http->success_codes[i]))
            continue;
        snprintf(field, sizeof field, "http.success_codes[%zu]", i);
        check_bad(c, field, "found %s, expected a code (200 to 599) or a class (2xx to 5xx)",
                  text_quote(http->success_codes[i], quoted));
    }
}

static void check_max_body_bytes(check *c, int64_t bytes)
{
    size_t limit = c->limits->max_result_bytes;
    if (bytes < 0 || (limit > 0 && (uint64_t) bytes > limit))
        check_bad(c, "http.max_body_bytes", "found %" PRId64 ", expected 0 to %zu", bytes, limit);
}

void check_http(check *c, const Errand__V1__HttpRequest *http)
{
    check_url(c, "http.url", http->url);
    check_method(c, http->method);
    check_header_count(c, "http.headers", http->n_headers);
    for (size_t i = 0; i < http->n_headers; i++)
        check_header(c, "http.headers", http->headers[i]->key, http->headers[i]->value);
    check_max_body_bytes(c, http->max_body_bytes);
    check_success_codes(c, http);
}
