// framing - where a request ends, judged more strictly than civetweb does.
#include "gateway/framing.h"

#include "gateway/problem.h"

#include <string.h>
#include <strings.h>

#define MAX_LENGTH_DIGITS 18  // more would not fit in 64 bits

static bool parse_length(const char *text, int64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    const char *rest = text + digits;
    if (digits == 0 || digits > MAX_LENGTH_DIGITS || rest[strspn(rest, " \t")] != '\0') {
        return false;
    }
    int64_t value = 0;
    for (; text < rest; text++) {
        value = value * 10 + (*text - '0');
    }
    *ret = value;
    return true;
}

static bool check_length(exchange *x)
{
    const char *length = exchange_field(x, "Content-Length");
    const char *encoding = exchange_field(x, "Transfer-Encoding");
    if (exchange_count_fields(x, "Content-Length") > 1 ||
        exchange_count_fields(x, "Transfer-Encoding") > 1) {
        return problem_refuse(x, 400, "the length of the body is given twice");
    }
    if (length != NULL && encoding != NULL) {
        return problem_refuse(x, 400, "Content-Length and Transfer-Encoding exclude each other");
    }
    if (encoding != NULL) {
        if (strcasecmp(encoding, "chunked") != 0 || x->is_http_1_0) {
            return problem_refuse(x, 501, "the only transfer coding known is chunked");
        }
        x->content_length = -1;
    } else if (length != NULL && !parse_length(length, &x->content_length)) {
        return problem_refuse(x, 400, "Content-Length is not a number");
    }
    return true;
}

static bool check_expect(exchange *x)
{
    const char *expect = exchange_field(x, "Expect");
    if (expect != NULL && strcasecmp(expect, "100-continue") != 0) {
        return problem_refuse(x, 417, "the only expectation known is 100-continue");
    }
    return true;
}

// Some other server may take a line end or a stray NUL for the end of a field.
static bool check_values(exchange *x)
{
    for (size_t i = 0; i < x->field_count; i++) {
        if (x->fields[i].name[0] == '\0' || strpbrk(x->fields[i].value, "\r\n") != NULL ||
            strpbrk(x->fields[i].name, " \t") != NULL) {
            return problem_refuse(x, 400, "a header field is malformed");
        }
    }
    return true;
}

bool framing_check(exchange *x)
{
    bool ok;
    if (x->field_count >= EXCHANGE_MAX_FIELDS) {
        // civetweb drops those that follow without a word.
        ok = problem_refuse(x, 431, "more than %d header fields", EXCHANGE_MAX_FIELDS - 1);
    } else {
        ok = check_values(x) && check_length(x) && check_expect(x);
    }
    if (!ok) {
        x->close = true;
    }
    return ok;
}

bool framing_expects_continue(const exchange *x)
{
    return !x->is_http_1_0 && exchange_field(x, "Expect") != NULL;
}
