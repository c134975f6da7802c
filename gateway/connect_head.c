// connect_head - what the header of a Connect request says.
#include "gateway/connect_internal.h"

#include "base/clock.h"
#include "gateway/encoding.h"
#include "gateway/negotiate.h"
#include "gateway/problem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_TIMEOUT_DIGITS 10

// ---- codec ----

// Whether a Content-Type is this one; JSON is always UTF-8, and may say so.
static bool is_type(const char *value, const char *type, bool may_have_charset)
{
    size_t size = strlen(type);
    if (strncasecmp(value, type, size) != 0) {
        return false;
    }
    const char *rest = value + size + strspn(value + size, " \t");
    if (*rest == '\0') {
        return true;
    }
    if (*rest != ';' || !may_have_charset) {
        return false;
    }
    rest += 1 + strspn(rest + 1, " \t");
    return strcasecmp(rest, "charset=utf-8") == 0 || strcasecmp(rest, "charset=\"utf-8\"") == 0;
}

static bool find_codec(const connect_call *c, connect_codec *ret)
{
    const char *type = exchange_field(c->call.x, "Content-Type");
    bool streams = c->method.streams;
    if (type == NULL || exchange_count_fields(c->call.x, "Content-Type") != 1) {
        return false;
    }
    if (is_type(type, streams ? "application/connect+json" : "application/json", true)) {
        *ret = CONNECT_JSON;
        return true;
    }
    *ret = CONNECT_PROTO;
    return is_type(type, streams ? "application/connect+proto" : "application/proto", false);
}

bool connect_read_codec(connect_call *c)
{
    exchange *x = c->call.x;
    bool is_get = strcmp(x->method, "GET") == 0;
    if (is_get ? connect_get_codec(x, &c->codec) : find_codec(c, &c->codec)) {
        return true;
    }
    exchange_add_header(x, "Accept-Post",
                        c->method.streams ? "application/connect+json, application/connect+proto"
                                          : "application/json, application/proto");
    connect_refuse(x, 415, "unknown",
                   is_get ? "the parameter encoding must be json or proto"
                          : "the Content-Type is none that this method takes");
    return false;
}

// ---- version and timeout ----

// curl and the like need not say it, unless they are told to. A GET says it in the query.
static bool check_version(const connect_call *c)
{
    exchange *x = c->call.x;
    const char *version = exchange_field(x, "Connect-Protocol-Version");
    bool may_lack = !c->call.gateway->require_connect_version || strcmp(x->method, "GET") == 0;
    return (version == NULL && may_lack) || (version != NULL && strcmp(version, "1") == 0) ||
           problem_refuse(x, 400, "Connect-Protocol-Version must be \"1\"");
}

static bool read_timeout(connect_call *c)
{
    exchange *x = c->call.x;
    const char *text = exchange_field(x, "Connect-Timeout-Ms");
    if (text == NULL) {
        return true;
    }
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > MAX_TIMEOUT_DIGITS || text[digits] != '\0' ||
        exchange_count_fields(x, "Connect-Timeout-Ms") > 1) {
        return problem_refuse(x, 400, "Connect-Timeout-Ms must be 1 to %d digits",
                              MAX_TIMEOUT_DIGITS);
    }
    c->call.deadline_us = clock_mono_us(clock_system()) + strtoll(text, NULL, 10) * 1000;
    return true;
}

// ---- compression ----

static bool check_encoding(const connect_call *c)
{
    exchange *x = c->call.x;
    bool streams = c->method.streams;
    const char *name = streams ? "Connect-Content-Encoding" : "Content-Encoding";
    const char *accept = streams ? "Connect-Accept-Encoding" : "Accept-Encoding";
    const char *encoding = exchange_field(x, name);
    // Who packs with it can unpack it.
    x->assume_gzip = encoding != NULL && strcasecmp(encoding, "gzip") == 0;
    if (encoding_known(encoding) && exchange_count_fields(x, name) <= 1) {
        return true;
    }
    exchange_add_header(x, accept, "gzip");
    return problem_refuse(
        x, 501, "unknown compression \"%s\": supported encodings are gzip, identity", encoding);
}

bool connect_read_head(connect_call *c)
{
    return check_version(c) && read_timeout(c) && check_encoding(c);
}
