// origin - which web pages may talk to the gateway: the rules for Host and Origin.
#include "gateway/origin.h"

#include "gateway/problem.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define MAX_HOST 256
#define MAX_AGE  "7200"  // seconds that a browser remembers what it may do; they take no more

// Header fields that pages may send, and those that they may read.
#define TAKEN                                                                                      \
    "Authorization, Content-Type, Content-Encoding, Accept, Idempotency-Key, Request-Id, Prefer, " \
    "If-None-Match, Last-Event-ID, traceparent, tracestate, X-Request-Id, "                        \
    "Connect-Protocol-Version, "                                                                   \
    "Connect-Timeout-Ms, Connect-Content-Encoding, Connect-Accept-Encoding"
#define EXPOSED                                                                                    \
    "Location, ETag, Retry-After, Preference-Applied, WWW-Authenticate, Allow, "                   \
    "Content-Encoding, Connect-Content-Encoding, Connect-Accept-Encoding, X-Request-Id"

// Copies the host part of host:port, without the brackets of an IPv6 address.
static bool split_host(const char *text, char ret[static MAX_HOST])
{
    const char *start = text;
    size_t size;
    const char *rest;
    if (*text == '[') {
        start = text + 1;
        size = strcspn(start, "]");
        rest = start + size + (start[size] == ']');
    } else {
        size = strcspn(text, ":");
        rest = text + size;
    }
    if (size == 0 || size >= MAX_HOST) {
        return false;
    }
    memcpy(ret, start, size);
    ret[size] = '\0';
    return *rest == '\0' || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

bool origin_host_known(const origin_rules *rules, const char *host)
{
    char name[MAX_HOST];
    if (!split_host(host, name)) {
        return false;
    }
    if (is_address(name) || strcasecmp(name, "localhost") == 0 ||
        (rules->listen_host != NULL && strcasecmp(name, rules->listen_host) == 0)) {
        return true;
    }
    for (size_t i = 0; i < rules->host_count; i++) {
        if (strcasecmp(name, rules->hosts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_host(const origin_rules *rules, exchange *x)
{
    size_t count = exchange_count_fields(x, "Host");
    if (count == 0 && x->is_http_1_0) {
        return true;
    }
    if (count != 1) {
        x->close = true;
        return problem_refuse(x, 400, "exactly one Host field is needed");
    }
    const char *host = exchange_field(x, "Host");
    if (!origin_host_known(rules, host)) {
        return problem_refuse(x, 403,
                              "Host: found \"%.*s\", expected an address, localhost or a name in "
                              "the setting hosts",
                              MAX_HOST, host);
    }
    return true;
}

// Same origin: scheme://host:port with the very host and port that the request was sent to.
static bool is_own_origin(const exchange *x, const char *origin)
{
    const char *host = exchange_field(x, "Host");
    const char *mark = strstr(origin, "://");
    return host != NULL && mark != NULL && strcasecmp(mark + 3, host) == 0;
}

typedef enum origin_verdict { FOREIGN, ANYBODY, LISTED } origin_verdict;

static origin_verdict judge_origin(const origin_rules *rules, const char *origin)
{
    origin_verdict verdict = FOREIGN;
    for (size_t i = 0; i < rules->origin_count; i++) {
        if (strcasecmp(rules->origins[i], origin) == 0) {
            return LISTED;
        }
        if (strcmp(rules->origins[i], "*") == 0) {
            verdict = ANYBODY;
        }
    }
    return verdict;
}

// What the page may see of the answer. Credentials are for pages that are known by name.
static void allow_page(const origin_rules *rules, exchange *x, const char *origin,
                       origin_verdict verdict)
{
    exchange_add_header(x, "Access-Control-Allow-Origin", origin);
    if (rules->allow_credentials && verdict == LISTED) {
        exchange_add_header(x, "Access-Control-Allow-Credentials", "true");
    }
    exchange_add_header(x, "Access-Control-Expose-Headers", EXPOSED);
}

void origin_preflight(const origin_rules *rules, exchange *x, const char *allow)
{
    const char *origin = exchange_field(x, "Origin");
    if (origin == NULL || exchange_field(x, "Access-Control-Request-Method") == NULL ||
        judge_origin(rules, origin) == FOREIGN) {
        return;
    }
    exchange_add_header(x, "Access-Control-Allow-Methods", allow);
    exchange_add_header(x, "Access-Control-Allow-Headers", TAKEN);
    exchange_add_header(x, "Access-Control-Max-Age", MAX_AGE);
}

bool origin_check(const origin_rules *rules, exchange *x)
{
    if (!check_host(rules, x)) {
        return false;
    }
    const char *origin = exchange_field(x, "Origin");
    if (rules->origin_count > 0) {
        exchange_add_header(x, "Vary", "Origin");
    }
    if (origin == NULL || is_own_origin(x, origin)) {
        return true;
    }
    origin_verdict verdict = judge_origin(rules, origin);
    if (verdict == FOREIGN) {
        return problem_refuse(x, 403,
                              "Origin: found \"%.*s\", expected the gateway's own or one in the "
                              "setting origins",
                              MAX_HOST, origin);
    }
    allow_page(rules, x, origin, verdict);
    return true;
}
